"""Git LFS pointers (specification v1): the text that git keeps in the place of a large file, with its SHA-256 and size."""

from __future__ import annotations

import re
from typing import NamedTuple

from model_provenance.domain.digest import Digest

#: git-lfs takes nothing longer for a pointer.
POINTER_LIMIT = 1024
_FORM = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n")
_BEGINNINGS = (
    b"version https://git-lfs.github.com/",
    b"version https://hawser.github.com/",
    b"version http://git-media.io/",
)


class Pointer(NamedTuple):
    """The file that a pointer stands for."""

    digest: Digest
    size: int


def parse_pointer(data: bytes) -> Pointer | None:
    """The pointer, or None. One with `ext-` lines names the bytes after programs ran, which nobody here runs: None."""
    match = _FORM.fullmatch(data)
    return None if match is None else Pointer(Digest(match[1].decode()), int(match[2]))


def begins_as_pointer(data: bytes) -> bool:
    """Whether bytes were meant to be a pointer, well formed or not; also those of the first, older versions."""
    return data.lstrip(b"\xef\xbb\xbf \r\n").startswith(_BEGINNINGS)
