"""Tar files: what torch wrote before 2017 and still loads, whatever the name, by unpickling its members.

Raw storages lie between the pickles of a member, so these are not walked: a tar file counts as one that can execute code.
"""

from __future__ import annotations

from model_provenance.domain.facts import Inspection
from model_provenance.readers.bounds import text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.reading import Head, Reader, Reading, suffixed

READS = ("recognised by the checksum of its first header; number and names of its members, which are not looked into",)

_BLOCK = 512
_MEMBER_LIMIT = 1000
_KEPT, _NAME_LENGTH = 64, 200
_SIZE, _CHECKSUM = slice(124, 136), slice(148, 156)
_SPACES = b" " * 8
_PICKLED = "a pickle that runs code"


def _read(_head: Head, cursor: Cursor) -> Reading:
    names: list[str] = []
    while cursor.remaining >= _BLOCK:
        at, block = cursor.position, cursor.take(_BLOCK)
        if not any(block):
            break
        size = _number(block[_SIZE])
        if not _is_header(block) or size is None:
            raise ReaderError(f"its header at byte {at} is none of a tar file")
        if len(names) == _MEMBER_LIMIT:
            raise ReaderError(f"it has more than the {_MEMBER_LIMIT} members that are read")
        names.append(text(block[:100].split(b"\0", 1)[0].decode("utf-8", "replace"), _NAME_LENGTH) or "")
        cursor.skip(size + -size % _BLOCK)
    details = {"members": len(names), "names": names[:_KEPT], "can_execute_code": True}
    return Reading(details, Inspection.RECOGNISED, executes="it is a tar file, whose members loaders unpickle")


def _number(field: bytes) -> int | None:
    """A number as Python's tarfile reads it: octal, or binary behind a mark; None where it is none."""
    if field[:1] in (b"\x80", b"\xff"):
        return int.from_bytes(field[1:], "big") if field[:1] == b"\x80" else None
    try:
        value = int(field.split(b"\0", 1)[0].strip() or b"0", 8)
    except ValueError:
        return None
    return value if value >= 0 else None


def _is_header(block: bytes) -> bool:
    """Whether the sum over a header, its own field taken for spaces, is what stands there. Bytes may count as signed."""
    announced = _number(block[_CHECKSUM])
    if len(block) < _BLOCK or not announced:
        return False
    summed = block[: _CHECKSUM.start] + _SPACES + block[_CHECKSUM.stop :]
    unsigned = sum(summed)
    return announced in (unsigned, unsigned - 256 * sum(byte > 127 for byte in summed))  # noqa: PLR2004


def _by_bytes(head: Head) -> bool:
    return _is_header(head.data)


READER = Reader("tar", "readers.archive", READS, _by_bytes, suffixed(".tar"), _read, _PICKLED)
