"""Looks into every file of a model and joins what they say. The only entry of this room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_provenance.domain.facts import FileFacts, Inspection, ModelFacts
from model_provenance.domain.files import Entry, FileSource, ModelFile
from model_provenance.domain.finding import warned
from model_provenance.domain.text import shown
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.logical_model import joined
from model_provenance.readers.pickles import READER as PICKLE
from model_provenance.readers.reading import HEAD_SIZE, Head, Reader, Reading
from model_provenance.readers.registry import named_reader, reader_of
from model_provenance.readers.weight_sets import Inspected

#: Formats whose loaders may run code, and the readers whose names promise that none is run.
_EXECUTING = frozenset(("pickle", "zip", "tar"))
_PLAIN = frozenset(("safetensors", "gguf", "numpy", "onnx", "tflite"))


def inspect(files: Sequence[Entry | ModelFile], source: FileSource) -> ModelFacts:
    """What the files of one model say, without executing anything.

    A file that cannot be read becomes `unreadable` with a finding; only what `source.open` raises
    (`ModelProvenanceError`: the file changed, vanished, may not be read) leaves this function.
    """
    return joined([_inspected(file, source) for file in sorted(files, key=lambda file: file.path)])


def _inspected(file: Entry | ModelFile, source: FileSource) -> Inspected:
    with source.open(file.path) as stream:
        cursor = Cursor(stream, file.size)
        reader, recognised = named_reader(Head.of(file.path, file.size, file.role, b"")), False
        try:
            head = Head.of(file.path, file.size, file.role, cursor.peek(HEAD_SIZE))
            reader = _unpickled(head, cursor) or reader_of(head)
            if reader is None:
                return Inspected(file.role, FileFacts(file.path, "other", Inspection.NOT_INSPECTED), Reading())
            recognised = True
            cursor.seek(0)
            reading = reader.read(head, cursor)
        except ReaderError as error:
            return _unreadable(file, reader, str(error), recognised=recognised)
    reading = _compared_with_name(head, reader, reading)
    facts = FileFacts(file.path, reading.format or reader.format, reading.inspection, reading.details)
    return Inspected(file.role, facts, reading)


def _unpickled(head: Head, cursor: Cursor) -> Reader | None:
    """The pickle reader for a file that loaders unpickle by its name and that begins like another format.

    `GGUF` and a safetensors length are valid pickle opcodes, so first bytes alone would hide what such a file imports.
    """
    reader = reader_of(head)
    if reader is None or reader.format in _EXECUTING or named_reader(head) is not PICKLE:
        return None
    reading = PICKLE.read(head, cursor)
    # At a limit of this reader unpickling goes on; where a byte is no opcode it ends, having imported what is listed.
    return PICKLE if reading.details.get("outside_allow_list") or reading.details.get("bounded") else None


def _unreadable(file: Entry | ModelFile, reader: Reader | None, reason: str, *, recognised: bool) -> Inspected:
    code, format, what = "readers.unreadable", "other", "cannot be read"
    details: dict[str, Any] = {"reason": shown(reason, 500)}
    if reader is not None and recognised:
        code, format, what = reader.code, reader.format, f"cannot be read as {reader.format}"
    executes = None
    if reader is not None and reader.may_hold is not None:
        # A loader may still read it, and what it would run was not seen here.
        executes = f"it could not be read, and may hold {reader.may_hold}"
        details["can_execute_code"] = True
    finding = warned(code, f"{shown(file.path)} {what}: {reason}", location=file.path)
    facts = FileFacts(file.path, format, Inspection.UNREADABLE, details)
    return Inspected(
        file.role, facts, Reading(inspection=Inspection.UNREADABLE, executes=executes, findings=(finding,))
    )


def _compared_with_name(head: Head, reader: Reader, reading: Reading) -> Reading:
    """Add the finding for a file whose name promises plain tensors and whose bytes are a pickle or a zip."""
    promised = named_reader(head)
    if promised is None or promised.format not in _PLAIN or reader.format not in _EXECUTING:
        return reading
    message = (
        f"{shown(head.path)} has the name of {promised.format} and the content of a {reading.format or reader.format}"
    )
    return reading.with_finding(warned("readers.disguised", message, location=head.path))
