"""Normalised tar headers: the same bytes for the same name and size, on any machine (POSIX.1-2017, pax, "ustar").

Mode 0644, time 0, owner 0 without names, regular files only. A name that USTAR cannot hold gets a pax `path` record;
sizes from 8 GiB are written in GNU's base-256, because a pax `size` record would move the content from offset 512.
"""

from __future__ import annotations

import hashlib

BLOCK = 512
#: Two zero blocks end an archive; ours has nothing after them.
END = bytes(2 * BLOCK)
#: Every packed file lies below this folder, so that a layer can be mounted anywhere.
PREFIX = "models/"

_NAME = 100
_PREFIX = 155
_OCTAL_LIMIT = 8**11
_PAX_NAME = b"././@PaxHeader"


def member_header(name: str, size: int) -> bytes:
    """What stands before the content of the regular file `name`: 512 bytes, or 1536 and more with a pax record."""
    split = _split(name)
    if split is not None:
        return _header(split[1], split[0], size, b"0")
    record = _pax_record("path", name)
    # Readers that know no pax see a name that is still unique, below the same folder.
    stand_in = PREFIX.encode() + hashlib.sha256(name.encode()).hexdigest().encode()
    pax = _header(_PAX_NAME, b"", len(record), b"x") + record + bytes(padding(len(record)))
    return pax + _header(stand_in, b"", size, b"0")


def padding(size: int) -> int:
    """Zero bytes that follow `size` bytes of content."""
    return -size % BLOCK


def _split(name: str) -> tuple[bytes, bytes] | None:
    """(prefix, name) as USTAR stores a path, or None: non-ASCII bytes have no encoding there."""
    if not name.isascii():
        return None
    raw = name.encode()
    if len(raw) <= _NAME:
        return b"", raw
    cut = raw.find(b"/", len(raw) - _NAME - 1)
    if cut < 1 or cut > _PREFIX or cut == len(raw) - 1:
        return None
    return raw[:cut], raw[cut + 1 :]


def _header(name: bytes, prefix: bytes, size: int, kind: bytes) -> bytes:
    number = b"%011o\0" % size if size < _OCTAL_LIMIT else b"\x80" + size.to_bytes(11, "big")
    head = name.ljust(_NAME, b"\0") + b"0000644\0" + b"0000000\0" * 2 + number + b"00000000000\0"
    tail = kind + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2 + prefix.ljust(_PREFIX, b"\0") + bytes(12)
    return head + b"%06o\0 " % (sum(head) + sum(tail) + 8 * ord(" ")) + tail


def _pax_record(key: str, value: str) -> bytes:
    """`LENGTH key=value` and a newline, where LENGTH counts its own digits too."""
    body = f" {key}={value}\n".encode()
    length = len(body) + 1
    while length != len(body) + len(str(length)):
        length = len(body) + len(str(length))
    return str(length).encode() + body
