"""Proof that an entry is in a log: the Merkle audit path (RFC 6962, 2.1.1) and the log's signed checkpoint.

A checkpoint is a signed note (c2sp.org/signed-note, c2sp.org/tlog-checkpoint): origin, size, root hash, a blank line,
then one line for each signature. Others than the log's own (witnesses, a second key) may be among them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import InclusionProof, TlogEntry
from model_provenance.verify.keys import is_signature
from model_provenance.verify.trusted_root import Log

_HASH_SIZE = 32
_KEY_HASH = 4
_SIGNATURES = 64


def verify_inclusion(entry: TlogEntry, log: Log) -> None:
    """The entry is under the root hash that the log signed; `log.inclusion` or `log.checkpoint` otherwise."""
    proof = entry.proof
    if proof is None or proof.checkpoint is None:
        raise ModelProvenanceError("log.inclusion", "the log entry has no inclusion proof with a checkpoint")
    if proof.root_hash != _root_of(entry.body, proof):
        raise ModelProvenanceError("log.inclusion", "the inclusion proof does not lead to its root hash")
    _verify_checkpoint(proof.checkpoint, proof, log)


def _root_of(body: bytes, proof: InclusionProof) -> bytes:
    """The root that the audit path leads to: RFC 9162, section 2.1.3.2, with the sizes checked first."""
    index, last = proof.log_index, proof.tree_size - 1
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


def _verify_checkpoint(note: str, proof: InclusionProof, log: Log) -> None:
    text, blank, signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) < 3 or not lines[0]:  # noqa: PLR2004 - origin, size and root hash
        raise ModelProvenanceError("log.checkpoint", "the checkpoint is not a signed note")
    if lines[1] != str(proof.tree_size) or _base64(lines[2]) != proof.root_hash:
        raise ModelProvenanceError("log.checkpoint", "the checkpoint is of another tree than the inclusion proof")
    signed = f"{text}\n".encode()
    for line in signatures.split("\n")[:_SIGNATURES]:
        # Em dash, name, then base64 of four bytes of key hash and the signature.
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.rpartition(" ")
        raw = _base64(encoded)
        # The key's name is the origin; Rekor v1 puts its tree number behind it there.
        if name != lines[0].partition(" - ")[0]:
            continue
        if dash == "\u2014" and raw is not None and raw[:_KEY_HASH] == log.id[:_KEY_HASH]:  # noqa: SIM102
            # A second signature under the same four bytes may be somebody else's: go on.
            if is_signature(log.key, raw[_KEY_HASH:], signed):
                return
    raise ModelProvenanceError("log.checkpoint", "no signature of the checkpoint is by the log")


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
