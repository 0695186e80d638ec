"""The models of a repository as its index holds them: folders with a checksum list (docs/adr/0016-checksum-list.md)."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile, Role
from model_provenance.domain.paths import path_problem
from model_provenance.formats.oms import DEFAULT_IGNORED, files_digest, model_digest
from model_provenance.hooks.found import Found
from model_provenance.hooks.index import Index, Staged
from model_provenance.hooks.sums import LIST


class Model(NamedTuple):
    """One model folder. Names are relative to it; `files` are all but the list itself."""

    folder: str
    files: Mapping[str, Digest]
    #: What has no checksum of its own.
    problems: tuple[Found, ...]

    def path(self, name: str) -> str:
        """The path of a file of the model in the repository."""
        return posixpath.join(self.folder, name)

    def digests(self, listed: bytes | None) -> dict[str, str]:
        """What a release of this folder would find, with the checksum list having these bytes."""
        digests = {**self.files, **({} if listed is None else {LIST: Digest.of(listed)})}
        files = [ModelFile(name, 0, digest, Role.OTHER) for name, digest in digests.items()]
        return {"model_digest": str(model_digest(files)), "files_digest": str(files_digest(files))}


def folders_of(index: Index, given: Sequence[str]) -> list[str]:
    """The folders that are models: those given, else those with a checksum list; "" is the current folder."""
    if given:
        return sorted({_plain(folder) for folder in given})
    return sorted(posixpath.dirname(path) for path in index.entries if posixpath.basename(path) == LIST)


def read_model(index: Index, folder: str) -> Model:
    """One model; Git LFS files are known by their pointers."""
    inside = [entry for path, entry in index.entries.items() if _is_in(path, folder)]
    named = {entry: entry.path[len(folder) + 1 :] if folder else entry.path for entry in inside}
    kept = [entry for entry in inside if named[entry].partition("/")[0] not in DEFAULT_IGNORED and named[entry] != LIST]
    troubled = {entry: why for entry in kept if (why := _problem(entry, named[entry]))}
    sound = [entry for entry in kept if entry not in troubled]
    files = {named[entry]: content.digest for entry, content in index.contents(sound)}
    problems = [Found(entry.path, why) for entry, why in troubled.items()]
    return Model(folder, files, tuple(problems))


def folder_for(path: str, folders: Sequence[str]) -> str | None:
    """The model that a document speaks of: the one it lies in, else the only one below its folder."""
    around = [folder for folder in folders if _is_in(path, folder)]
    if around:
        return max(around, key=len)
    below = [folder for folder in folders if _is_in(folder, posixpath.dirname(path))]
    return below[0] if len(below) == 1 else None


def _problem(entry: Staged, name: str) -> str | None:
    """Why an entry cannot stand in a checksum list, nor be released."""
    if not entry.is_file:
        return f"a {'symbolic link' if entry.is_link else 'submodule'} inside a model has no checksum"
    why = path_problem(name)
    return None if why is None else f"its name cannot be that of a model's file: {why}"


def _is_in(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _plain(folder: str) -> str:
    normal = posixpath.normpath(folder)
    return "" if normal == "." else normal
