"""What both Rekor versions are: an append-only list of entries under a Merkle tree, with signed checkpoints."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from model_provenance.testing.keys import PrivateKey, key_id, sign
from model_provenance.testing.merkle import MerkleTree, leaf_hash

_ED25519 = b"\x01"  # C2SP signed-note: the algorithm byte of Ed25519


@dataclass(frozen=True)
class Included:
    """One entry and the proof that the tree of `size` leaves holds it."""

    index: int
    body: bytes
    integrated: int
    size: int
    root: bytes
    proof: tuple[bytes, ...]


class Log:
    """The entries; with a file, a later process goes on where this one stopped. Each body is kept once."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._tree = MerkleTree()
        self._entries: list[tuple[bytes, int]] = []
        self._index: dict[bytes, int] = {}
        if file is not None and file.exists():
            for line in file.read_text("ascii").splitlines():
                entry = json.loads(line)
                self._add(base64.b64decode(entry["body"]), entry["integrated"])

    def append(self, body: bytes, now: int) -> tuple[Included, bool]:
        """Log a body; the entry, and whether it is new."""
        with self._lock:
            known = self._index.get(leaf_hash(body))
            if known is not None:
                return self._included(known), False
            self._add(body, now)
            if self._file is not None:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with self._file.open("a", encoding="ascii") as file:
                    file.write(json.dumps({"body": base64.b64encode(body).decode(), "integrated": now}) + "\n")
            return self._included(len(self._entries) - 1), True

    def get(self, index: int) -> Included:
        """An entry with a proof in the tree of now; IndexError when there is none."""
        with self._lock:
            return self._included(index)

    def find(self, leaf: bytes) -> Included | None:
        """The entry with this leaf hash."""
        with self._lock:
            index = self._index.get(leaf)
            return None if index is None else self._included(index)

    def head_before(self, included: Included) -> tuple[int, bytes]:
        """Size and root of the tree that did not hold the entry yet."""
        with self._lock:
            return included.index, self._tree.root(included.index)

    def in_place_of(self, included: Included) -> Included:
        """The entry where the one before it stands, in a tree of the size that was signed then: another tree."""
        with self._lock:
            before = self._entries[: max(included.index - 1, 0)]
        other = MerkleTree()
        for body, _ in before:
            other.append(leaf_hash(body))
        index = other.append(leaf_hash(included.body))
        proof = tuple(other.inclusion_proof(index))
        return Included(index, included.body, included.integrated, len(other), other.root(), proof)

    def _add(self, body: bytes, now: int) -> None:
        leaf = leaf_hash(body)
        self._index[leaf] = self._tree.append(leaf)
        self._entries.append((body, now))

    def _included(self, index: int) -> Included:
        body, integrated = self._entries[index]
        proof = tuple(self._tree.inclusion_proof(index))
        return Included(index, body, integrated, len(self._entries), self._tree.root(), proof)


def log_id(key: PrivateKey, origin: str) -> bytes:
    """A log's id: the full C2SP key hash for Ed25519, SHA-256 of the SPKI for ECDSA (rekor-tiles does the same)."""
    public = key.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return hashlib.sha256(origin.encode() + b"\n" + _ED25519 + raw).digest()
    return key_id(public)


def checkpoint(origin: str, log: tuple[str, bytes], size: int, root: bytes, key: PrivateKey) -> str:
    """A C2SP signed note over origin, tree size and root, naming the log (its host and id) as the signer.

    The name is only a hint: `key` may be another than the log's, for that is what a forger would do.
    """
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    host, identifier = log
    signature = identifier[:4] + sign(key, text.encode())
    return f"{text}\n\N{EM DASH} {host} {base64.b64encode(signature).decode()}\n"
