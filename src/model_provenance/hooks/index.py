"""The git index: what would be committed. Files in Git LFS are known by their pointers and never read."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, NamedTuple, cast

from model_provenance.domain.digest import Digest
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.lfs import POINTER_LIMIT, Pointer, parse_pointer

#: Nothing of the repository runs and nothing is fetched: a missing object of a partial clone is an error.
_SETTINGS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}
_CHUNK = 1 << 20
_FILE, _LINK = ("100644", "100755"), "120000"


class Staged(NamedTuple):
    """One entry of the index; `path` is relative to the current folder, as pre-commit hands paths over."""

    path: str
    mode: str
    object_id: str

    @property
    def is_file(self) -> bool:
        """False for symbolic links and submodules."""
        return self.mode in _FILE

    @property
    def is_link(self) -> bool:
        """True for symbolic links."""
        return self.mode == _LINK


class Content(NamedTuple):
    """What one entry holds. Of a pointer, `digest` and `size` are those of the file that it stands for."""

    digest: Digest
    size: int
    pointer: Pointer | None
    #: The bytes in the index, where they are few.
    data: bytes | None


class Index:
    """The index of the repository around the current folder. It is git's own hook environment that is followed."""

    def __init__(self) -> None:
        """Errors: `hooks.git`, and `context.git_missing`."""
        self.entries: dict[str, Staged] = {}
        for record in _git("ls-files", "--stage", "-z").split(b"\0")[:-1]:
            head, _, path = record.partition(b"\t")
            mode, object_id, stage = head.decode("ascii").split(" ")
            if stage != "0":
                raise ModelProvenanceError("hooks.git", "a merge is not finished", location=shown(os.fsdecode(path)))
            name = os.fsdecode(path)
            self.entries[name] = Staged(name, mode, object_id)

    def files(self, paths: Iterable[str]) -> list[Staged]:
        """The entries of these paths that are files; a path that is not in the index is left out by pre-commit's rule."""
        found = (self.entries.get(os.path.normpath(path)) for path in paths)
        return [entry for entry in found if entry is not None and entry.is_file]

    def sizes(self, entries: Sequence[Staged]) -> list[int]:
        """The number of bytes of each entry as it lies in the index."""
        lines = _git("cat-file", "--batch-check=%(objectsize)", ids=entries).split(b"\n")
        try:
            return [int(line) for line in lines[: len(entries)]]
        except ValueError as error:
            raise ModelProvenanceError("hooks.git", "an object of the index is missing from this repository") from error

    def contents(self, entries: Sequence[Staged], *, keep: int = POINTER_LIMIT) -> Iterator[tuple[Staged, Content]]:
        """Each entry with its digest, by one git process; `data` is kept of those with at most `keep` bytes."""
        if not entries:
            return
        with _requests(entries) as ids, _start("cat-file", "--batch", "--buffer", stdin=ids) as process:
            stream = cast("IO[bytes]", process.stdout)
            for entry in entries:
                words = stream.readline().split()
                if len(words) != 3 or words[1] != b"blob":  # noqa: PLR2004 - id, type, size
                    process.kill()
                    raise ModelProvenanceError(
                        "hooks.git", "its object is missing from this repository", location=shown(entry.path)
                    )
                yield entry, _content(stream, int(words[2]), keep)
                stream.read(1)

    def read(self, entry: Staged, limit: int) -> bytes:
        """The bytes of one entry. Errors: `hooks.git` beyond `limit` bytes."""
        content = next(content for _, content in self.contents([entry], keep=limit))
        if content.data is None:
            raise ModelProvenanceError(
                "hooks.git",
                f"it is {content.size} bytes, more than the {limit} that are read",
                location=shown(entry.path),
            )
        return content.data

    def attributes(self, paths: Sequence[str], name: str) -> dict[str, str]:
        """Path -> value of one attribute, as `.gitattributes` of the index gives it."""
        with tempfile.TemporaryFile() as wanted:
            wanted.write(b"".join(os.fsencode(path) + b"\0" for path in paths))
            wanted.seek(0)
            fields = _git("check-attr", "--cached", "--stdin", "-z", name, stdin=wanted).split(b"\0")
        return {os.fsdecode(path): os.fsdecode(value) for path, value in zip(fields[::3], fields[2::3], strict=False)}


def _content(stream: IO[bytes], size: int, keep: int) -> Content:
    digest, kept, left = hashlib.sha256(), [], size
    while left:
        piece = stream.read(min(left, _CHUNK))
        if not piece:
            raise ModelProvenanceError("hooks.git", "git ended before it had given all objects of the index")
        digest.update(piece)
        left -= len(piece)
        if size <= keep:
            kept.append(piece)
    data = b"".join(kept) if size <= keep else None
    pointer = parse_pointer(data) if data is not None and size <= POINTER_LIMIT else None
    if pointer is not None:
        return Content(pointer.digest, pointer.size, pointer, data)
    return Content(Digest(digest.hexdigest()), size, None, data)


def _git(*words: str, ids: Sequence[Staged] | None = None, stdin: IO[bytes] | None = None) -> bytes:
    if ids is not None:
        with _requests(ids) as requests:
            return _git(*words, stdin=requests)
    with _start(*words, stdin=stdin) as process:
        out, err = process.communicate()
    if process.returncode != 0:
        said = shown(err.decode("utf-8", "replace").strip().partition("\n")[0]) or "git gave no reason"
        raise ModelProvenanceError("hooks.git", f"git cannot read this repository: {said}")
    return out


def _requests(entries: Sequence[Staged]) -> IO[bytes]:
    """Object ids in a file: git may be slower to take them than we are to wait for its answers."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller's `with`
    file.write(b"".join(entry.object_id.encode() + b"\n" for entry in entries))
    file.seek(0)
    return cast("IO[bytes]", file)


def _start(*words: str, stdin: IO[bytes] | None) -> subprocess.Popen[bytes]:
    errors = subprocess.PIPE if "--buffer" not in words else subprocess.DEVNULL
    try:
        return subprocess.Popen(
            ["git", *_SETTINGS, *words],
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **_ENVIRONMENT},
        )
    except OSError as error:
        raise ModelProvenanceError("context.git_missing", "there is no git to read the index with") from error
