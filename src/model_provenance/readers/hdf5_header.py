"""Attributes of one HDF5 object, from the messages of its header (HDF5 File Format Specification 3.0, IV.A).

Only texts are read: of fixed length beside their name, or of variable length in a collection of the global heap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from model_provenance.domain.text import shown
from model_provenance.readers.cursor import Cursor, ReaderError

_PARTS, _MESSAGES, _BYTES = 64, 4096, 1 << 20
_HEAP_OBJECTS = 4096
_TEXT_LIMIT = 4 << 20
#: Types of messages.
_ATTRIBUTE, _CONTINUATION, _ATTRIBUTE_INFO = 0x0C, 0x10, 0x15
#: Classes of datatypes.
_FIXED_TEXT, _VARIABLE = 3, 9
_OLD_VERSION, _CHARSET_VERSION = 1, 3
#: The flag of a message whose content stands elsewhere.
_SHARED = 2


@dataclass(frozen=True, slots=True)
class Hdf5File:
    """A file after its superblock: addresses count from `base`, and have the superblock's widths."""

    cursor: Cursor
    base: int
    offset_width: int
    length_width: int

    def at(self, address: int) -> Cursor:
        """A cursor over everything from an address on."""
        start = self.base + address
        return self.cursor.section(start, self.cursor.size - start)

    def address(self, cursor: Cursor) -> int:
        """The address at the cursor."""
        return number(cursor, self.offset_width)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the messages of a header are written: version 1, or `OHDR` with or without their order of creation."""

    kind_width: int
    after_size: int

    @property
    def smallest(self) -> int:
        """Bytes before the content of a message."""
        return self.kind_width + 2 + self.after_size


def number(cursor: Cursor, width: int) -> int:
    """A little-endian number of `width` bytes."""
    return int.from_bytes(cursor.take(width), "little")


def attributes_of(file: Hdf5File, address: int, wanted: Collection[str]) -> dict[str, bytes]:
    """The texts of those of the wanted attributes that are there.

    Raises `ReaderError` where attributes are stored in a heap of their own, since a wanted one may hide there.
    """
    found: dict[str, bytes] = {}
    for kind, message in _messages(file, address):
        if kind == _ATTRIBUTE:
            name, text = _attribute(file, message, wanted)
            if text is not None and name in found:
                raise ReaderError(f"its attribute {name} stands twice")
            if text is not None:
                found[name] = text
        elif kind == _ATTRIBUTE_INFO:
            message.skip(1)
            message.skip(2 if message.byte() & 1 else 0)
            if file.address(message) != (1 << 8 * file.offset_width) - 1:
                raise ReaderError("attributes of its root group are stored apart from it, where they are not read")
    return found


def _messages(file: Hdf5File, address: int) -> Iterator[tuple[int, Cursor]]:
    """Type and content of each message, continuations followed."""
    layout, first = _header(file.at(address))
    parts, messages, size_of_all = [first], 0, 0
    for part in parts:
        while part.remaining >= layout.smallest:
            kind, size = number(part, layout.kind_width), number(part, 2)
            flags = part.take(layout.after_size)[0]
            message = part.section(part.position, size)
            part.skip(size)
            messages, size_of_all = messages + 1, size_of_all + size
            if messages > _MESSAGES or size_of_all > _BYTES:
                raise ReaderError(
                    f"its root group has more than the {_MESSAGES} messages or {_BYTES} bytes that are read"
                )
            if kind == _ATTRIBUTE and flags & _SHARED:
                raise ReaderError("attributes of its root group are shared, which is not read")
            if kind != _CONTINUATION:
                yield kind, message
                continue
            if len(parts) == _PARTS:
                raise ReaderError(f"its root group has more than the {_PARTS} parts that are read")
            place, length = file.address(message), number(message, file.length_width)
            parts.append(_continuation(file.at(place).section(0, length), layout))


def _header(cursor: Cursor) -> tuple[_Layout, Cursor]:
    """How its messages are written, and the first part of them."""
    if cursor.peek(4) == b"OHDR":
        cursor.skip(5)
        flags = cursor.byte()
        cursor.skip((16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0))
        size = number(cursor, 1 << (flags & 3))
        return _Layout(1, 3 if flags & 4 else 1), cursor.section(cursor.position, size)
    if cursor.byte() != 1:
        raise ReaderError("its root group has no object header")
    cursor.skip(7)
    size = cursor.u32()
    cursor.skip(4)
    return _Layout(2, 4), cursor.section(cursor.position, size)


def _continuation(part: Cursor, layout: _Layout) -> Cursor:
    if layout.kind_width > 1:
        return part
    if part.take(4) != b"OCHK":
        raise ReaderError("its root group goes on where nothing of it is")
    return part.section(4, part.size - 8)


def _attribute(file: Hdf5File, message: Cursor, wanted: Collection[str]) -> tuple[str, bytes | None]:
    """(name, text); no text for an attribute that is not wanted or is none."""
    version, flags = message.byte(), message.byte()
    name_size, type_size, space_size = number(message, 2), number(message, 2), number(message, 2)
    message.skip(1 if version == _CHARSET_VERSION else 0)
    name_bytes = _padded(message, name_size, version)
    name = name_bytes.split(b"\0", 1)[0].decode("utf-8", "replace")
    if name not in wanted:
        return name, None
    if version != _OLD_VERSION and flags:
        raise ReaderError(f"the type of its attribute {name} is stored apart, where it is not read")
    described = Cursor.over(_padded(message, type_size, version))
    _padded(message, space_size, version)
    kind = described.byte() & 0x0F
    described.skip(3)
    size = described.u32()
    if kind == _FIXED_TEXT:
        return name, message.take(size).split(b"\0", 1)[0]
    if kind != _VARIABLE:
        return name, None
    length, place, index = message.u32(), file.address(message), message.u32()
    return name, _from_heap(file, place, index, length, name)


def _padded(message: Cursor, size: int, version: int) -> bytes:
    """The next `size` bytes; version 1 pads to a multiple of eight."""
    data = message.take(size)
    message.skip(min(-size % 8, message.remaining) if version == _OLD_VERSION else 0)
    return data


def _from_heap(file: Hdf5File, place: int, index: int, length: int, name: str) -> bytes:
    """A text of variable length."""
    heap = file.at(place)
    if heap.take(4) != b"GCOL":
        raise ReaderError(f"the text of its attribute {shown(name, 80)} is not where the attribute says")
    heap.skip(4)
    size = number(heap, file.length_width)
    objects = heap.section(0, size)
    objects.seek(heap.position)
    text: bytes | None = None
    for count in range(_HEAP_OBJECTS + 1):
        if objects.remaining < 8 + file.length_width:
            break
        if count == _HEAP_OBJECTS:
            raise ReaderError(f"its heap has more than the {_HEAP_OBJECTS} objects that are read")
        found, _, _ = number(objects, 2), number(objects, 2), objects.u32()
        held = number(objects, file.length_width)
        if found == 0:
            break
        if found == index and text is not None:
            raise ReaderError(f"the text of its attribute {shown(name, 80)} stands twice in its heap")
        whole = min(held + -held % 8, objects.remaining)
        if found == index:
            if length > min(whole, held, _TEXT_LIMIT):
                break
            text = objects.take(length)
            whole -= length
        objects.skip(whole)
    if text is not None:
        return text
    raise ReaderError(f"the text of its attribute {shown(name, 80)} is not in the heap that it names")
