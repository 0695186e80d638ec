"""TFLite models (tensorflow/lite/schema, a FlatBuffer): what the root table says, and which operators of TensorFlow there are."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.facts import Inspection
from model_provenance.readers.bounds import text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.reading import Head, Reader, Reading, suffixed
from model_provenance.readers.tensorflow_operators import REACHING, REACHING_BY

READS = (
    "recognised by its first bytes; schema version, description, number of operator codes, subgraphs and buffers",
    "operators of TensorFlow among them that reach files, other machines or Python",
)

_IDENTIFIER = b"TFL3"
_TEXT_LIMIT = 4096
#: Places of the fields in the root table (schema.fbs, table Model).
_VERSION, _OPERATOR_CODES, _SUBGRAPHS, _DESCRIPTION, _BUFFERS = 0, 1, 2, 3, 4
#: In the table OperatorCode.
_CUSTOM_CODE = 1
_FLEX = "Flex"
_CODE_LIMIT, _NAMED = 1000, 64
_COUNTED = {_OPERATOR_CODES: "operator_codes", _SUBGRAPHS: "subgraphs", _BUFFERS: "buffers"}


def _read(_head: Head, cursor: Cursor) -> Reading:
    root = cursor.u32()
    if cursor.take(4) != _IDENTIFIER:
        raise ReaderError("it does not begin as TFLite models do")
    fields = _fields(cursor, root)
    details: dict[str, Any] = {"compiled": True}
    if _VERSION in fields:
        cursor.seek(fields[_VERSION])
        details["schema_version"] = cursor.u32()
    if _DESCRIPTION in fields:
        length = _follow(cursor, fields[_DESCRIPTION])
        if length > _TEXT_LIMIT:
            raise ReaderError(f"its description is {length} bytes, more than the {_TEXT_LIMIT} that are read")
        described = text(cursor.take(length).decode("utf-8", "replace"))
        details |= {"description": described} if described else {}
    for place, name in _COUNTED.items():
        if place in fields:
            details[name] = _follow(cursor, fields[place])
    reaching = _reaching(cursor, fields[_OPERATOR_CODES]) if _OPERATOR_CODES in fields else []
    reason = None
    if reaching:
        details["operators_that_reach_out"] = reaching[:_NAMED]
        reason = f"it has operators of TensorFlow that reach files, other machines or Python, e.g. {reaching[0]}"
    return Reading(details, Inspection.RECOGNISED, executes=reason)


def _reaching(cursor: Cursor, at: int) -> list[str]:
    """Operators of TensorFlow that stand among those of the model as `FlexNAME`, which TensorFlow's interpreter runs."""
    count = _follow(cursor, at)
    if count > _CODE_LIMIT:
        raise ReaderError(f"it has {count} operator codes, more than the {_CODE_LIMIT} that are read")
    first, found = cursor.position, set()
    for place in range(count):
        cursor.seek(first + 4 * place)
        code = _fields(cursor, first + 4 * place + cursor.u32())
        if _CUSTOM_CODE not in code:
            continue
        length = _follow(cursor, code[_CUSTOM_CODE])
        if length > _TEXT_LIMIT:
            raise ReaderError(f"an operator is named by {length} bytes, more than the {_TEXT_LIMIT} that are read")
        # Whoever looks it up ends the name at the first zero.
        name = cursor.take(length).split(b"\0", 1)[0].decode("utf-8", "replace")
        if name.startswith(_FLEX) and (name[len(_FLEX) :] in REACHING or name[len(_FLEX) :] in REACHING_BY):
            found.add(name)
    return sorted(found)


def _fields(cursor: Cursor, root: int) -> dict[int, int]:
    """Where the fields of the root table lie that we look at: place in the table -> offset in the file."""
    cursor.seek(root)
    back = int.from_bytes(cursor.take(4), "little", signed=True)
    cursor.seek(root - back)
    size = int.from_bytes(cursor.take(2), "little")
    cursor.take(2)
    found = {}
    for place in range(min((size - 4) // 2, _BUFFERS + 1)):
        offset = int.from_bytes(cursor.take(2), "little")
        if offset:
            found[place] = root + offset
    return found


def _follow(cursor: Cursor, at: int) -> int:
    """Go to the text or list that the field at `at` points to; its length."""
    cursor.seek(at)
    cursor.seek(at + cursor.u32())
    return cursor.u32()


def _by_bytes(head: Head) -> bool:
    return head.data[4:8] == _IDENTIFIER


READER = Reader(
    "tflite",
    "readers.unreadable",
    READS,
    _by_bytes,
    suffixed(".tflite"),
    _read,
    "operators of TensorFlow that reach files",
)
