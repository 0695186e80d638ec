"""The members of a zip file, without `zipfile`: that one reads a directory of any announced size and trusts it.

Strict on purpose. Where two readers can disagree about what a zip holds, a scanner sees one file and a loader runs
another, so every ambiguity is refused: bytes before, between or after the parts, two names that are equal, a local
header that differs from the directory.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import NamedTuple

from model_provenance.domain.text import shown
from model_provenance.readers.cursor import Cursor, ReaderError

MAGIC = b"PK\x03\x04"
_DIRECTORY_LIMIT = 16 << 20
_MEMBER_LIMIT = 100_000
_INFLATE_LIMIT = 16 << 20
_PIECE = 1 << 16
#: Control characters and the backslash, in names.
_AMBIGUOUS = re.compile(rb"[\x00-\x1f\x7f\\]")

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s5HL2L2H")
_COMMENT_LIMIT = 0xFFFF
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 1
#: A 32-bit value that stands for one in the extra field.
_ALL_ONES = 0xFFFFFFFF


class Member(NamedTuple):
    """One member as the central directory lists it."""

    raw_name: bytes
    method: int
    flags: int
    compressed: int
    size: int
    offset: int

    @property
    def name(self) -> str:
        """The name as text; what is not UTF-8 is escaped."""
        return self.raw_name.decode("utf-8", "backslashreplace")


def members(cursor: Cursor) -> list[Member]:
    """The members in directory order."""
    count, size, start = _directory(cursor)
    if size > _DIRECTORY_LIMIT or count > _MEMBER_LIMIT:
        raise ReaderError(f"its directory has {count} members in {size} bytes, more than what is read")
    cursor.seek(start)
    directory = cursor.section(start, size)
    found, names = [], set()
    for _ in range(count):
        member = _entry(directory)
        if _AMBIGUOUS.search(member.raw_name):
            # Loaders cut a name there, or read it otherwise: they would open another member than the one that was looked at.
            raise ReaderError(
                f"the name of the member {shown(member.name, 80)!r} has a control character or a backslash"
            )
        # Also those that differ by case alone: torch looks its members up without it.
        name = member.raw_name.lower()
        if name in names:
            raise ReaderError(f"the member {shown(member.name, 80)!r} stands twice")
        names.add(name)
        found.append(member)
    if directory.remaining:
        raise ReaderError(f"its directory has {directory.remaining} bytes after the last member")
    return found


def contents(cursor: Cursor, member: Member) -> Cursor:
    """A cursor over what a member holds; a compressed one is inflated, up to 16 MiB."""
    data = _stored(cursor, member)
    if member.method == _STORED:
        return data
    if member.size > _INFLATE_LIMIT:
        raise ReaderError(f"{_named(member)} has {member.size} bytes, more than the {_INFLATE_LIMIT} that are read")
    inflated = _inflated(data, member, member.size + 1)
    if len(inflated) != member.size:
        raise ReaderError(f"{_named(member)} does not have the {member.size} bytes that are announced")
    return Cursor.over(inflated)


def beginning(cursor: Cursor, member: Member, count: int) -> bytes:
    """The first bytes of a member, up to `count`."""
    data = _stored(cursor, member)
    return data.peek(count) if member.method == _STORED else _inflated(data, member, count)


def _stored(cursor: Cursor, member: Member) -> Cursor:
    """The bytes of a member as they lie in the file, after its local header has been compared."""
    cursor.seek(member.offset)
    signature, _, flags, method, *_, name_length, extra_length = cursor.unpack(_LOCAL)
    if signature != MAGIC or cursor.take(name_length) != member.raw_name or method != member.method:
        raise ReaderError(f"{_named(member)} differs between directory and content")
    cursor.skip(extra_length)
    if (flags | member.flags) & _ENCRYPTED:
        raise ReaderError(f"{_named(member)} is encrypted")
    if method not in (_STORED, _DEFLATED):
        raise ReaderError(f"{_named(member)} is compressed by method {method}, which is not read")
    if method == _STORED and member.compressed != member.size:
        raise ReaderError(f"{_named(member)} is stored and has two sizes")
    return cursor.section(cursor.position, member.compressed)


def _inflated(data: Cursor, member: Member, limit: int) -> bytes:
    """Up to `limit` bytes of a deflated member."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces, length = [], 0
    try:
        while length < limit and not inflater.eof and (data.remaining or inflater.unconsumed_tail):
            source = inflater.unconsumed_tail or data.take(min(_PIECE, data.remaining))
            pieces.append(inflater.decompress(source, limit - length))
            length += len(pieces[-1])
    except zlib.error as error:
        raise ReaderError(f"{_named(member)} cannot be inflated") from error
    return b"".join(pieces)


def _named(member: Member) -> str:
    return f"the member {shown(member.name, 80)!r}"


def _directory(cursor: Cursor) -> tuple[int, int, int]:
    """(number of members, size, offset) of the central directory, which must end where the end record begins."""
    tail_length = min(cursor.size, _END.size + _COMMENT_LIMIT)
    cursor.seek(cursor.size - tail_length)
    tail = cursor.take(tail_length)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise ReaderError("it is a zip file without an end record")
    _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(tail, at)
    end = cursor.size - tail_length + at
    if disk or first_disk or here != count or end + _END.size + comment != cursor.size:
        raise ReaderError("its zip end record does not match the file")
    if end >= _LOCATOR.size:
        cursor.seek(end - _LOCATOR.size)
        signature, _, end_64, _ = cursor.unpack(_LOCATOR)
        if signature == b"PK\x06\x07":
            count, size, start, end = _directory_64(cursor, end_64, end - _LOCATOR.size)
    if start + size != end:
        raise ReaderError("its zip directory is not where the end record says")
    return count, size, start


def _directory_64(cursor: Cursor, offset: int, end: int) -> tuple[int, int, int, int]:
    cursor.seek(offset)
    signature, record, _, _, disk, first_disk, here, count, size, start = cursor.unpack(_END_64)
    if signature != b"PK\x06\x06" or disk or first_disk or here != count or offset + 12 + record != end:
        raise ReaderError("its 64-bit zip end record does not match the file")
    return count, size, start, offset


def _entry(directory: Cursor) -> Member:
    (
        signature, _, _, _, _, flags, method, _, _, _, compressed, size, name, extra, comment, _, _, _, offset
    ) = directory.unpack(_ENTRY)  # fmt: skip
    if signature != b"PK\x01\x02":
        raise ReaderError("its zip directory is not valid")
    variable = directory.take(name + extra + comment)
    raw_name = variable[:name]
    if _ALL_ONES in (compressed, size, offset):
        size, compressed, offset = _wide(variable[name : name + extra], size, compressed, offset)
    return Member(raw_name, method, flags, compressed, size, offset)


def _wide(fields: bytes, *narrow: int) -> list[int]:
    """The 64-bit values of the extra field (id 1), which holds only those that are all ones in the entry, in order."""
    extra = Cursor.over(fields)
    while extra.remaining >= 4:  # noqa: PLR2004 - id and length of a field
        kind, length = extra.unpack(struct.Struct("<2H"))
        field = Cursor.over(extra.take(length))
        if kind == 1:
            return [field.u64() if value == _ALL_ONES else value for value in narrow]
    raise ReaderError("its zip directory lacks a 64-bit size")
