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
_OBJECTS = re.compile(rb"'[|<>=]?O[0-9]*'")


def holds_objects(first: bytes) -> bool:
    """Whether these first bytes begin an array of Python objects."""
    return first.startswith(_MAGIC) and _OBJECTS.search(first) is not None


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
    objects = _OBJECTS.search(header) is not None
    details = {
        "npy_version": f"{major}.{minor}",
        "element_type": "structured" if kind == "[" else kind,
        "can_execute_code": objects,
    }
    reason = "it is an array of Python objects, which are pickled" if objects else None
    return Reading(details, Inspection.RECOGNISED, executes=reason)


def _by_bytes(head: Head) -> bool:
    return head.data.startswith(_MAGIC)


READER = Reader("numpy", "readers.numpy", READS, _by_bytes, suffixed(".npy"), _read)
