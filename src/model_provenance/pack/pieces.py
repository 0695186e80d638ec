"""Read a model as an older OMS signature cut and hashed it: shards, BLAKE2b, BLAKE3. One read gives SHA-256, too."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Protocol

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import Entry, ModelFile, Serialization
from model_provenance.errors import ModelProvenanceError
from model_provenance.pack.inventory import Inventory

_CHUNK = 1024 * 1024
#: As many as a statement of 64 MiB can list; a hostile shard size must not make a list that fills the memory.
_PIECES = 500_000


class _Hash(Protocol):
    def update(self, data: bytes, /) -> object: ...
    def hexdigest(self) -> str: ...


def read_pieces(
    inventory: Inventory, serialization: Serialization, progress: Callable[[int], None] | None = None
) -> tuple[tuple[ModelFile, ...], tuple[tuple[str, str], ...]]:
    """The files with their SHA-256, and (name, hex digest) of every piece; raises `oms.unsupported`, `pack.*`."""
    size = serialization.shard_size
    if size is not None and sum(-(-entry.size // size) for entry in inventory.entries) > _PIECES:
        raise ModelProvenanceError(
            "oms.unsupported", f"shards of {size} bytes would cut this model into too many pieces"
        )
    files: list[ModelFile] = []
    pieces: list[tuple[str, str]] = []
    done = 0
    for entry in inventory.entries:
        files.append(_read(inventory, entry, serialization, pieces))
        done += entry.size
        if progress is not None:
            progress(done)
    return tuple(files), tuple(pieces)


def _read(inventory: Inventory, entry: Entry, serialization: Serialization, pieces: list[tuple[str, str]]) -> ModelFile:
    """Empty files have no shard (OMS v1.0); as files they are hashed like all others."""
    whole, piece = hashlib.sha256(), _hasher(serialization.hash_type)
    size = serialization.shard_size
    start = position = 0
    with inventory.open(entry.path) as stream:
        while data := stream.read(_CHUNK if size is None else min(_CHUNK, start + size - position)):
            whole.update(data)
            piece.update(data)
            position += len(data)
            if size is not None and position - start == size:
                pieces.append((f"{entry.path}:{start}:{position}", piece.hexdigest()))
                start, piece = position, _hasher(serialization.hash_type)
    if position != entry.size:
        raise ModelProvenanceError("pack.changed", "the file changed while the model was read", location=entry.path)
    if size is None:
        pieces.append((entry.path, piece.hexdigest()))
    elif position > start:
        pieces.append((f"{entry.path}:{start}:{position}", piece.hexdigest()))
    return ModelFile(entry.path, entry.size, Digest(whole.hexdigest()), entry.role)


def _hasher(hash_type: str) -> _Hash:
    if hash_type != "blake3":
        return hashlib.new(hash_type)
    try:
        from blake3 import blake3  # noqa: PLC0415 - an extra, which only older signatures need
    except ImportError as error:
        raise ModelProvenanceError(
            "oms.blake3_missing", "the model was hashed with BLAKE3 when it was signed"
        ) from error
    hasher: _Hash = blake3()
    return hasher
