"""Safetensors: the JSON header, checked more strictly than the reference does (it takes the last of two equal keys).

Format: eight bytes of header length, the header, the tensors' bytes without holes, overlaps or anything behind them.
The header is walked with one pattern per tensor, so a hostile one cannot blow up into objects.
"""

from __future__ import annotations

import math
import re
from array import array
from functools import cache
from itertools import permutations
from typing import Any

from model_provenance.domain.text import shown
from model_provenance.readers.bounds import text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.json_text import SPACE, STRING_BODY, JsonWalk, check_utf8, decoded
from model_provenance.readers.reading import Head, Reader, Reading, WeightKind, Weights, suffixed

READS = (
    "tensors: number, element types, parameters, shapes against byte offsets (no holes, overlaps or trailing bytes)",
    "`__metadata__`: up to 32 entries",
    "refused: duplicate keys, unknown element types, headers over 16 MiB (the format allows 100 MB) or 100,000 tensors",
)

#: What the reference implementation accepts; more is not this format.
_FORMAT_LIMIT = 100_000_000
#: What is read: ten times the largest header known, and still below a second and 64 MB.
_HEADER_LIMIT = 16 << 20
_TENSOR_LIMIT = 100_000
_METADATA_LIMIT = 1 << 20
_METADATA_KEPT = 32
#: Shapes whose number of elements is remembered; most tensors share a few.
_SHAPES_KEPT = 4096

#: Bits per element; sub-byte types are packed.
_BITS = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}

_NUMBER = r"(?:0|[1-9][0-9]{0,18})"
_COLON, _COMMA = f"{SPACE}:{SPACE}", f"{SPACE},{SPACE}"
_DTYPE = rf'"dtype"{_COLON}"(?P<dtype>[A-Z0-9_]{{1,16}})"'
_SHAPE = rf'"shape"{_COLON}\[{SPACE}(?P<shape>(?:{_NUMBER}(?:{_COMMA}{_NUMBER}){{0,31}})?){SPACE}\]'
_OFFSETS = rf'"data_offsets"{_COLON}\[{SPACE}(?P<begin>{_NUMBER}){_COMMA}(?P<end>{_NUMBER}){SPACE}\]'
_ANY_FIELD = re.sub(r"\?P<\w+>", "?:", f"(?:{_DTYPE}|{_SHAPE}|{_OFFSETS})")


def _entry(*fields: str) -> re.Pattern[bytes]:
    members = _COMMA.join(fields)
    name, mark = f"(?P<name>{STRING_BODY})", "(?P<mark>[,}])"
    return re.compile(rf'{SPACE}"{name}"{_COLON}\{{{SPACE}{members}{SPACE}\}}{SPACE}{mark}'.encode())


#: As the reference writes it.
_ORDERED = _entry(_DTYPE, _SHAPE, _OFFSETS)


@cache
def _other_orders() -> tuple[re.Pattern[bytes], ...]:
    """The same three fields in any other order; made when the first file needs them."""
    return tuple(_entry(*fields) for fields in list(permutations((_DTYPE, _SHAPE, _OFFSETS)))[1:])


@cache
def _three_fields() -> re.Pattern[bytes]:
    """Any three of the fields, which matches what the others do not where one stands twice."""
    return _entry(_ANY_FIELD, _ANY_FIELD, _ANY_FIELD)


_OPEN = re.compile(rf"\{{{SPACE}(\}}?)".encode())
_METADATA = re.compile(rf'{SPACE}"__metadata__"{_COLON}'.encode())
_NEXT = re.compile(rf"{SPACE}([,}}])".encode())


class _Header:
    """Collects the tensors of one header as they are met."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = _ORDERED
        self._names: set[bytes] = set()
        self._elements: dict[bytes, int] = {}
        self._begins = array("Q")
        self._ends = array("Q")
        self.element_types: dict[str, int] = {}
        self.metadata: dict[str, str] | None = None
        self.metadata_entries = 0

    @property
    def tensors(self) -> int:
        return len(self._begins)

    def parse(self) -> None:
        """Walk over the whole header; anything but tensors, `__metadata__` and white space is refused."""
        if not self._data.isascii():
            check_utf8(self._data)
        opening = _OPEN.match(self._data)
        if opening is None:
            raise ReaderError("its header does not begin with an object")
        position, mark = opening.end(), opening[1]
        while mark != b"}":
            position, mark = self._member(position)
        if self._data[position:].strip(b" \t\n\r"):
            raise ReaderError(f"its header goes on after its end, at byte {position}")

    def check_coverage(self, length: int) -> None:
        """Refuse holes, overlaps and tensors outside the `length` bytes behind the header."""
        begins, ends = self._begins, self._ends
        if begins[1:] != ends[:-1]:
            ordered = sorted(zip(begins, ends, strict=True))
            begins, ends = array("Q", [span[0] for span in ordered]), array("Q", [span[1] for span in ordered])
        expected = 0
        for begin, end in zip(begins, ends, strict=True):
            if begin != expected:
                wrong = "overlap" if begin < expected else "leave a hole"
                raise ReaderError(f"its tensors {wrong} at byte {min(begin, expected)} of the data")
            expected = end
        if expected != length:
            raise ReaderError(f"its tensors cover {expected} bytes and {length} bytes follow the header")

    def _member(self, position: int) -> tuple[int, bytes]:
        found = self._order.match(self._data, position)
        if found is None:
            metadata = _METADATA.match(self._data, position)
            if metadata is not None:
                return self._read_metadata(metadata.end())
            found = self._in_another_order(position)
        name, dtype, shape, begin, end, mark = found.group("name", "dtype", "shape", "begin", "end", "mark")
        self._tensor(name, dtype, shape, begin, end)
        return found.end(), mark

    def _in_another_order(self, position: int) -> re.Match[bytes]:
        """The tensor there; the next one is tried in its order first, for a file is written by one writer."""
        for order in (_ORDERED, *_other_orders()):
            if (found := order.match(self._data, position)) is not None:
                self._order = order
                return found
        if _three_fields().match(self._data, position) is not None:
            raise ReaderError(f"a tensor at byte {position} of the header names a field twice")
        raise ReaderError(f"its header is not valid at byte {position}")

    def _tensor(self, name: bytes, dtype: bytes, shape: bytes, begin: bytes, end: bytes) -> None:
        if b"\\" in name:
            name = decoded(name).encode("utf-8", "surrogatepass")
        if name in self._names:
            raise ReaderError(f"the tensor {shown(name.decode(errors='replace'), 80)!r} stands twice in the header")
        self._names.add(name)
        if len(self._names) > _TENSOR_LIMIT:
            raise ReaderError(f"it has more than the {_TENSOR_LIMIT} tensors that are read")
        elements = self._elements.get(shape)
        if elements is None:
            elements = math.prod(map(int, shape.split(b","))) if shape else 1
            if len(self._elements) < _SHAPES_KEPT:
                self._elements[shape] = elements
        kind = dtype.decode()
        bits = _BITS.get(kind)
        if bits is None:
            raise ReaderError(f"the element type {kind} is not one of the format")
        first, last = int(begin), int(end)
        if (last - first) * 8 != elements * bits:
            raise ReaderError(
                f"the tensor {shown(name.decode(errors='replace'), 80)!r} has {elements} elements of {kind} "
                f"and {last - first} bytes"
            )
        self._begins.append(first)
        self._ends.append(last)
        self.element_types[kind] = self.element_types.get(kind, 0) + elements

    def _read_metadata(self, position: int) -> tuple[int, bytes]:
        if self.metadata is not None:
            raise ReaderError("`__metadata__` stands twice in the header")
        self.metadata = {}
        walk = JsonWalk(self._data, position)
        for key in walk.members():
            value = walk.string(_METADATA_LIMIT)
            self.metadata_entries += 1
            if self.metadata_entries <= _METADATA_KEPT:
                self.metadata[text(key, 128) or ""] = text(value) or ""
        found = _NEXT.match(self._data, walk.position)
        if found is None:
            raise ReaderError(f"its header is not valid at byte {walk.position}")
        return found.end(), found[1]


def _read(head: Head, cursor: Cursor) -> Reading:
    length = cursor.u64()
    if length > _FORMAT_LIMIT:
        raise ReaderError(f"it announces a header of {length} bytes, and the format allows {_FORMAT_LIMIT}")
    if length > _HEADER_LIMIT:
        raise ReaderError(f"its header is {length} bytes, more than the {_HEADER_LIMIT} that are read")
    header = _Header(cursor.take(length))
    header.parse()
    header.check_coverage(cursor.remaining)
    weights = Weights(header.tensors, header.element_types, _kind(head))
    details: dict[str, Any] = {
        "tensors": header.tensors,
        "parameters": weights.parameters,
        "element_types": header.element_types,
        "header_bytes": length,
    }
    if header.metadata is not None:
        details |= {"metadata": header.metadata, "metadata_entries": header.metadata_entries}
    return Reading(details, weights=weights)


def _kind(head: Head) -> WeightKind:
    # PEFT's file name; the tensors of an adapter never count as the base model's.
    return WeightKind.ADAPTER if head.name.startswith("adapter_model") else WeightKind.MODEL


def _by_bytes(head: Head) -> bool:
    # A header length that the format allows and an object after it; as text, those eight bytes are far too large.
    return head.data[8:9] == b"{" and int.from_bytes(head.data[:8], "little") <= _FORMAT_LIMIT


READER = Reader("safetensors", "readers.safetensors", READS, _by_bytes, suffixed(".safetensors"), _read)
