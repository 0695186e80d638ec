"""Read one open file to its end, through several consumers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence

from model_provenance.disk.lanes import BLOCK_SIZE, Block, Consumer, Lanes
from model_provenance.disk.opening import Stamp
from model_provenance.domain.digest import Digest


class StreamDigest:
    """A consumer of blocks: the digest of the whole stream."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def __call__(self, block: Block) -> None:
        """Take the block."""
        self._hash.update(block.data)

    @property
    def digest(self) -> Digest:
        """SHA-256 of everything so far."""
        return Digest(self._hash.hexdigest())


def pour(
    descriptor: int,
    stamp: Stamp,
    consumers: Sequence[Consumer],
    *,
    idle: Callable[[], bool],
    advance: Callable[[int], None],
) -> bool:
    """Read as many bytes as `stamp` says; False when the file is not the one that was opened any more.

    `idle` and `advance` are the crew's. Raises OSError, and what a consumer raises.
    """
    left = stamp.size
    with Lanes(consumers, idle, block_size=min(BLOCK_SIZE, left)) as lanes:
        block = lanes.block
        while left:
            if block.length == len(block.view):
                block = lanes.next()
            count = os.readv(descriptor, [block.view[block.length : block.length + min(left, BLOCK_SIZE)]])
            if not count:
                return False
            block.length += count
            left -= count
            advance(count)
        lanes.finish()
    return Stamp.of(os.fstat(descriptor)) == stamp


def file_digest(descriptor: int) -> Digest:
    """SHA-256 of a small file from where the descriptor stands to its end. Raises OSError."""
    found = hashlib.sha256()
    while block := os.read(descriptor, BLOCK_SIZE):
        found.update(block)
    return Digest(found.hexdigest())
