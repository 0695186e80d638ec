"""The ancestors of a model: each base model, its base models, and what stands behind each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import SignerIdentity


class Backing(Enum):
    """What is known about an ancestor. Only the first two are worth anything; the others end the way upwards."""

    #: Its release evidence was given and verified; its own base models are ancestors, too.
    EVIDENCE = "evidence"
    #: A verifier that the policy names has signed a summary about it; who its ancestors are stays with that verifier.
    SUMMARY = "summary"
    #: Its descendant names it without a digest, so nothing can be found for it.
    UNNAMED = "unnamed"
    #: Nothing that was given is about its digest.
    MISSING = "missing"
    #: Something that was given is about its digest, and does not hold.
    REFUSED = "refused"
    #: It is its own ancestor.
    CYCLE = "cycle"
    #: It, or so many others, lie beyond what is looked at.
    TOO_DEEP = "too deep"


@dataclass(frozen=True, slots=True)
class Ancestor:
    """One base model, as its descendant's signed manifest names it, and as its own evidence says."""

    name: str
    #: As the descendant names it: of the model, of the package or of one of its manifests.
    digest: Digest | None
    #: 1 for a base model of the model that is decided about.
    depth: int
    backing: Backing
    #: In words, where the backing is none.
    why: str = ""
    #: Every digest that its verified evidence or summary is about, `digest` among them.
    digests: frozenset[Digest] = frozenset()
    #: Its signed manifest; empty unless its evidence was verified.
    manifest: Mapping[str, Any] = field(default_factory=dict)
    #: Who released it; None unless its evidence was verified.
    signer: SignerIdentity | None = None
    #: Unix seconds of trusted time, where its verified evidence has one.
    signed_at: int | None = None
    slsa_level: int | None = None
    #: The bundles that speak for it, by name, with the digests of their bytes.
    attestations: tuple[tuple[str, Digest], ...] = ()
    #: The same with the digests of what was signed.
    statements: tuple[tuple[str, Digest], ...] = ()

    @property
    def is_backed(self) -> bool:
        """Whether somebody trusted speaks for it."""
        return self.backing in (Backing.EVIDENCE, Backing.SUMMARY)


def bases_of(manifest: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...] | None:
    """The base models that a manifest names; none where it names none, None where they cannot be read."""
    tuned, merged = manifest.get("fine_tuned_from"), manifest.get("merged_from", [])
    entries = [] if tuned is None else [tuned]
    if not isinstance(merged, list):
        return None
    entries += merged
    readable = (
        isinstance(e, dict) and isinstance(e.get("model"), str) and isinstance(e.get("digest", ""), str)
        for e in entries
    )
    return tuple(entries) if all(readable) else None


#: Nearest first; of each model the base models in the order of its manifest.
Lineage = tuple[Ancestor, ...]
