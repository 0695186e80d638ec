"""The Merkle tree of RFC 6962, section 2.1: what the simulated transparency logs really are."""

from __future__ import annotations

import hashlib


def leaf_hash(body: bytes) -> bytes:
    """The hash of one entry."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """An append-only tree; hashes of complete subtrees are kept, so that roots and proofs cost O(log^2 n)."""

    def __init__(self) -> None:
        #: _levels[k][i] is the hash of the complete subtree over the leaves i*2^k up to (i+1)*2^k.
        self._levels: list[list[bytes]] = [[]]

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> int:
        """Add a leaf hash; its index."""
        node = leaf
        for level in range(len(self._levels) + 1):
            if level == len(self._levels):
                self._levels.append([])
            hashes = self._levels[level]
            hashes.append(node)
            if len(hashes) % 2:
                break
            node = node_hash(hashes[-2], hashes[-1])
        return len(self) - 1

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves (all of them by default)."""
        size = len(self) if size is None else size
        return self._subtree(0, size) if size else hashlib.sha256(b"").digest()

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of leaf `index` in the tree of the first `size` leaves, from the leaf upwards (2.1.1)."""
        start, end = 0, len(self) if size is None else size
        if not 0 <= index < end <= len(self):
            raise IndexError(f"no leaf {index} in a tree of {end}")
        path = []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._subtree(middle, end))
                end = middle
            else:
                path.append(self._subtree(start, middle))
                start = middle
        return path[::-1]

    def _subtree(self, start: int, end: int) -> bytes:
        size = end - start
        if size & (size - 1) == 0:  # a power of two, and by construction aligned: complete
            level = size.bit_length() - 1
            return self._levels[level][start >> level]
        middle = start + _split(size)
        return node_hash(self._subtree(start, middle), self._subtree(middle, end))


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)
