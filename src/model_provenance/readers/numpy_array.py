"""NumPy arrays (.npy): recognised, with the one thing of the header that matters, whether the elements are pickles."""

from __future__ import annotations

import re

from model_provenance.domain.facts import Inspection
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.reading import Head, Reader, Reading, suffixed

READS = ("recognised by its first bytes; format version, element type, and whether the elements are pickled objects",)

_MAGIC = b"\x93NUMPY"
_HEADER_LIMIT = 1 << 16
_DESCRIPTION = re.compile(rb"'descr': *('[^']{1,64}'|\[)")
#: What is surely no object: one plain element type. Whatever else NumPy may take for one counts as objects.
_PLAIN = re.compile(
    rb"\s*\{\s*'descr':\s*'[<>|=]?[?bBhHiIlLqQuefdgFDGcSaUVmM][0-9]*(?:\[[0-9A-Za-z/]{1,16}\])?'\s*,"
    rb"\s*'fortran_order':\s*(?:True|False)\s*,\s*'shape':\s*\([0-9, L]*\)\s*(?:,\s*)?\}\s*"
)
#: Structured types name their fields; none of these may be an object, and no other spelling is followed.
_FIELD = rb"\('[^'\\]{1,64}',\s*'[<>|=]?[?bBhHiIlLqQuefdgFDGcSaUVmM][0-9]*'(?:,\s*\([0-9, ]*\))?\)"
_STRUCTURED = re.compile(
    rb"\s*\{\s*'descr':\s*\[" + _FIELD + rb"(?:,\s*" + _FIELD + rb"){0,200}\]\s*,"
    rb"\s*'fortran_order':\s*(?:True|False)\s*,\s*'shape':\s*\([0-9, L]*\)\s*(?:,\s*)?\}\s*"
)


def holds_objects(first: bytes) -> bool:
    """Whether these first bytes of a member begin an array that may be of Python objects."""
    if not first.startswith(_MAGIC):
        return False
    start = 10 if first[6:7] == b"\x01" else 12
    length = int.from_bytes(first[8:start], "little")
    header = first[start : start + length]
    return len(header) < length or _may_hold_objects(header)


def _may_hold_objects(header: bytes) -> bool:
    return _PLAIN.fullmatch(header) is None and _STRUCTURED.fullmatch(header) is None


def _read(_head: Head, cursor: Cursor) -> Reading:
    if cursor.take(6) != _MAGIC:
        raise ReaderError("it does not begin as NumPy arrays do")
    major, minor = cursor.byte(), cursor.byte()
    length = int.from_bytes(cursor.take(2 if major == 1 else 4), "little")
    if length > _HEADER_LIMIT:
        raise ReaderError(f"its header is {length} bytes, more than the {_HEADER_LIMIT} that are read")
    header = cursor.take(length)
    description = _DESCRIPTION.search(header)
    if description is None:
        raise ReaderError("its header names no element type")
    kind = description[1].decode("ascii", "backslashreplace").strip("'")
    objects = _may_hold_objects(header)
    details = {
        "npy_version": f"{major}.{minor}",
        "element_type": "structured" if kind == "[" else kind,
        "can_execute_code": objects,
    }
    reason = "it is an array of Python objects, which are pickled" if objects else None
    return Reading(details, Inspection.RECOGNISED, executes=reason)


def _by_bytes(head: Head) -> bool:
    return head.data.startswith(_MAGIC)


READER = Reader("numpy", "readers.numpy", READS, _by_bytes, suffixed(".npy"), _read, "pickled objects")
