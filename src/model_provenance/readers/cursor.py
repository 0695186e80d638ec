"""A bounded view of one hostile file: every length is checked against what is left before anything is read.

The file is never mapped into memory: a file that shrinks under a mapping kills the process with SIGBUS.
"""

from __future__ import annotations

import io
import struct
from typing import Any, BinaryIO

_WINDOW = 1 << 16
#: What is read after a jump; doubled while reading goes on from there, so that hostile jumps cost little each.
_FIRST_WINDOW = 1 << 12
#: Most bytes that one call hands out; a reader that wants more is wrong, whatever the file announces.
_TAKE_LIMIT = 48 << 20

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


class ReaderError(Exception):
    """Why one file cannot be read: one sentence for a person, with hostile text already escaped."""


class Cursor:
    """Reads little-endian values from `size` bytes of a stream, beginning at `base`, through one small window."""

    __slots__ = ("_ahead", "_base", "_limited", "_start", "_stream", "_window", "position", "size")

    def __init__(self, stream: BinaryIO, size: int, *, base: int = 0) -> None:
        self._stream = stream
        self._base = base
        self._window = b""
        self._start = 0
        self._ahead = _FIRST_WINDOW
        self._limited = False
        self.size = size
        #: Offset of the next byte, counted from `base`.
        self.position = 0

    @classmethod
    def over(cls, data: bytes) -> Cursor:
        """A cursor over bytes in memory."""
        return cls(io.BytesIO(data), len(data))

    @property
    def remaining(self) -> int:
        """Bytes between the position and the end."""
        return self.size - self.position

    def section(self, start: int, length: int) -> Cursor:
        """A cursor of its own over `length` bytes from `start`; they must lie inside this one."""
        if start < 0 or length < 0 or start + length > self.size:
            raise ReaderError(f"a part of {length} bytes at offset {start} lies outside the file of {self.size} bytes")
        inner = Cursor(self._stream, length, base=self._base + start)
        at = start - self._start
        if at >= 0 and at + length <= len(self._window):
            # What is buffered already is not read again: hostile files have 100,000 parts of a few bytes.
            inner._window = self._window[at : at + length]
        return inner

    def limit(self, length: int) -> None:
        """Read no further than `length` bytes from here, whatever follows."""
        if self.remaining > length:
            self.size = self.position + length
            self._limited = True

    def seek(self, position: int) -> None:
        """Move to an absolute position inside the file."""
        if not 0 <= position <= self.size:
            raise ReaderError(f"offset {position} lies outside the file of {self.size} bytes")
        self.position = position

    def skip(self, count: int) -> None:
        """Move on by `count` bytes."""
        if count < 0 or count > self.remaining:
            raise self._too_long(count)
        self.position += count

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if count < 0 or count > self.remaining:
            raise self._too_long(count)
        if count > _TAKE_LIMIT:
            raise ReaderError(f"{count} bytes in one piece are more than the {_TAKE_LIMIT} that are read")
        if count > _WINDOW:
            data = self._read(self.position, count)
        else:
            window, at = self.view(count)
            data = window[at : at + count]
        self.position += count
        return data

    def peek(self, count: int) -> bytes:
        """Up to `count` of the next bytes, fewer at the end; the position stays."""
        count = max(min(count, self.remaining), 0)
        window, at = self.view(count)
        return window[at : at + count]

    def view(self, minimum: int) -> tuple[bytes, int]:
        """The buffer and the index in it of the next byte; at least `minimum` bytes (<= 64 KiB) follow the index.

        For loops that cannot afford a call per value: work on the buffer, then `skip` what was used.
        """
        at = self.position - self._start
        if at < 0 or at + minimum > len(self._window):
            if minimum > self.remaining:
                raise self._too_long(minimum)
            goes_on = 0 <= at <= len(self._window)
            self._ahead = min(self._ahead * 2, _WINDOW) if goes_on else _FIRST_WINDOW
            self._window = self._read(self.position, min(max(self._ahead, minimum), self.remaining))
            self._start = self.position
            at = 0
        return self._window, at

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        """The values of a fixed layout."""
        window, at = self.view(layout.size)
        self.position += layout.size
        return layout.unpack_from(window, at)

    def byte(self) -> int:
        """One unsigned byte."""
        window, at = self.view(1)
        self.position += 1
        return window[at]

    def u32(self) -> int:
        """An unsigned 32-bit number."""
        window, at = self.view(4)
        self.position += 4
        return int(_U32.unpack_from(window, at)[0])

    def u64(self) -> int:
        """An unsigned 64-bit number."""
        window, at = self.view(8)
        self.position += 8
        return int(_U64.unpack_from(window, at)[0])

    def line(self, limit: int) -> bytes:
        """The bytes before the next newline, at most `limit` of them; the newline is consumed."""
        for minimum in (min(self.remaining, 1), min(self.remaining, limit + 1)):
            window, at = self.view(minimum)
            end = window.find(b"\n", at, at + limit + 1)
            if end >= 0:
                self.position += end - at + 1
                return window[at:end]
        raise ReaderError(f"a line has no end within {min(limit, self.remaining)} bytes")

    def _too_long(self, count: int) -> ReaderError:
        within = " in the part that is read" if self._limited else ""
        left = max(self.remaining, 0)
        return ReaderError(f"{count} bytes are announced at offset {self.position}, and only {left} are left{within}")

    def _read(self, position: int, count: int) -> bytes:
        pieces = []
        try:
            self._stream.seek(self._base + position)
            while count:
                piece = self._stream.read(count)
                if not piece:
                    raise ReaderError(f"the file ends early: {count} bytes are missing")
                pieces.append(piece)
                count -= len(piece)
        except OSError as error:
            raise ReaderError(f"reading failed: {error.strerror or 'input/output error'}") from error
        except MemoryError as error:
            raise ReaderError(f"there is not enough memory to read {count} bytes") from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
