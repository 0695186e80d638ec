"""TensorRT engines: the version number of their header. NVIDIA documents nothing more, so nothing more is read.

Exporters of YOLO models write a description before the engine: a length and a JSON object.
"""

from __future__ import annotations

from typing import Any

from model_provenance.domain.facts import Inspection
from model_provenance.readers.bounds import plain
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.json_text import small_json
from model_provenance.readers.reading import Head, Reader, Reading, suffixed

READS = (
    "recognised by its first bytes; version of the serialisation; compiled for one kind of machine",
    "the JSON description that some exporters write before the engine",
)

_MAGICS = (b"ptrt", b"ftrt")
_HEADER_SIZE = 24
_DESCRIPTION_LIMIT = 1 << 20


def _read(head: Head, cursor: Cursor) -> Reading:
    details: dict[str, Any] = {"compiled": True}
    by_bytes = _by_bytes(head)
    if _is_described(head):
        length = cursor.u32()
        if length > _DESCRIPTION_LIMIT:
            raise ReaderError(f"its description is {length} bytes, more than the {_DESCRIPTION_LIMIT} that are read")
        details["description"] = plain(small_json(cursor.take(length), _DESCRIPTION_LIMIT))
        if cursor.peek(4) not in _MAGICS:
            raise ReaderError("no TensorRT engine follows its description")
        by_bytes = True
    if by_bytes:
        cursor.skip(4)
        details["serialization_version"] = cursor.u32()
    return Reading({"recognised_by": "first bytes" if by_bytes else "name", **details}, Inspection.RECOGNISED)


def _is_described(head: Head) -> bool:
    return _by_name(head) and head.data[3:5] == b"\0{"


def _by_bytes(head: Head) -> bool:
    return head.data.startswith(_MAGICS) and head.size >= _HEADER_SIZE


_by_name = suffixed(".engine", ".plan", ".trt")

READER = Reader("tensorrt", "readers.unreadable", READS, _by_bytes, _by_name, _read)
