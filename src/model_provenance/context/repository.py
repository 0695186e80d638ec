"""The source repository as a value: commit, time, dirtiness, tag and remote."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_provenance.context.git import GitCommand
from model_provenance.context.lfs import is_content_of
from model_provenance.context.remote import repository_url
from model_provenance.domain.context import GitState
from model_provenance.domain.text import shown

OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_FILTER_KEY = re.compile(r"filter\.(.+)\.[a-z]+", re.DOTALL)
_FILTER_NAME = re.compile(r"[A-Za-z0-9._-]+")
_REMOTE_KEY = re.compile(r"remote\.(.+)\.url", re.DOTALL)
_VERSION = re.compile(r"v?([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.([0-9]{1,9}))?")
#: Fields before the path of a changed and of an unmerged entry (git-status(1), porcelain v2).
_CHANGED_FIELDS = 8
_UNMERGED_FIELDS = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at the repository gave; paths are relative to its top, as git spells them."""

    state: GitState
    #: Tracked files that differ from HEAD, anywhere in the work tree.
    changed: tuple[str, ...]
    #: Files and folders inside the model directory that git neither tracks nor ignores.
    untracked: tuple[str, ...]


class Repository:
    """A repository whose top is `root` (resolved); opening asks git whether it reads it at all."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        """Errors: `context.git_missing`, `context.git_ownership`, `context.git_unreadable`."""
        self._git = GitCommand(root, env)
        self.root = root
        top, _, shallow = os.fsdecode(
            self._git.read("rev-parse", "--show-toplevel", "--is-shallow-repository")
        ).rpartition("\n")
        if Path(top).resolve() != root:  # core.worktree may point anywhere
            raise self._git.unreadable(f"its configuration names another work tree, {shown(top)}")
        #: True where history was cut off: a commit that is not here may still exist.
        self.shallow = shallow == "true"

    def read(self, model_dir: Path) -> Reading | None:
        """Commit, time, tag, remote, and what differs from the commit; None before the first commit.

        Dirty means: a tracked file anywhere in the work tree differs from HEAD (the code that made the model may not
        be the commit's), or the model directory holds files that git neither tracks nor ignores. Other untracked files
        do not count, nor do changes inside submodules, whose commits do.
        """
        head = self._head()
        if head is None:
            return None
        commit, time, tags = head
        settings = self._settings()
        changed = self._changed(settings)
        untracked = self._untracked(model_dir.resolve())
        state = GitState(
            root=str(self.root),
            commit=commit,
            commit_time=time,
            dirty=bool(changed or untracked),
            shallow=self.shallow,
            remote=_remote(settings),
            tag=max(tags, key=_exactness, default=None),
        )
        return Reading(state, changed, untracked)

    def remote(self) -> str | None:
        """The address of the remote; see `GitState.remote`."""
        return _remote(self._settings())

    def resolve(self, short: str) -> str | None:
        """The full id of the commit that begins with `short` (hex digits); None where there is not exactly one."""
        answer = self._git.run("rev-parse", "--verify", "--quiet", "--end-of-options", short + "^{commit}")
        full = answer.out.decode("ascii", "replace").strip()
        # A branch may bear a name that looks like an id, and git would follow it.
        return full if answer.status == 0 and OBJECT_ID.fullmatch(full) and full.startswith(short) else None

    def blob(self, commit: str, path: str, limit: int) -> bytes | None:
        """The file `path` as `commit` has it; None where it is not here or is longer than `limit` bytes."""
        answer = self._git.run("cat-file", "blob", f"{commit}:{path}", limit=limit)
        return None if answer.status != 0 or answer.cut else answer.out

    def _head(self) -> tuple[str, int, list[str]] | None:
        style = ("--no-show-signature", "--decorate-refs=refs/tags/", "--decorate=full", "--format=%H%x00%ct%x00%D")
        answer = self._git.run("log", "-1", *style, "HEAD", "--")
        if answer.status != 0:
            if self._git.run("rev-parse", "--verify", "--quiet", "HEAD").status == 1:
                return None
            raise self._git.unreadable(answer.err)
        commit, time, names = os.fsdecode(answer.out).rstrip("\n").split("\0")
        # Names of refs hold no spaces, so ", " is never part of one.
        tags = [
            name.removeprefix("tag: refs/tags/") for name in names.split(", ") if name.startswith("tag: refs/tags/")
        ]
        return commit, int(time), tags

    def _settings(self) -> list[tuple[str, str]]:
        """Remotes and filters; never more, since a checkout's configuration also holds tokens."""
        answer = self._git.run("config", "-z", "--get-regexp", r"^(remote\..*\.url|filter\..*)$")
        entries = (entry.partition("\n") for entry in os.fsdecode(answer.out).split("\0") if entry)
        return [(key, value) for key, _, value in entries]

    def _changed(self, settings: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        options = ("--porcelain=v2", "-z", "--untracked-files=no", "--ignore-submodules=dirty", "--no-renames")
        answer = self._git.run("status", *options, overrides=self._without_filters(settings))
        if answer.status != 0 and not answer.cut:
            raise self._git.unreadable(answer.err)
        # What follows the last NUL is nothing, or half an entry of an output that was cut.
        entries = [_StatusEntry.of(line) for line in os.fsdecode(answer.out).split("\0")[:-1]]
        pointers = self._blobs([entry.index_id for entry in entries if entry.only_content])
        return tuple(
            entry.path
            for entry in entries
            if not (entry.only_content and is_content_of(pointers.get(entry.index_id, b""), self.root / entry.path))
        )

    def _without_filters(self, settings: Sequence[tuple[str, str]]) -> list[str]:
        names = {match[1] for key, _ in settings if (match := _FILTER_KEY.fullmatch(key))}
        for name in names:
            if not _FILTER_NAME.fullmatch(name):  # `-c` could not name it, so it would stay on
                raise self._git.unreadable(f"its configuration has a filter with the strange name {shown(name)}")
        off = ("clean=", "smudge=", "process=", "required=false")
        return [f"filter.{name}.{setting}" for name in sorted(names) for setting in off]

    def _blobs(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Blobs of the index by id; empty where they are too large together to be LFS pointers."""
        if not ids:
            return {}
        with tempfile.TemporaryFile() as stream:
            stream.write("".join(f"{id}\n" for id in ids).encode())
            stream.seek(0)
            answer = self._git.run("cat-file", "--batch=%(objectname) %(objectsize)", stdin=stream.fileno())
        if answer.status != 0 or answer.cut:
            return {}
        found, position = {}, 0
        while position < len(answer.out):
            start = answer.out.index(b"\n", position) + 1
            id, _, size = answer.out[position : start - 1].decode("ascii").partition(" ")
            if not size.isdigit():  # "missing": a partial clone does not hold it
                position = start
                continue
            found[id] = answer.out[start : start + int(size)]
            position = start + int(size) + 1
        return found

    def _untracked(self, model: Path) -> tuple[str, ...]:
        if not model.is_relative_to(self.root):
            return ()
        where = () if model == self.root else ("--", f":(top,literal){model.relative_to(self.root).as_posix()}")
        answer = self._git.run("ls-files", "--others", "--exclude-standard", "--directory", "-z", *where)
        if answer.status != 0 and not answer.cut:
            raise self._git.unreadable(answer.err)
        return tuple(os.fsdecode(name) for name in answer.out.split(b"\0")[:-1])


@dataclass(frozen=True, slots=True)
class _StatusEntry:
    """One changed tracked file."""

    path: str
    index_id: str
    #: Nothing but the content in the work tree is said to differ: what an LFS file with its filter off looks like.
    only_content: bool

    @classmethod
    def of(cls, line: str) -> _StatusEntry:
        if line[0] != "1":
            return cls(line.split(" ", _UNMERGED_FIELDS)[-1], "", only_content=False)
        _, change, submodule, _, index_mode, tree_mode, _, index_id, path = line.split(" ", _CHANGED_FIELDS)
        only_content = change == ".M" and submodule == "N..." and index_mode == tree_mode
        return cls(path, index_id, only_content)


def _remote(settings: Sequence[tuple[str, str]]) -> str | None:
    """The address of `origin`, else of the only remote; which of several is meant cannot be told."""
    urls: dict[str, str] = {}
    for key, value in settings:
        if match := _REMOTE_KEY.fullmatch(key):
            urls.setdefault(match[1], value)
    url = urls.get("origin") or (next(iter(urls.values())) if len(urls) == 1 else None)
    return None if url is None else repository_url(url)


def _exactness(tag: str) -> tuple[bool, int, list[int], str]:
    """Orders the tags of one commit: the fullest and highest version last (`v1.2.3` says more than `v1`)."""
    match = _VERSION.fullmatch(tag)
    numbers = [int(number) for number in match.groups() if number] if match else []
    return match is not None, len(numbers), numbers, tag
