"""The files of one model, open from before they are hashed until nobody uses them any more."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from model_provenance.disk.failure import failure
from model_provenance.disk.opening import Stamp
from model_provenance.domain.holding import Toctou
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.hold import lease, seal
from model_provenance.hold.verity import has_verity

#: Files up to this size are copied into sealed memory unless the caller says otherwise: configuration, tokenizer, code.
SMALL = 1 << 24
#: Where a process finds its own open files as paths.
_DESCRIPTORS = Path("/proc/self/fd")


@dataclass(frozen=True, slots=True)
class _Open:
    descriptor: int
    stamp: Stamp
    toctou: Toctou


@final
class Holder:
    """Keeps descriptors; `close` it. It is the `Keeper` of the one read of a model.

    Files of at most `seal_up_to` bytes become sealed copies before they are hashed. Without `/proc/self/fd` a program can
    only be given paths: then everything is `unprotected`, though it was hashed from the descriptors held here.
    """

    def __init__(self, *, seal_up_to: int | None = SMALL, descriptors: Path = _DESCRIPTORS) -> None:
        self._seal_up_to = seal_up_to
        self._open: dict[str, _Open] = {}
        self._given_as_paths = not descriptors.is_dir()
        self._closed = False

    def keep(self, path: str, descriptor: int) -> int:
        """Take over a file. Raises `load.writer` for one that somebody is writing to, and `machine.*`."""
        owned = descriptor
        try:
            status = os.fstat(owned)
            if self._given_as_paths:
                toctou = Toctou.UNPROTECTED
            elif has_verity(owned):
                toctou = Toctou.VERITY
            elif (self._seal_up_to is None or status.st_size <= self._seal_up_to) and seal.can_seal():
                owned, original = seal.sealed_copy(descriptor, _label(path)), owned
                os.close(original)
                toctou = Toctou.SEALED
            else:
                toctou = _protection(owned, path)
            self._open[path] = _Open(owned, Stamp.of(os.fstat(owned)), toctou)
        except OSError as error:
            os.close(owned)
            raise failure(error, path, doing="keep") from error
        except BaseException:
            os.close(owned)
            raise
        return owned

    def keep_only(self, paths: Iterable[str]) -> None:
        """Close every file but these: what was not verified is not handed out."""
        wanted = set(paths)
        for path in [path for path in self._open if path not in wanted]:
            _close(self._open.pop(path))

    @property
    def sealed(self) -> tuple[str, ...]:
        """Files that are copies: what the disk says about the original says nothing about them."""
        return tuple(path for path, file in self._open.items() if file.toctou is Toctou.SEALED)

    def protection(self, path: str) -> Toctou:
        """How well this file is kept as it was. Raises KeyError."""
        return self._open[path].toctou

    def size(self, path: str) -> int:
        """Bytes of the file. Raises KeyError."""
        return self._open[path].stamp.size

    def descriptor(self, path: str) -> int:
        """The open file. Raises KeyError."""
        return self._open[path].descriptor

    def descriptors(self) -> dict[str, int]:
        """Every open file."""
        return {path: file.descriptor for path, file in self._open.items()}

    @property
    def gives_paths(self) -> bool:
        """Whether this system has no paths that lead to open files."""
        return self._given_as_paths

    def changed(self) -> tuple[str, ...]:
        """Files that may not be what was hashed any more.

        A lease that nobody broke says that nobody opened the file for writing, whatever else happened to it; it may have
        been renamed over. Without a lease any difference counts.
        """
        return tuple(path for path, file in self._open.items() if _has_changed(file))

    def inherit(self) -> None:
        """Let a program that takes this process's place have the files."""
        for file in self._open.values():
            os.set_inheritable(file.descriptor, True)

    def close(self) -> None:
        """Close everything; safe to call twice."""
        while self._open:
            _close(self._open.popitem()[1])


def _protection(descriptor: int, path: str) -> Toctou:
    answer = lease.take(descriptor)
    if answer is lease.Lease.WRITER:
        raise ModelProvenanceError(
            "load.writer", "somebody has this file open for writing at this moment", location=shown(path)
        )
    return Toctou.LEASED if answer is lease.Lease.TAKEN else Toctou.HELD


def _has_changed(file: _Open) -> bool:
    if file.toctou in (Toctou.VERITY, Toctou.SEALED):
        # A write that is refused sets the times of a sealed copy all the same.
        return False
    if Stamp.of(os.fstat(file.descriptor)) == file.stamp:
        return False
    return file.toctou is not Toctou.LEASED or not lease.unbroken(file.descriptor)


def _close(file: _Open) -> None:
    if file.toctou is Toctou.LEASED:
        with suppress(OSError):
            lease.give_back(file.descriptor)
    os.close(file.descriptor)


def _label(path: str) -> str:
    """What `/proc` shows for the copy, for who looks at a running process; at most 249 bytes (memfd_create(2))."""
    return path.encode()[-200:].decode(errors="ignore")
