"""The header of a GGUF file (versions 2 and 3, little-endian): key-value pairs, then one record per tensor.

Values that no fact is made of are stepped over; vocabularies of 100,000 strings are the bulk of a header, so they get a
loop of their own over the buffer.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from operator import lt
from typing import Any

from model_provenance.domain.text import shown
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.gguf_types import TENSOR_TYPES, TensorType

HEADER_LIMIT = 50_000_000
TENSOR_LIMIT = 100_000
_PAIR_LIMIT = 65_536
_KEY_LIMIT = 256
_NAME_LIMIT = 256
#: Names of all tensors together; llama.cpp takes 64 bytes each.
_NAMES_LIMIT = 16 << 20
#: Element types that are newer than our table.
_UNKNOWN_TYPES = 16
_VALUE_LIMIT = 4096
_PIECE = 1 << 16
#: Values kept for facts; what comes later is checked and stepped over.
_KEPT_LIMIT = 1024
_KEPT_BYTES = 1 << 20
_TEMPLATE_LIMIT = 64
_LIST_LIMIT = 256
#: Strings and nested arrays stepped over one by one, in the whole header.
_STEP_LIMIT = 2_000_000
_ARRAY_DEPTH = 4
#: What stepping over one nested array costs, in strings.
_ARRAY_STEPS = 12
_DIMENSION_LIMIT = 8
_FILE_LIMIT = 2**63

_U64 = struct.Struct("<Q")
_STRING, _ARRAY, _BOOL = 8, 9, 7
_SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    _BOOL: struct.Struct("<B"),
    10: _U64,
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_ALIGNMENT = "general.alignment"
_TEMPLATE_KEY = "tokenizer.chat_template"


@dataclass(slots=True)
class Header:
    """What a header says. `values` has the scalars and short strings, `lengths` the number of members of each array."""

    version: int
    values: dict[str, Any] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    #: template name (`default` for the unnamed one) -> SHA-256 of its text
    template_digests: dict[str, str] = field(default_factory=dict)
    tensors: int = 0
    element_types: dict[str, int] = field(default_factory=dict)

    def string(self, key: str) -> str | None:
        """A string value, None where there is none of that type."""
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> int | None:
        """An integer value, None where there is none of that type."""
        value = self.values.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


class HeaderParser:
    """Reads one header from a cursor that stands at the version number."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._file_size = cursor.size
        self._steps = 0
        #: Bytes of strings among the values that are kept.
        self._kept = 0
        cursor.limit(HEADER_LIMIT)

    def parse(self) -> Header:
        """The whole header, with every tensor inside the file."""
        header = Header(self._version())
        tensors, pairs = self._cursor.u64(), self._cursor.u64()
        if pairs > _PAIR_LIMIT:
            raise ReaderError(f"it announces {pairs} key-value pairs, more than the {_PAIR_LIMIT} that are read")
        if tensors > TENSOR_LIMIT:
            raise ReaderError(f"it announces {tensors} tensors, more than the {TENSOR_LIMIT} that are read")
        # As bytes here and among the tensors: text takes up to four times as much.
        seen: set[bytes] = set()
        for _ in range(pairs):
            raw, key = self._text(_KEY_LIMIT, "key")
            if raw in seen:
                raise ReaderError(f"the key {shown(key, 80)!r} stands twice")
            seen.add(raw)
            self._pair(header, key)
        self._tensors(header, tensors)
        return header

    def _version(self) -> int:
        version = self._cursor.u32()
        if version in (2, 3):
            return version
        if version & 0xFFFF == 0 and version:
            raise ReaderError("it is big-endian, which is not read")
        raise ReaderError(f"it is GGUF version {version}; versions 2 and 3 are read")

    def _pair(self, header: Header, key: str) -> None:
        kind = self._cursor.u32()
        if kind == _STRING:
            self._string_value(header, key)
        elif kind == _ARRAY:
            self._array_value(header, key)
        else:
            (value,) = self._cursor.unpack(self._layout(kind))
            if kind == _BOOL and value > 1:
                raise ReaderError(f"the boolean {shown(key, 80)!r} is {value}")
            _keep(header, key, bool(value) if kind == _BOOL else value)

    def _string_value(self, header: Header, key: str) -> None:
        length = self._cursor.u64()
        if key == _TEMPLATE_KEY or key.startswith(_TEMPLATE_KEY + "."):
            if len(header.template_digests) == _TEMPLATE_LIMIT:
                raise ReaderError(f"it has more than the {_TEMPLATE_LIMIT} chat templates that are read")
            name = key[len(_TEMPLATE_KEY) + 1 :] or "default"
            header.template_digests[name] = self._digest(length)
        elif length > _VALUE_LIMIT or not self._keeps(length):
            self._cursor.skip(length)
        else:
            _keep(header, key, self._cursor.take(length).decode("utf-8", "replace"))

    def _digest(self, length: int) -> str:
        """SHA-256 of the next `length` bytes, in pieces."""
        state = sha256()
        while length:
            piece = self._cursor.take(min(length, _PIECE))
            state.update(piece)
            length -= len(piece)
        return f"sha256:{state.hexdigest()}"

    def _array_value(self, header: Header, key: str) -> None:
        kind, count = self._cursor.u32(), self._cursor.u64()
        if len(header.lengths) < _KEPT_LIMIT:
            header.lengths[key] = count
        if kind == _STRING and key.startswith("general.") and count <= _LIST_LIMIT:
            members = [self._text(_VALUE_LIMIT, "value") for _ in range(count)]
            if self._keeps(sum(len(raw) for raw, _ in members)):
                _keep(header, key, [member for _, member in members])
        else:
            self._skip_array(kind, count, 1)

    def _skip_array(self, kind: int, count: int, depth: int) -> None:
        if kind == _STRING:
            self._charge(count)
            self._skip_strings(count)
        elif kind == _ARRAY:
            if depth == _ARRAY_DEPTH:
                raise ReaderError(f"its arrays are nested more than {_ARRAY_DEPTH} levels deep")
            self._charge(count * _ARRAY_STEPS)
            for _ in range(count):
                self._skip_array(self._cursor.u32(), self._cursor.u64(), depth + 1)
        else:
            self._cursor.skip(count * self._layout(kind).size)

    def _skip_strings(self, count: int) -> None:
        length_at = _U64.unpack_from
        while count:
            window, start = self._cursor.view(_U64.size)
            at, last = start, len(window) - _U64.size
            while count and at <= last:
                at += _U64.size + length_at(window, at)[0]
                count -= 1
            self._cursor.skip(at - start)

    def _keeps(self, length: int) -> bool:
        """Whether a value of so many bytes is kept; what comes after too many is stepped over."""
        if self._kept + length > _KEPT_BYTES:
            return False
        self._kept += length
        return True

    def _charge(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _STEP_LIMIT:
            raise ReaderError(f"its arrays hold more than the {_STEP_LIMIT} members that are read")

    def _layout(self, kind: int) -> struct.Struct:
        layout = _SCALARS.get(kind)
        if layout is None:
            raise ReaderError(f"a value has type {kind}, which the format does not have")
        return layout

    def _text(self, limit: int, what: str) -> tuple[bytes, str]:
        """The bytes and the text of a string."""
        length = self._cursor.u64()
        if length > limit:
            raise ReaderError(f"a {what} is {length} bytes long, more than the {limit} that are read")
        try:
            raw = self._cursor.take(length)
            return raw, raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ReaderError(f"a {what} is not valid UTF-8") from error

    def _tensors(self, header: Header, count: int) -> None:
        names: set[bytes] = set()
        length, spans = 0, _Spans()
        for _ in range(count):
            raw, name = self._text(_NAME_LIMIT, "tensor name")
            if raw in names:
                raise ReaderError(f"the tensor {shown(name, 80)!r} stands twice")
            names.add(raw)
            length += len(raw)
            if length > _NAMES_LIMIT:
                raise ReaderError(f"the names of its tensors are longer than the {_NAMES_LIMIT} bytes that are read")
            dimensions = self._cursor.u32()
            if dimensions > _DIMENSION_LIMIT:
                raise ReaderError(f"the tensor {shown(name, 80)!r} has {dimensions} dimensions")
            *shape, number, offset = self._cursor.unpack(_TENSOR_TAIL[dimensions])
            kind = TENSOR_TYPES.get(number)
            elements = math.prod(shape)
            spans.add(offset, _stored(name, shape, elements, kind))
            label = kind.name if kind else f"type-{number}"
            header.element_types[label] = header.element_types.get(label, 0) + elements
            if len(header.element_types) > len(TENSOR_TYPES) + _UNKNOWN_TYPES:
                raise ReaderError(f"its tensors have more than {_UNKNOWN_TYPES} element types that are not known")
        header.tensors = count
        self._check_spans(header, spans)

    def _check_spans(self, header: Header, spans: _Spans) -> None:
        alignment = header.number(_ALIGNMENT) or 32
        if alignment < 1 or alignment > _PAIR_LIMIT or alignment % 8:
            raise ReaderError(f"its alignment is {alignment}")
        data = self._file_size - -(-self._cursor.position // alignment) * alignment
        end = 0
        for first, last in spans.ordered():
            if first % alignment:
                raise ReaderError(f"a tensor begins at byte {first} of the data, which is not aligned to {alignment}")
            if first < end:
                raise ReaderError(f"two tensors overlap at byte {first} of the data")
            end = last
            if end > data:
                raise ReaderError(f"a tensor ends at byte {end} of the data, and {max(data, 0)} bytes are there")
        # A type newer than our table has no known size; no type stores more than eight elements in a byte.
        if sum(header.element_types.values()) > max(data, 0) * 8:
            raise ReaderError(f"its tensors have more elements than {max(data, 0)} bytes can hold")


class _Spans:
    """Where tensors lie in the data, as numbers side by side: 100,000 pairs of objects would take ten times as much."""

    def __init__(self) -> None:
        self._begins = array("Q")
        self._ends = array("Q")

    def add(self, begin: int, length: int) -> None:
        """One more. Raises `ReaderError` where it cannot be in any file."""
        if begin + length > _FILE_LIMIT:
            raise ReaderError(f"a tensor of {length} bytes lies at byte {begin} of the data, which no file has")
        self._begins.append(begin)
        self._ends.append(begin + length)

    def ordered(self) -> Iterable[tuple[int, int]]:
        """By where they begin; writers put them in order, which costs nothing to see."""
        begins, ends = self._begins, self._ends
        in_order = all(map(lt, begins, islice(begins, 1, None)))
        return zip(begins, ends, strict=True) if in_order else sorted(zip(begins, ends, strict=True))


_TENSOR_TAIL = [struct.Struct(f"<{dimensions}QIQ") for dimensions in range(_DIMENSION_LIMIT + 1)]


def _stored(name: str, shape: list[int], elements: int, kind: TensorType | None) -> int:
    """Bytes that a tensor takes; none where its type is newer than our table."""
    if kind is None:
        return 0
    if shape and shape[0] % kind.block:
        raise ReaderError(
            f"a row of the tensor {shown(name, 80)!r} is no multiple of {kind.block} elements of {kind.name}"
        )
    return elements // kind.block * kind.block_bytes


def _keep(header: Header, key: str, value: Any) -> None:
    if len(header.values) < _KEPT_LIMIT or key == _ALIGNMENT:
        header.values[key] = value
