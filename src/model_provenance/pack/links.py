"""Follow a symbolic link of a model as far as it is allowed to lead (design, 4.1).

Allowed are regular files of the model itself, and the blobs folder of a hub cache
(`models--x--y/snapshots/<revision>/f -> ../../blobs/<id>`). Everything else could put any readable file of the machine
into a published package.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections.abc import Callable
from typing import TypeVar

from model_provenance.disk.opening import NotRegularError, Stamp, open_file, open_folder, open_root
from model_provenance.pack.inventory import Place

_Answer = TypeVar("_Answer")

_HUB_REPOSITORY = re.compile(rb"(models|datasets|spaces)--.+")
_HUB_BLOB = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")


class LinkRefusedError(Exception):
    """A link may not be followed; the text finishes the line `PATH: a symbolic link `."""


class Links:
    """Resolves links beneath one root. `left_out(path)` says whether a target is no part of the model."""

    def __init__(self, root: int, real_root: str, left_out: Callable[[str], bool]) -> None:
        self._root = root
        self._real_root = os.fsencode(real_root)
        self._left_out = left_out
        self._blobs_path = _hub_blobs(self._real_root)
        self._blobs = _open_or_none(self._blobs_path)

    def close(self) -> None:
        """Close the blobs folder."""
        if self._blobs is not None:
            os.close(self._blobs)
            self._blobs = None

    def follow(self, link: tuple[bytes, ...]) -> tuple[Place, str]:
        """Where the bytes behind `link` lie, and how its target is recorded: the same text on every machine."""
        seen = set()
        while link not in seen:
            seen.add(link)
            target = self._target(link)
            blob = self._blob(target)
            if blob is not None:
                return blob
            link = self._in_model(target)
            status = self._status(link)
            if stat.S_ISREG(status.st_mode):
                return Place(self._root, link, Stamp.of(status)), self._recorded(link)
            if not stat.S_ISLNK(status.st_mode):
                raise LinkRefusedError("that does not lead to a file")
        raise LinkRefusedError("that leads to itself")

    def _target(self, link: tuple[bytes, ...]) -> bytes:
        """The absolute path that a link names, told from its text alone."""
        text = self._beside(link, lambda folder, name: os.readlink(name, dir_fd=folder))
        steps = text.split(b"/")
        if b".." in steps[next((i for i, step in enumerate(steps) if step not in (b"", b".", b"..")), len(steps)) :]:
            # `x/../y` leads elsewhere than it reads when x is itself a link.
            raise LinkRefusedError("whose target is not normalised")
        return posixpath.normpath(posixpath.join(self._real_root, *link[:-1], text))

    def _blob(self, target: bytes) -> tuple[Place, str] | None:
        folder, name = posixpath.split(target)
        if self._blobs is None or folder != self._blobs_path or not _HUB_BLOB.fullmatch(name):
            return None
        try:
            descriptor, stamp = open_file(self._blobs, (name,))
        except FileNotFoundError as error:
            raise LinkRefusedError("that leads to nothing: the download is not complete") from error
        except (NotRegularError, OSError) as error:
            raise LinkRefusedError("to a blob of the hub cache that cannot be opened") from error
        os.close(descriptor)
        return Place(self._blobs, (name,), stamp), f"blobs/{name.decode()}"

    def _in_model(self, target: bytes) -> tuple[bytes, ...]:
        base = self._real_root.rstrip(b"/") + b"/"
        if not target.startswith(base):
            raise LinkRefusedError("that leads out of the model")
        return tuple(target[len(base) :].split(b"/"))

    def _status(self, parts: tuple[bytes, ...]) -> os.stat_result:
        return self._beside(parts, lambda folder, name: os.stat(name, dir_fd=folder, follow_symlinks=False))

    def _beside(self, parts: tuple[bytes, ...], ask: Callable[[int, bytes], _Answer]) -> _Answer:
        try:
            folder = open_folder(self._root, parts[:-1])
            try:
                return ask(folder, parts[-1])
            finally:
                os.close(folder)
        except FileNotFoundError as error:
            raise LinkRefusedError("that leads to nothing") from error
        except OSError as error:
            raise LinkRefusedError("that leads through another link or a folder that cannot be read") from error

    def _recorded(self, parts: tuple[bytes, ...]) -> str:
        try:
            path = b"/".join(parts).decode()
        except UnicodeDecodeError as error:
            raise LinkRefusedError("to a name that is not UTF-8") from error
        if self._left_out(path):
            raise LinkRefusedError("to a file that is not part of the model")
        return path


def _hub_blobs(real_root: bytes) -> bytes | None:
    """The blobs folder beside the snapshot that `real_root` is, or lies in."""
    path = real_root
    while path != b"/":
        parent, name = posixpath.split(path)
        repository, snapshots = posixpath.split(parent)
        if name and snapshots == b"snapshots" and _HUB_REPOSITORY.fullmatch(posixpath.basename(repository)):
            return posixpath.join(repository, b"blobs")
        path = parent
    return None


def _open_or_none(path: bytes | None) -> int | None:
    try:
        return None if path is None else open_root(path)
    except OSError:
        return None
