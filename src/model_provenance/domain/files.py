"""The files of a model and how to open them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO, Protocol

from model_provenance.domain.digest import Digest


class Role(Enum):
    """What a file is to the model, by its name; decides layer media types and SBOM completeness."""

    WEIGHT = "weight"
    CONFIG = "config"
    TOKENIZER = "tokenizer"
    CARD = "card"
    LICENSE = "license"
    CODE = "code"
    DOC = "doc"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file found in the model directory, not read yet. `path` is POSIX, relative, NFC, normalised."""

    path: str
    size: int
    role: Role
    #: POSIX path (or cache-relative text) that a followed symbolic link pointed to; None for a plain file.
    link_target: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file whose bytes have been read once and hashed."""

    path: str
    size: int
    digest: Digest
    role: Role
    #: SHA-1 of the same read, only where an SBOM format demands it (SPDX 2.x); hex.
    sha1: str | None = None


class Keeper(Protocol):
    """Keeps open what is read, so that the bytes that were hashed are the very bytes that are used afterwards."""

    @property
    def sealed(self) -> tuple[str, ...]:
        """Paths whose descriptor is a copy: what is known of the original on disk says nothing about it."""
        ...

    def keep(self, path: str, descriptor: int) -> int:
        """Own `descriptor`, an open file at offset 0; answers with the descriptor to read, which stays open."""
        ...


#: Sizes in bytes of the hashes that OMS v1.0 knows.
HASH_SIZES = {"sha256": 32, "blake2b": 64, "blake3": 32}


@dataclass(frozen=True, slots=True)
class Serialization:
    """How an OMS signature cuts and hashes files: whole, or in shards of so many bytes."""

    hash_type: str = "sha256"
    shard_size: int | None = None


#: The one way in which we sign.
FILES = Serialization()


class FileSource(Protocol):
    """Opens the files of one model beneath its root; a file that changed since it was listed is refused."""

    def open(self, path: str) -> BinaryIO:
        """An unbuffered binary stream at offset 0. Raises `ModelProvenanceError` (`pack.changed`, `pack.vanished` …)."""
        ...


def in_oms_order(files: Iterable[ModelFile]) -> tuple[ModelFile, ...]:
    """Sorted by the code points of the name (OMS v1.0, section on resources)."""
    return tuple(sorted(files, key=lambda file: file.path))
