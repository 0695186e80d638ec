"""One read into several places: registries, and a layout folder beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from model_provenance.domain.digest import Digest
from model_provenance.domain.package import BlobSink, BlobWriter
from model_provenance.oci.push import RegistrySink


@final
class Tee:
    """A BlobSink and KnownBlobs. With a `folder` nothing is skipped: it needs every byte."""

    def __init__(self, registries: Sequence[RegistrySink], folder: BlobSink | None = None) -> None:
        self._registries = registries
        self._folder = folder

    def writer(self, size: int, media_type: str) -> BlobWriter:
        """A writer that feeds one writer of each."""
        return _writer([*([self._folder] if self._folder else []), *self._registries], size, media_type)

    def hash_first(self, title: str, size: int) -> bool:
        """True where one of the registries probably has the blob."""
        return self._folder is None and any(each.hash_first(title, size) for each in self._registries)

    def missing(self, digest: Digest, size: int) -> BlobSink | None:
        """Those that lack the blob."""
        lacking = [sink for each in self._registries if (sink := each.missing(digest, size)) is not None]
        return _Some(lacking) if lacking else None


@final
class _Some:
    def __init__(self, sinks: Sequence[BlobSink]) -> None:
        self._sinks = sinks

    def writer(self, size: int, media_type: str) -> BlobWriter:
        """As above."""
        return _writer(self._sinks, size, media_type)


def _writer(sinks: Sequence[BlobSink], size: int, media_type: str) -> BlobWriter:
    writers: list[BlobWriter] = []
    try:
        for sink in sinks:
            writers.append(sink.writer(size, media_type))  # noqa: PERF401 - those that are open must be closed when one fails
    except BaseException:
        for writer in writers:
            writer.abort()
        raise
    return writers[0] if len(writers) == 1 else _Writers(writers)


@final
class _Writers:
    def __init__(self, writers: Sequence[BlobWriter]) -> None:
        self._writers = writers

    def write(self, data: memoryview | bytes) -> None:
        """To each in turn: the slowest decides."""
        for writer in self._writers:
            writer.write(data)

    def commit(self, digest: Digest, size: int) -> None:
        """Each."""
        for writer in self._writers:
            writer.commit(digest, size)

    def abort(self) -> None:
        """Each, whatever became of the others."""
        for writer in self._writers:
            writer.abort()
