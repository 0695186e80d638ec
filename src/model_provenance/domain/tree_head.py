"""What a transparency log has signed about its whole content, and who remembers it from verification to verification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from model_provenance.domain.finding import Finding


@dataclass(frozen=True, slots=True)
class TreeHead:
    """So many entries under this root, says the log. Its signature has been verified, whoever brought it."""

    #: The log's id in the trusted root, and the origin in its checkpoint, both of which name one tree; the id in hex.
    log: str
    origin: str
    size: int
    #: The root hash in hex.
    root: str
    #: The signed note with the log's own signature alone: a proof that anybody else can check.
    note: str
    #: Unix seconds at which something trusted saw the entry that it came with; None where nothing did.
    time: int | None
    #: The bundle that it came with, or the file that it was kept in.
    place: str

    @property
    def tree(self) -> tuple[str, str]:
        """What tells the tree that it is the head of."""
        return self.log, self.origin


@dataclass(frozen=True, slots=True)
class Remembered:
    """Heads of earlier verifications, whose notes are to be verified before they count, and what kept others away."""

    heads: tuple[TreeHead, ...] = ()
    findings: tuple[Finding, ...] = ()


class TreeHeads(Protocol):
    """Remembers the heads of logs."""

    def meet(self, heads: Sequence[TreeHead]) -> Remembered:
        """What was known of the trees of these heads; they are remembered from now on."""
        ...
