"""Git LFS files compared by digest, because git's own comparison would run the repository's filter programs.

With filters off, git calls a checked-out LFS file modified as soon as it looks at the content (it does whenever a file
is as new as the index). The pointer in the index holds the SHA-256 and the size, so we can tell without any filter.
"""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from model_provenance.formats.lfs import parse_pointer

_CHUNK = 1 << 20


def is_content_of(pointer: bytes, path: Path) -> bool:
    """True when `pointer` is an LFS pointer and `path` is a regular file of exactly the bytes that it names."""
    named = parse_pointer(pointer)
    if named is None:
        return False
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != named.size:
            return False
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return False
    return digest.hexdigest() == named.digest.hex
