"""A model packed: layers or one archive, described by digests; the bytes themselves went through in one read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile
from model_provenance.errors import ModelProvenanceError


class Layout(Enum):
    """How the package is serialised (design, 4.1)."""

    LAYERS = "layers"
    RAW = "raw"
    TAR = "tar"
    TAR_GZ = "tar.gz"
    TAR_ZST = "tar.zst"

    @property
    def is_archive(self) -> bool:
        """True for the three layouts that make one file."""
        return self in (Layout.TAR, Layout.TAR_GZ, Layout.TAR_ZST)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """An OCI descriptor (image-spec v1.1, descriptor.md)."""

    media_type: str
    digest: Digest
    size: int
    annotations: tuple[tuple[str, str], ...] = ()
    artifact_type: str | None = None
    #: (os, architecture)
    platform: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Blob:
    """A small document kept in memory: a manifest, an index or a configuration."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> Digest:
        """SHA-256 of the exact bytes."""
        return Digest.of(self.data)


@dataclass(frozen=True, slots=True)
class Archive:
    """The one file of an archive layout."""

    file_name: str
    digest: Digest
    size: int
    #: e.g. "gzip level 6, zlib 1.3.1"; None for plain tar, whose bytes no library decides.
    compression: str | None


@dataclass(frozen=True, slots=True)
class Package:
    """What one read of a model gave."""

    layout: Layout
    files: tuple[ModelFile, ...]
    model_digest: Digest
    files_digest: Digest
    #: Digest of the model index, or of the archive file.
    package_digest: Digest
    #: Model layers in manifest order; empty for archives.
    layers: tuple[Descriptor, ...] = ()
    #: Configurations and manifests that `index` names, in push order, without the index; empty for archives.
    documents: tuple[Blob, ...] = ()
    index: Blob | None = None
    archive: Archive | None = None
    #: (link path, target) of each symbolic link that was followed.
    links: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    #: Seconds spent on the one read, for the receipt.
    seconds: float = field(default=0.0, compare=False)

    @property
    def total_bytes(self) -> int:
        """Sum of the file sizes."""
        return sum(file.size for file in self.files)

    @property
    def manifest_digests(self) -> tuple[Digest, ...]:
        """The digests of the model index and of each manifest in it (not of configurations); empty for archives."""
        if self.index is None:
            return ()
        manifests = [blob.digest for blob in self.documents if blob.media_type.endswith(".manifest.v1+json")]
        return (self.index.digest, *manifests)


class BlobWriter(Protocol):
    """Takes one blob's bytes as they are read; nothing is visible before `commit`."""

    def write(self, data: memoryview | bytes) -> None:
        """Append; the buffer may be reused after the call returns."""
        ...

    def commit(self, digest: Digest, size: int) -> None:
        """Publish the blob under its digest."""
        ...

    def abort(self) -> None:
        """Forget the blob; safe after any failure."""
        ...


class BlobSink(Protocol):
    """Where layer bytes go during the one read: an OCI layout folder or an upload. Used from several threads."""

    def writer(self, size: int, media_type: str) -> BlobWriter:
        """A writer for a blob of a known size."""
        ...


class KnownBlobs(Protocol):
    """Says before the read which blobs need not be sent. Used from several threads."""

    def hash_first(self, title: str, size: int) -> bool:
        """True where the layer of this title and size is probably there: its digest is made before it is sent."""
        ...

    def missing(self, digest: Digest, size: int) -> BlobSink | None:
        """Where a blob of this digest must still go; None where it is there already."""
        ...


class BlobLostError(Exception):
    """A sink lost the bytes of one blob on the way; the blob may be read and written again.

    `error` is what is raised where it is not tried again.
    """

    def __init__(self, error: ModelProvenanceError) -> None:
        super().__init__(error.message)
        self.error = error
