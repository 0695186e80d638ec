"""Fields of a protobuf message, walked and not parsed: lengths are checked before anything is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from model_provenance.readers.cursor import Cursor, ReaderError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_VARINT_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `value` of a varint, else the offset (in the cursor it came from) and length of its bytes."""

    number: int
    wire: int
    value: int
    start: int = 0
    length: int = 0


class Budget:
    """How many fields one file may have that are looked at, whatever the message that they stand in."""

    def __init__(self, fields: int) -> None:
        self._left = self._limit = fields

    def spend(self) -> None:
        """Count one more. Raises `ReaderError` where there are too many."""
        self._left -= 1
        if self._left < 0:
            raise ReaderError(f"it has more than the {self._limit} fields that are read")


def fields(cursor: Cursor, budget: Budget) -> Iterator[Field]:
    """The fields of the message that `cursor` holds, in order. Contents are skipped unless somebody takes them."""
    while cursor.remaining:
        budget.spend()
        key = _varint(cursor)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise ReaderError("a field has the number 0")
        if wire == VARINT:
            yield Field(number, wire, _varint(cursor))
        elif wire in (FIXED64, FIXED32):
            cursor.skip(8 if wire == FIXED64 else 4)
            yield Field(number, wire, 0)
        elif wire == LENGTH:
            length = _varint(cursor)
            start = cursor.position
            cursor.skip(length)
            after = cursor.position
            yield Field(number, wire, 0, start, length)
            cursor.seek(after)
        else:
            raise ReaderError(f"a field has the wire type {wire}, which messages of this kind do not use")


def content(cursor: Cursor, field: Field) -> Cursor:
    """The bytes of a length-delimited field, as a cursor of their own."""
    if field.wire != LENGTH:
        raise ReaderError(f"field {field.number} is a number where a message or text belongs")
    return cursor.section(field.start, field.length)


def text_of(cursor: Cursor, field: Field, limit: int) -> str:
    """A string field of at most `limit` bytes."""
    inner = content(cursor, field)
    if inner.size > limit:
        raise ReaderError(f"a text of {inner.size} bytes is longer than the {limit} that are read")
    return inner.take(inner.size).decode("utf-8", "replace")


def varints(cursor: Cursor, field: Field, limit: int) -> list[int]:
    """A repeated number, packed or one at a time; at most `limit` of them."""
    if field.wire == VARINT:
        return [field.value]
    inner, found = content(cursor, field), []
    while inner.remaining:
        found.append(_varint(inner))
        if len(found) > limit:
            raise ReaderError(f"a list has more than the {limit} numbers that are read")
    return found


def _varint(cursor: Cursor) -> int:
    value = 0
    for position in range(_VARINT_LIMIT):
        byte = cursor.byte()
        value |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value & 0xFFFF_FFFF_FFFF_FFFF
    raise ReaderError("a number is longer than ten bytes")
