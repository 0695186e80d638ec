"""Blob sinks for tests."""

from __future__ import annotations

import errno
import hashlib
import os
import threading

from model_provenance.domain.digest import Digest


class MemorySink:
    """Keeps blobs; checks that each is complete before it is committed."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.aborted = 0
        self.lock = threading.Lock()

    def writer(self, size: int, media_type: str) -> MemoryWriter:
        """A writer of a blob of `size` bytes."""
        return MemoryWriter(self, size)


class MemoryWriter:
    """One blob."""

    def __init__(self, sink: MemorySink, size: int) -> None:
        self.sink = sink
        self.size = size
        self.data = bytearray()
        self.done = False

    def write(self, data: memoryview | bytes) -> None:
        """Append a copy."""
        self.data += data

    def commit(self, digest: Digest, size: int) -> None:
        """Publish."""
        assert len(self.data) == size == self.size
        assert hashlib.sha256(self.data).hexdigest() == digest.hex
        with self.sink.lock:
            self.sink.blobs[digest.hex] = bytes(self.data)
        self.done = True

    def abort(self) -> None:
        """Forget."""
        if not self.done:
            with self.sink.lock:
                self.sink.aborted += 1


class FullSink(MemorySink):
    """Has no space after some bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def writer(self, size: int, media_type: str) -> FullWriter:
        """A writer that runs out of space."""
        return FullWriter(self, size)


class FullWriter(MemoryWriter):
    """Raises what the system raises on a full disk."""

    sink: FullSink

    def write(self, data: memoryview | bytes) -> None:
        """Append until the room is used up."""
        with self.sink.lock:
            self.sink.room -= len(data)
        if self.sink.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(data)
