"""The whole release was verified with every byte of its files: nothing less can be decided about.

But for a summary by somebody else, where the policy asks for one: then the bytes are those that the summary names.
"""

from __future__ import annotations

from model_provenance.domain.policy import Answer
from model_provenance.domain.verification import Scope
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed


def decide(_: object, case: Case) -> Answer:
    """Scope, manifest and files of what was verified."""
    verified = case.verified
    if verified.scope is Scope.SUMMARY and case.policy.vsa is not None and verified.files:
        return passed("integrity", f"{len(verified.files)} files, exactly those of the summary")
    if verified.scope is not Scope.RELEASE:
        return cannot_decide(
            "integrity",
            f"only the scope `{verified.scope.value}` was verified",
            "a policy is about a whole release",
            "Verify the release with its evidence, without --bundle and --remote.",
        )
    if not verified.files or not verified.manifest or verified.model_digest is None:
        return cannot_decide(
            "integrity",
            "files, manifest or model digest are missing from what was verified",
            "nothing checked is not a pass",
            "Verify the model directory, the archive or the model in the registry itself.",
        )
    return passed("integrity", f"{len(verified.files)} files, exactly the signed ones")


GATE = Gate("integrity", "every file is one that was signed", lambda policy: policy, decide)
