"""Formats that are recognised and not looked into: the facts say `recognised`, and by what."""

from __future__ import annotations

from collections.abc import Callable

from model_provenance.domain.facts import Inspection
from model_provenance.readers.cursor import Cursor
from model_provenance.readers.reading import Head, Reader, Reading, named, never, suffixed

_BY_BYTES = "recognised by its first bytes; not looked into"
_BY_NAME = "recognised by its name; not looked into"


def _starts(magic: bytes, at: int = 0) -> Callable[[Head], bool]:
    return lambda head: head.data[at : at + len(magic)] == magic


def _is_tensorrt(head: Head) -> bool:
    return head.data.startswith((b"ptrt", b"ftrt")) and head.size >= 24  # noqa: PLR2004 - its fixed header


def _reader(
    format: str, by_bytes: Callable[[Head], bool], by_name: Callable[[Head], bool], *, compiled: bool = False
) -> Reader:
    def read(head: Head, _cursor: Cursor) -> Reading:
        how = "first bytes" if by_bytes(head) else "name"
        details: dict[str, object] = {"recognised_by": how}
        if compiled:
            details["compiled"] = True
        return Reading(details, Inspection.RECOGNISED)

    reads = (
        (_BY_NAME if by_bytes is never else _BY_BYTES) + ("; compiled for one kind of machine" if compiled else ""),
    )
    return Reader(format, "readers.unreadable", reads, by_bytes, by_name, read)


READERS: tuple[Reader, ...] = (
    _reader("hdf5", _starts(b"\x89HDF\r\n\x1a\n"), suffixed(".h5", ".hdf5")),
    _reader("tensorrt", _is_tensorrt, suffixed(".engine", ".plan", ".trt"), compiled=True),
    _reader("coreml-compiled", never, named("coremldata.bin"), compiled=True),
    _reader("ggml", lambda head: head.data[:4] in (b"lmgg", b"tjgg", b"algg", b"fmgg"), never),
    _reader("sentencepiece", never, named("tokenizer.model", "sentencepiece.bpe.model", "spiece.model", "spm.model")),
)
