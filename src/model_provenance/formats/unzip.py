"""Strict streaming decompression: exactly one gzip member or one zstd frame, nothing after it, flat memory.

Bytes after the frame, a second frame or a skippable one are read by some tools and dropped by others, so they are
refused. Output comes in pieces of bounded size, whatever the ratio: a decompression bomb costs time, not memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from model_provenance.errors import ModelProvenanceError

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_PIECE = 512 * 1024
#: RFC 8878, section 3.1.1.1.2: what every decoder supports, and what levels 1 to 19 need.
_ZSTD_WINDOW = 8 * 1024 * 1024
_ZSTD_BLOCK = 128 * 1024
_CODE = "archive.malformed"

Output = Callable[[memoryview], None]


class GunzipStream:
    """Push gzip bytes in, get the content pushed out."""

    def __init__(self, output: Output, location: str) -> None:
        self._output = output
        self._location = location
        self._decoder = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def feed(self, data: memoryview) -> None:
        """Take the next compressed bytes. Raises `archive.malformed`."""
        rest: memoryview | bytes = data
        while len(rest):
            if self._decoder.eof:
                raise _refusal("there are bytes after its end, or a second gzip member", self._location)
            try:
                piece = self._decoder.decompress(rest, _PIECE)
            except zlib.error as error:
                raise _refusal(f"it is not valid gzip ({error})", self._location) from error
            if piece:
                self._output(memoryview(piece))
            rest = self._decoder.unconsumed_tail or self._decoder.unused_data

    def close(self) -> None:
        """Raises `archive.malformed` when the stream stopped before its end."""
        # Output that did not fit the last piece without any input being left over.
        while not self._decoder.eof:
            piece = self._decoder.decompress(b"", _PIECE)
            if not piece:
                raise _refusal("it ends in the middle: the file is cut off", self._location)
            self._output(memoryview(piece))


class UnzstdStream:
    """Push zstd bytes in, get the content pushed out.

    The frame is cut into its blocks here (RFC 8878, section 3.1.1), because a block never gives more than 128 KiB and
    the library says neither how much a push will give nor where the frame ended.
    """

    def __init__(self, output: Output, location: str) -> None:
        import zstandard  # noqa: PLC0415 - only archives of this kind pay for it

        self._output = output
        self._location = location
        self._failures = zstandard.ZstdError
        decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._decoder: Any = decompressor.decompressobj(write_size=_ZSTD_BLOCK)
        self._buffer = bytearray()
        self._next = self._take_frame_header
        #: Bytes that `_next` wants to see.
        self._need = 5
        self._checksum = False
        self._ended = False

    def feed(self, data: memoryview) -> None:
        """Take the next compressed bytes. Raises `archive.malformed`."""
        at = 0
        while at < len(data):
            if self._ended:
                raise _refusal("there are bytes after its end, or a second zstd frame", self._location)
            stop = min(len(data), at + self._need - len(self._buffer))
            self._buffer += data[at:stop]
            at = stop
            if len(self._buffer) == self._need:
                self._next()

    def close(self) -> None:
        """Raises `archive.malformed` when the frame stopped before its end."""
        if not self._ended:
            raise _refusal("it ends in the middle: the file is cut off", self._location)

    def _take_frame_header(self) -> None:
        if self._buffer[:4] != ZSTD_MAGIC:
            raise _refusal("it does not start with a zstd frame", self._location)
        descriptor = self._buffer[4]
        single = descriptor >> 5 & 1
        content_size = (single, 2, 4, 8)[descriptor >> 6]
        self._checksum = bool(descriptor >> 2 & 1)
        length = 5 + (not single) + (0, 1, 2, 4)[descriptor & 3] + content_size
        if len(self._buffer) < length:
            self._need = length
            return
        self._push()
        self._want(self._take_block_header, 3)

    def _take_block_header(self) -> None:
        value = int.from_bytes(self._buffer, "little")
        last, kind, size = value & 1, value >> 1 & 3, value >> 3
        if size > _ZSTD_BLOCK:
            raise _refusal("a zstd block is larger than a block may be", self._location)
        # An RLE block (1) holds one byte, which `size` repeats.
        self._need += 1 if kind == 1 else size
        self._next = self._take_last_block if last else self._take_block
        if len(self._buffer) == self._need:
            self._next()

    def _take_block(self) -> None:
        self._push()
        self._want(self._take_block_header, 3)

    def _take_last_block(self) -> None:
        self._push()
        if self._checksum:
            self._want(self._take_checksum, 4)
        else:
            self._end()

    def _take_checksum(self) -> None:
        self._push()
        self._end()

    def _end(self) -> None:
        if not self._decoder.eof:
            raise _refusal("its zstd frame is malformed", self._location)
        self._ended = True

    def _want(self, then: Callable[[], None], count: int) -> None:
        self._next, self._need = then, count

    def _push(self) -> None:
        try:
            content = self._decoder.decompress(bytes(self._buffer))
        except self._failures as error:
            raise _refusal(f"it is not valid zstd ({error})", self._location) from error
        self._buffer.clear()
        if content:
            self._output(memoryview(content))


def _refusal(reason: str, location: str) -> ModelProvenanceError:
    return ModelProvenanceError(_CODE, f"not an archive that can be checked: {reason}", location=location)
