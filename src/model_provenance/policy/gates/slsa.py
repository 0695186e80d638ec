"""The SLSA build level that the signature supports, and at most what the policy trusts this signer with."""

from __future__ import annotations

from model_provenance.domain.policy import Answer
from model_provenance.formats.slsa_level import REVIEWED_BUILDERS, slsa_level
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused
from model_provenance.policy.sections import Slsa
from model_provenance.policy.signers import matching


def decide(section: Slsa, case: Case) -> Answer:
    """The derived level; it is never asked of the release."""
    level, signers = case.verified.slsa_level, case.policy.signers
    if level is None:
        fix = "Verify the whole release."
        return cannot_decide(
            "slsa", "no level was derived", "only a whole release has provenance to derive it from", fix
        )
    if section.builders:
        # What the policy's author has reviewed beside ours: more builders can only raise the level, never the other facts.
        reviewed = (*REVIEWED_BUILDERS, *section.builders)
        provenance = bool(case.verified.provenance)
        level = max(level, slsa_level(case.verified.signer, has_provenance=provenance, reviewed=reviewed)[0])
    if signers is not None:
        signer = matching(signers, case.verified.signer)
        level = min(level, signer.max_slsa_build if signer is not None else 0)
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
