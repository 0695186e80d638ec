"""Weights of llama.cpp from before GGUF: the first numbers of the file. Tensors and vocabulary stay unread.

`ggml` is shared by many programs, whose numbers mean different things, and nothing in the file says whose they are. `ggmf`
and `ggjt` were llama.cpp's own (its conversion script from GGML to GGUF has the layout), `ggla` its LoRA adapters.
"""

from __future__ import annotations

from typing import Any

from model_provenance.domain.facts import Inspection
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.reading import Head, Reader, Reading, never

READS = (
    "recognised by its first bytes: `ggml`, `ggmf` 1, `ggjt` 1 to 3, `ggla` 1 (LoRA); tensors are not looked into",
    "hyperparameters of `ggmf` and `ggjt` as llama.cpp wrote them; rank and alpha of `ggla`",
)

#: First bytes (the names as little-endian numbers) -> name, and the versions that there were.
_KINDS = {
    b"lmgg": ("ggml", range(0)),
    b"fmgg": ("ggmf", range(1, 2)),
    b"tjgg": ("ggjt", range(1, 4)),
    b"algg": ("ggla", range(1, 2)),
}
_NUMBERS = ("n_vocab", "n_embd", "n_mult", "n_head", "n_layer", "n_rot", "file_type")


def _read(_head: Head, cursor: Cursor) -> Reading:
    name, versions = _KINDS[cursor.take(4)]
    details: dict[str, Any] = {"container": name}
    if versions:
        details["container_version"] = version = cursor.u32()
        if version not in versions:
            raise ReaderError(f"it is {name} of version {version}, which there never was")
    if name == "ggla":
        details |= {"r": cursor.u32(), "lora_alpha": cursor.u32()}
    elif versions:
        details["hyperparameters"] = {number: cursor.u32() for number in _NUMBERS}
    return Reading(details, Inspection.RECOGNISED)


def _by_bytes(head: Head) -> bool:
    return head.data[:4] in _KINDS


READER = Reader("ggml", "readers.unreadable", READS, _by_bytes, never, _read)
