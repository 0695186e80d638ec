"""Who signed is one of those whom the policy names, exactly."""

from __future__ import annotations

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.policy import Answer
from model_provenance.domain.text import shown
from model_provenance.policy.document import PolicySigner
from model_provenance.policy.gates.gate import Case, Gate, passed, refused

#: Fulcio's extension with the repository that was built from.
_REPOSITORY = 12


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


def matching(signers: frozenset[PolicySigner], found: SignerIdentity) -> PolicySigner | None:
    """The entry that names `found`. A subject means something only together with its issuer."""
    for signer in sorted(signers, key=lambda s: (s.subject, s.issuer or "", s.max_slsa_build)):
        is_key = signer.public_key is not None
        if (found.method == "key") is not is_key or (found.subject, found.issuer) != (signer.subject, signer.issuer):
            continue
        repository = found.extension(_REPOSITORY)
        expected = signer.source_repository
        if is_key or (expected == repository if expected else _is_inside(found.subject, repository)):
            return signer
    return None


def _is_inside(subject: str, repository: str | None) -> bool:
    """Without a named repository the workflow must lie in the one that was built from (design, 4.4.2)."""
    return repository is None or subject.startswith(f"{repository}/")


GATE = Gate("signer", "one of the named signers signed", lambda policy: policy.signers, decide)
