"""Fields of a protobuf message, walked and not parsed: lengths are checked before anything is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from model_provenance.readers.cursor import Cursor, ReaderError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_VARINT_LIMIT = 10
#: The bit that says that a number goes on.
_CONTINUES = 0x80


class Field(NamedTuple):
    """One field: `value` of a varint, else the offset (in the cursor it came from) and length of its bytes."""

    number: int
    wire: int
    value: int
    start: int = 0
    length: int = 0


class Budget:
    """What one file may cost, whatever the messages that it is spent in: fields, and bytes of the texts among them."""

    def __init__(self, fields: int, text: int = 4 << 20) -> None:
        self._left = self._limit = fields
        self._text_left = self._text_limit = text

    def spend(self, fields: int = 1) -> None:
        """Count so many more. Raises `ReaderError` where there are too many."""
        self._left -= fields
        if self._left < 0:
            raise ReaderError(f"it has more than the {self._limit} fields that are read")

    def spend_text(self, length: int) -> None:
        """Count a text of `length` bytes. Raises `ReaderError` where all of them are too long."""
        self._text_left -= length
        if self._text_left < 0:
            raise ReaderError(f"its texts are longer than the {self._text_limit} bytes that are read")


def fields(cursor: Cursor, budget: Budget) -> Iterator[Field]:
    """The fields of the message that `cursor` holds, in order. Contents are skipped unless somebody takes them."""
    while cursor.position < cursor.size:
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
            cursor.position = after
        else:
            raise ReaderError(f"a field has the wire type {wire}, which messages of this kind do not use")


def content(cursor: Cursor, field: Field) -> Cursor:
    """The bytes of a length-delimited field, as a cursor of their own."""
    if field.wire != LENGTH:
        raise _not_a_message(field)
    return cursor.section(field.start, field.length)


def _not_a_message(field: Field) -> ReaderError:
    return ReaderError(f"field {field.number} is a number where a message or text belongs")


def text_of(cursor: Cursor, field: Field, limit: int, budget: Budget) -> str:
    """A string field of at most `limit` bytes."""
    return bytes_of(cursor, field, limit, budget).decode("utf-8", "replace")


def bytes_of(cursor: Cursor, field: Field, limit: int, budget: Budget) -> bytes:
    """The bytes of a field, of which there are at most `limit`."""
    if field.wire != LENGTH:
        raise _not_a_message(field)
    if field.length > limit:
        raise ReaderError(f"a text of {field.length} bytes is longer than the {limit} that are read")
    budget.spend_text(field.length)
    cursor.seek(field.start)  # whoever walks over the fields goes on behind this one
    return cursor.take(field.length)


def varints(cursor: Cursor, field: Field, limit: int, budget: Budget) -> list[int]:
    """A repeated number, packed or one at a time; at most `limit` of them."""
    if field.wire == VARINT:
        return [field.value]
    inner, found = content(cursor, field), []
    while inner.remaining:
        budget.spend()
        found.append(_varint(inner))
        if len(found) > limit:
            raise ReaderError(f"a list has more than the {limit} numbers that are read")
    return found


def _varint(cursor: Cursor) -> int:
    window, at = cursor.view(1)
    if (value := window[at]) < _CONTINUES:
        cursor.position += 1
        return value
    value = 0
    # Not more than is there: a number at the end of a message must not be read from what follows it.
    window, at = cursor.view(min(_VARINT_LIMIT, cursor.remaining))
    for position, byte in enumerate(window[at : at + min(_VARINT_LIMIT, cursor.remaining)]):
        value |= (byte & 0x7F) << (7 * position)
        if byte < _CONTINUES:
            cursor.position += position + 1
            return value & 0xFFFF_FFFF_FFFF_FFFF
    if cursor.remaining < _VARINT_LIMIT:
        raise ReaderError("a number goes on behind the end of its message")
    raise ReaderError("a number is longer than ten bytes")
