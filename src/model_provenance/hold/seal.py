"""Copies in memory that nobody can write to (memfd_create(2), `F_SEAL_WRITE`)."""

from __future__ import annotations

import os
import sys
from functools import cache

_BLOCK = 1 << 20


@cache
def can_seal() -> bool:
    """Linux alone has sealed memory, and a sandbox may forbid it."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.memfd_create("probe", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
    except OSError:
        return False
    return True


def sealed_copy(descriptor: int, name: str) -> int:
    """A descriptor of a sealed copy of everything that can be read from `descriptor`, at offset 0. Raises OSError.

    The seals come before anybody hashes it: what is hashed is what can no longer change.
    """
    import fcntl  # noqa: PLC0415 - there is none on Windows

    copy = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with memoryview(bytearray(_BLOCK)) as block:
            while count := os.readv(descriptor, [block]):
                _write(copy, block[:count])
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
        fcntl.fcntl(copy, fcntl.F_ADD_SEALS, seals)
        os.lseek(copy, 0, os.SEEK_SET)
    except BaseException:
        os.close(copy)
        raise
    return copy


def _write(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
