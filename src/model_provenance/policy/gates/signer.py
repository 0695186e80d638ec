"""Who signed is one of those whom the policy names, exactly."""

from __future__ import annotations

from model_provenance.domain.policy import Answer
from model_provenance.domain.text import shown
from model_provenance.policy.gates.gate import Case, Gate, passed, refused
from model_provenance.policy.signers import PolicySigner, matching


def decide(signers: frozenset[PolicySigner], case: Case) -> Answer:
    """The verified signer against the list."""
    found = case.verified.signer
    if matching(signers, found) is not None:
        return passed("signer", f"signed by {shown(found.subject)}")
    return refused(
        "signer",
        "deny",
        f"signed by {shown(found.subject)}" + (f", vouched for by {shown(found.issuer)}" if found.issuer else ""),
        f"the policy names {len(signers)} signers, and this is none of them",
        "Release with a signer that the policy names, or add this one under `signers` if it may release.",
    )


GATE = Gate("signer", "one of the named signers signed", lambda policy: policy.signers, decide)
