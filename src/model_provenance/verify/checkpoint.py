"""Proof that an entry is in a log: the log's signed checkpoint, and the Merkle audit path (RFC 6962, 2.1.1) to its root."""

from __future__ import annotations

import hashlib

from model_provenance.domain.tree_head import TreeHead
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import InclusionProof, TlogEntry
from model_provenance.formats.checkpoint import parse_checkpoint
from model_provenance.verify.keys import is_signature
from model_provenance.verify.trusted_root import Log

_HASH_SIZE = 32
_KEY_HASH = 4


def signed_head(note: str, log: Log, *, place: str = "") -> TreeHead:
    """The tree head that a note says the log has signed; `log.checkpoint` where the log has not."""
    checkpoint = parse_checkpoint(note)
    for signature in checkpoint.signatures:
        # The key's name is the origin; Rekor v1 puts its tree number behind it there.
        if signature.name != checkpoint.origin.partition(" - ")[0] or signature.key_hash != log.id[:_KEY_HASH]:
            continue
        # A second signature under the same four bytes may be somebody else's: go on.
        if is_signature(log.key, signature.signature, checkpoint.text.encode()):
            own = checkpoint.note(signature)
            root = checkpoint.root.hex()
            return TreeHead(log.id.hex(), checkpoint.origin, checkpoint.size, root, own, None, place)
    raise ModelProvenanceError("log.checkpoint", "no signature of the checkpoint is by the log")


def entry_head(entry: TlogEntry, log: Log) -> TreeHead:
    """The tree head that an entry came with; raises `log.inclusion` where there is none, `log.checkpoint`."""
    if entry.proof is None or entry.proof.checkpoint is None:
        raise ModelProvenanceError("log.inclusion", "the log entry has no inclusion proof with a checkpoint")
    return signed_head(entry.proof.checkpoint, log)


def verify_inclusion(entry: TlogEntry, head: TreeHead) -> None:
    """The entry is under the root that the log signed; raises `log.frozen`, `log.inclusion` or `log.checkpoint`."""
    proof = entry.proof
    if proof is None:
        raise ModelProvenanceError("log.inclusion", "the log entry has no inclusion proof")
    if head.size <= proof.log_index:
        raise ModelProvenanceError(
            "log.frozen",
            f"the log has signed a tree of {head.size} entries, in which there is no entry {proof.log_index}",
        )
    if proof.root_hash != _root_of(entry.body, proof):
        raise ModelProvenanceError("log.inclusion", "the inclusion proof does not lead to its root hash")
    if (head.size, head.root) != (proof.tree_size, proof.root_hash.hex()):
        raise ModelProvenanceError("log.checkpoint", "the checkpoint is of another tree than the inclusion proof")


def _root_of(body: bytes, proof: InclusionProof) -> bytes:
    """The root that the audit path leads to: RFC 9162, section 2.1.3.2, with the sizes checked first."""
    index, last = proof.log_index, proof.tree_size - 1
    if index > last:
        raise ModelProvenanceError("log.inclusion", "the inclusion proof is of a tree that ends before the entry")
    node = hashlib.sha256(b"\x00" + body).digest()
    for sibling in proof.hashes:
        if len(sibling) != _HASH_SIZE or not last:
            raise ModelProvenanceError("log.inclusion", "the inclusion proof has a wrong length")
        if index & 1 or index == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        index, last = index >> 1, last >> 1
    if last:
        raise ModelProvenanceError("log.inclusion", "the inclusion proof has a wrong length")
    return node
