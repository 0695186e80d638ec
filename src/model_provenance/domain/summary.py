"""A verification summary (SLSA VSA): somebody has verified a model and says what came out, so that others need not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import SignerIdentity

PASSED, FAILED = "PASSED", "FAILED"


@dataclass(frozen=True, slots=True)
class Summary:
    """One summary as read. It counts only by who has signed it, and by every field that a policy pins."""

    verifier_id: str
    resource_uri: str
    policy_uri: str
    #: `sha256:…` of the policy; None where the summary does not say.
    policy_digest: str | None
    #: PASSED or FAILED.
    result: str
    levels: frozenset[str]
    #: Unix seconds at which it was verified, as the verifier says; None where it does not.
    verified_at: int | None
    #: (name or None, digest) of what it is about.
    subjects: tuple[tuple[str | None, Digest], ...]
    #: What binds names to contents; None in the summaries of other tools.
    files_digest: Digest | None = None
    #: Who had released the model, as the verifier says.
    released_by: tuple[str, str | None] | None = None
    #: As verified; None for one whose signature nobody has verified, which never counts.
    signer: SignerIdentity | None = None
    #: Of the bundle's bytes.
    digest: Digest | None = None
    #: Of what was signed, which stays when somebody writes the bundle in another way.
    statement: Digest | None = None
    dependency_levels: Mapping[str, int] = field(default_factory=dict)
