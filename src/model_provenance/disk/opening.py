"""Open what lies beneath a folder, one component at a time and without following links.

A path that was checked by name can be swapped for a link before it is opened (design, 4.4.8), so every component is
opened relative to the descriptor of the one above it, with `O_NOFOLLOW`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
#: Without O_NONBLOCK, opening a FIFO that replaced a file would wait for a writer for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells that a file is still the same one with the same content; `ctime` cannot be set back by a user."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """The stamp of a status."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class NotRegularError(OSError):
    """The opened thing is a device, a FIFO, a socket or a folder."""


def open_root(path: str | bytes | os.PathLike[str]) -> int:
    """A descriptor of the folder that the caller named; the caller's own links are followed. Raises OSError."""
    return os.open(path, _DIRECTORY)


def open_folder(root: int, parts: Sequence[bytes]) -> int:
    """A descriptor of the folder `parts` beneath `root`, to be closed by the caller. Raises OSError."""
    descriptor = os.dup(root)
    try:
        for part in parts:
            below = os.open(part, _DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_file(root: int, parts: Sequence[bytes]) -> tuple[int, Stamp]:
    """A descriptor of the regular file `parts` beneath `root`, with its stamp. Raises OSError."""
    folder = open_folder(root, parts[:-1]) if len(parts) > 1 else root
    try:
        descriptor = os.open(parts[-1], _FILE, dir_fd=folder)
    finally:
        if folder != root:
            os.close(folder)
    return descriptor, _regular(descriptor)


def open_named(path: str | os.PathLike[str]) -> tuple[int, Stamp]:
    """A descriptor of the regular file that the caller named, with its stamp. Raises OSError."""
    descriptor = os.open(path, _FILE & ~os.O_NOFOLLOW)
    return descriptor, _regular(descriptor)


def _regular(descriptor: int) -> Stamp:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise NotRegularError(None, "it is not a regular file")
    return Stamp.of(status)
