"""The SLSA build level that the signature supports, and at most what the policy trusts this signer with."""

from __future__ import annotations

from model_provenance.domain.policy import Answer
from model_provenance.domain.verification import Verified
from model_provenance.formats.slsa_level import REVIEWED_BUILDERS, slsa_level
from model_provenance.policy.document import Policy
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused
from model_provenance.policy.sections import Slsa
from model_provenance.policy.signers import matching


def level_of(policy: Policy, verified: Verified) -> int | None:
    """The level that the policy's reviews and its trust in the signer make of the derived one; None where none was."""
    level = verified.slsa_level
    if level is None:
        return None
    if policy.slsa is not None and policy.slsa.builders:
        # What the policy's author has reviewed beside ours: more builders can only raise the level, never the other facts.
        reviewed = (*REVIEWED_BUILDERS, *policy.slsa.builders)
        provenance = bool(verified.provenance)
        level = max(level, slsa_level(verified.signer, has_provenance=provenance, reviewed=reviewed)[0])
    if policy.signers is not None:
        signer = matching(policy.signers, verified.signer)
        level = min(level, signer.max_slsa_build if signer is not None else 0)
    return level


def decide(section: Slsa, case: Case) -> Answer:
    """The derived level; it is never asked of the release."""
    level = level_of(case.policy, case.verified)
    if level is None:
        fix = "Verify the whole release."
        return cannot_decide(
            "slsa", "no level was derived", "only a whole release has provenance to derive it from", fix
        )
    if level >= section.build:
        return passed("slsa", f"build level {level}")
    return refused(
        "slsa",
        section.effect,
        f"build level {level}",
        f"the policy asks for {section.build}",
        "Release keylessly on a runner that the CI service hosts; level 3 needs a builder that the policy lists as reviewed.",
    )


GATE = Gate("slsa", "the build level is high enough", lambda policy: policy.slsa, decide)
