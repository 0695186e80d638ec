"""The one file of an archive layout: compressed, hashed and written while the model is read."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from pathlib import Path
from typing import final

from model_provenance.disk.lanes import Block
from model_provenance.disk.publish import PublishedFile
from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Archive, Layout
from model_provenance.pack.compress import compressor


@final
class ArchiveOutput:
    """A consumer of the tar's blocks. Leaving the context early leaves nothing behind."""

    def __init__(self, layout: Layout, target: Path | None, size: int) -> None:
        self._compressor, self._compression = compressor(layout, size)
        self._hash = hashlib.sha256()
        self._size = 0
        self._stack = ExitStack()
        self._file = None if target is None else self._stack.enter_context(PublishedFile(target))

    def __enter__(self) -> ArchiveOutput:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, block: Block) -> None:
        """Append the next bytes of the tar."""
        self._emit(self._compressor.compress(block.data))

    def publish(self, file_name: str) -> Archive:
        """End the archive and give the file its name."""
        self._emit(self._compressor.flush())
        if self._file is not None:
            self._file.publish()
        return Archive(file_name, Digest(self._hash.hexdigest()), self._size, self._compression)

    def _emit(self, data: memoryview | bytes) -> None:
        if data:
            self._hash.update(data)
            self._size += len(data)
            if self._file is not None:
                self._file.write(data)
