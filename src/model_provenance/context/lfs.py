"""Git LFS files compared by digest, because git's own comparison would run the repository's filter programs.

With filters off, git calls a checked-out LFS file modified as soon as it looks at the content (it does whenever a file
is as new as the index). The pointer in the index holds the SHA-256 and the size, so we can tell without any filter.
"""

from __future__ import annotations

import hashlib
import re
import stat
from pathlib import Path

#: Specification v1. A pointer with `ext-` lines names the bytes after programs ran that are not run here: no match.
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n")
_CHUNK = 1 << 20


def is_content_of(pointer: bytes, path: Path) -> bool:
    """True when `pointer` is an LFS pointer and `path` is a regular file of exactly the bytes that it names."""
    match = _POINTER.fullmatch(pointer)
    if match is None:
        return False
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != int(match[2]):
            return False
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return False
    return digest.hexdigest().encode() == match[1]
