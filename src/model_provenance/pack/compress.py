"""The outside of an archive: nothing, gzip or zstd, at a fixed level, without name or time."""

from __future__ import annotations

import zlib
from typing import Protocol

from model_provenance.domain.package import Layout

#: gzip's own default. zlib's versions differ in the bytes they make, never in what unpacks.
_GZIP_LEVEL = 6
#: zstd's own default; its window of 2 MiB keeps packing and unpacking small.
_ZSTD_LEVEL = 3


class Compressor(Protocol):
    """What `zlib` and `zstandard` share."""

    def compress(self, data: memoryview, /) -> bytes | memoryview:
        """Output that is ready after these bytes."""
        ...

    def flush(self) -> bytes:
        """The rest, with the end of the frame."""
        ...


class _Plain:
    def compress(self, data: memoryview, /) -> memoryview:
        return data

    def flush(self) -> bytes:
        return b""


def compressor(layout: Layout, size: int) -> tuple[Compressor, str | None]:
    """What to push a tar of `size` bytes through, and how the manifest records it: all that decides the bytes."""
    if layout is Layout.TAR_GZ:
        # wbits 31: a gzip header with time 0 and no name, which is what zlib writes when nothing is set.
        return (
            zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS),
            f"gzip level {_GZIP_LEVEL}, zlib {zlib.ZLIB_RUNTIME_VERSION}",
        )
    if layout is Layout.TAR_ZST:
        import zstandard  # noqa: PLC0415 - only archives of this kind pay for it

        # One thread: the worker threads of zstd take 50 MB each and make other bytes.
        version = ".".join(str(part) for part in zstandard.ZSTD_VERSION)
        made = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True, threads=0).compressobj(size=size)
        return made, f"zstd level {_ZSTD_LEVEL}, libzstd {version}"
    return _Plain(), None
