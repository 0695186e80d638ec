"""Formats that are recognised by name and not looked into: the facts say `recognised`, and by what."""

from __future__ import annotations

from model_provenance.domain.facts import Inspection
from model_provenance.readers.cursor import Cursor
from model_provenance.readers.reading import Head, Reader, Reading, named, never

_READS = "recognised by its name; not looked into"


def _reader(format: str, *names: str, compiled: bool = False) -> Reader:
    def read(_head: Head, _cursor: Cursor) -> Reading:
        details: dict[str, object] = {"recognised_by": "name"}
        return Reading(details | ({"compiled": True} if compiled else {}), Inspection.RECOGNISED)

    reads = (_READS + ("; compiled for one kind of machine" if compiled else ""),)
    return Reader(format, "readers.unreadable", reads, never, named(*names), read)


READERS: tuple[Reader, ...] = (
    _reader("coreml-compiled", "coremldata.bin", compiled=True),
    _reader("sentencepiece", "tokenizer.model", "sentencepiece.bpe.model", "spiece.model", "spm.model"),
)
