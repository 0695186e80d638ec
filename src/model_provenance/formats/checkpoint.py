"""Checkpoints of transparency logs: signed notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint) to values.

Origin, size and root hash of the tree, a blank line, then one line for each signature. Others than the log's own (witnesses,
a second key) may be among them. Whether one is the log's is decided by `verify`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from model_provenance.errors import ModelProvenanceError

_HASH_SIZE = 32
_KEY_HASH = 4
#: Signatures that are looked at; a log has its own and those of some witnesses.
_SIGNATURES = 64
#: Digits of 2^63, which no log reaches.
_SIZE_DIGITS = 19


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One line: the name of a key, the first four bytes of its hash, and the signature."""

    name: str
    key_hash: bytes
    signature: bytes
    line: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A well-formed checkpoint; nothing in it has been verified."""

    origin: str
    size: int
    root: bytes
    #: What is signed, with its last line feed.
    text: str
    signatures: tuple[NoteSignature, ...]

    def note(self, signature: NoteSignature) -> str:
        """The checkpoint with this one of its signatures."""
        return f"{self.text}\n{signature.line}\n"


def parse_checkpoint(note: str) -> Checkpoint:
    """Raises `log.checkpoint`. Lines that are no signature are left out, as the specification wants."""
    origin, size, root = tree_of(note)
    text, _, signatures = note.rpartition("\n\n")
    found = (_signature(line) for line in signatures.split("\n")[:_SIGNATURES])
    return Checkpoint(origin, size, root, f"{text}\n", tuple(each for each in found if each is not None))


def tree_of(note: str) -> tuple[str, int, bytes]:
    """Origin, size and root hash alone; raises `log.checkpoint`."""
    try:
        note.encode()
    except UnicodeEncodeError as error:  # half a character, which JSON can write and no log signs
        raise ModelProvenanceError("log.checkpoint", "the checkpoint is not UTF-8 text") from error
    text, blank, _ = note.rpartition("\n\n")
    lines = text.split("\n", 3)
    if not blank or len(lines) < 3 or not lines[0]:  # noqa: PLR2004 - origin, size and root hash
        raise ModelProvenanceError("log.checkpoint", "the checkpoint is not a signed note")
    size, root = lines[1], _base64(lines[2])
    digits = size.isascii() and size.isdigit() and len(size) <= _SIZE_DIGITS
    if not digits or str(int(size)) != size or root is None or len(root) != _HASH_SIZE:
        raise ModelProvenanceError("log.checkpoint", "the checkpoint names no tree by its size and SHA-256 root")
    return lines[0], int(size), root


def _signature(line: str) -> NoteSignature | None:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.rpartition(" ")
    raw = _base64(encoded)
    if dash != "\N{EM DASH}" or raw is None or len(raw) <= _KEY_HASH:
        return None
    return NoteSignature(name, raw[:_KEY_HASH], raw[_KEY_HASH:], line)


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
