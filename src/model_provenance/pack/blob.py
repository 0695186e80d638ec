"""The one read of a blob's files: file digests, blob digest and blob bytes from the same buffer (design, 4.1)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence

from model_provenance.disk.failure import failure
from model_provenance.disk.lanes import BLOCK_SIZE, Block, Consumer, Lanes
from model_provenance.domain.digest import Digest
from model_provenance.domain.files import Entry, ModelFile
from model_provenance.formats.tar import END, PREFIX, member_header, padding
from model_provenance.pack.inventory import Inventory, changed
from model_provenance.pack.plan import BlobPlan


class FileDigests:
    """A consumer of blocks: one digest a file, in the order of the stream."""

    def __init__(self, algorithm: str) -> None:
        self._new = getattr(hashlib, algorithm)
        self._current = self._new(usedforsecurity=False)
        self.found: list[str] = []

    def __call__(self, block: Block) -> None:
        """Take the pieces of files that are in the block."""
        for start, end, last in block.pieces:
            self._current.update(block.view[start:end])
            if last:
                self.found.append(self._current.hexdigest())
                self._current = self._new(usedforsecurity=False)


def read_plan(
    plan: BlobPlan,
    inventory: Inventory,
    *,
    consumers: Sequence[Consumer],
    idle: Callable[[], bool],
    advance: Callable[[int], None],
    want_sha1: bool = False,
) -> tuple[ModelFile, ...]:
    """Read every file of `plan` once; `consumers` see the blob's bytes on the way. The files come back in plan order.

    `idle` and `advance` are the crew's. Raises `pack.changed`, `pack.vanished`, `machine.*`, and what consumers raise.
    """
    sha256, sha1 = FileDigests("sha256"), FileDigests("sha1")
    lanes: list[Consumer] = [sha256, *consumers, *([sha1] if want_sha1 else [])]
    with Lanes(lanes, idle, block_size=min(BLOCK_SIZE, plan.size)) as running:
        stream = _Stream(running, advance)
        for entry in plan.entries:
            stream.add_file(entry, inventory, is_tar=plan.is_tar)
        if plan.is_tar:
            stream.add(END)
        running.finish()
    ones: Sequence[str | None] = sha1.found or [None] * len(plan.entries)
    return tuple(
        ModelFile(entry.path, entry.size, Digest(digest), entry.role, one)
        for entry, digest, one in zip(plan.entries, sha256.found, ones, strict=True)
    )


class _Stream:
    """Fills blocks with the bytes of a blob and passes full ones on."""

    def __init__(self, lanes: Lanes, advance: Callable[[int], None]) -> None:
        self._lanes = lanes
        self._advance = advance
        self._block = lanes.block

    def add(self, data: bytes) -> None:
        """Append bytes that belong to no file."""
        view = memoryview(data)
        while view:
            block = self._with_room()
            count = min(len(view), len(block.view) - block.length)
            block.view[block.length : block.length + count] = view[:count]
            block.length += count
            view = view[count:]

    def add_file(self, entry: Entry, inventory: Inventory, *, is_tar: bool) -> None:
        """Append a file, with its header and padding in a tar. It must end where its size says."""
        if is_tar:
            self.add(member_header(PREFIX + entry.path, entry.size))
        with inventory.reading(entry.path) as descriptor:
            left = entry.size
            if not left:
                self._block.pieces.append((0, 0, True))
            while left:
                left -= self._fill(descriptor, entry.path, left)
        if is_tar:
            self.add(bytes(padding(entry.size)))

    def _fill(self, descriptor: int, path: str, left: int) -> int:
        block = self._with_room()
        start = block.length
        end = min(start + left, len(block.view))
        try:
            count = os.readv(descriptor, [block.view[start:end]])
        except OSError as error:
            raise failure(error, path, doing="read") from error
        if not count:
            raise changed(path)
        block.length += count
        block.pieces.append((start, block.length, count == left))
        self._advance(count)
        return count

    def _with_room(self) -> Block:
        if self._block.length == len(self._block.view):
            self._block = self._lanes.next()
        return self._block
