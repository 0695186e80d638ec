"""Digests as parsed values: no bare strings travel between rooms."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_FORM = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256 digest; prints as `sha256:<64 lower-case hex digits>`."""

    hex: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{64}", self.hex):
            msg = "a SHA-256 digest is 64 lower-case hex digits"
            raise ValueError(msg)

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read `sha256:<hex>`; any other form is a ValueError."""
        match = _FORM.fullmatch(text)
        if match is None:
            msg = "a digest is written sha256: and 64 lower-case hex digits"
            raise ValueError(msg)
        return cls(match[1])

    @classmethod
    def of(cls, data: bytes) -> Digest:
        """The digest of bytes in memory."""
        return cls(hashlib.sha256(data).hexdigest())

    @property
    def raw(self) -> bytes:
        """The 32 bytes."""
        return bytes.fromhex(self.hex)

    def __str__(self) -> str:
        return f"sha256:{self.hex}"
