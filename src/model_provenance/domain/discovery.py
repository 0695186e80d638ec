"""What lies in a registry at one reference: found, never verified."""

from __future__ import annotations

from dataclasses import dataclass

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import SignerIdentity


@dataclass(frozen=True, slots=True)
class Attached:
    """One thing that is attached to a manifest, as it says itself: found, not verified."""

    digest: Digest
    artifact_type: str
    #: What is signed, where it is a bundle.
    predicate_type: str | None = None
    signer: SignerIdentity | None = None
    #: RFC 3339, from the log or a signed timestamp; None where nothing says when.
    signed: str | None = None
    #: Why it could not be read.
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A manifest and what is attached to it."""

    kind: str
    digest: Digest
    attached: tuple[Attached, ...]


@dataclass(frozen=True, slots=True)
class Discovered:
    """A model index with its manifests, each once."""

    reference: str
    subjects: tuple[Subject, ...]
