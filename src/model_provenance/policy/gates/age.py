"""The signature is not older than the policy allows. Age counts from trusted time, never from what the release says."""

from __future__ import annotations

from model_provenance.domain.policy import Answer
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused
from model_provenance.policy.sections import Age

_DAY = 86_400
#: Clocks of honest machines differ by less.
_SKEW = 300


def decide(section: Age, case: Case) -> Answer:
    """From the earliest trusted time of signing until now."""
    signed = case.verified.signed_at
    if signed is None:
        fix = "Release with a timestamp or a log that promises a time."
        return cannot_decide("age", "nothing trusted says when it was signed", "an age needs a beginning", fix)
    age = case.now - signed
    if age < -_SKEW:
        fix = "Set the clock of this machine."
        return cannot_decide("age", f"signed {-age} seconds from now", "this machine's clock is behind", fix)
    if age > section.max:
        what, why = f"signed {age // _DAY} days ago", f"the policy allows {section.max // _DAY} days"
        return refused("age", section.effect, what, why, "Review and release the model again.")
    return passed("age", f"signed {max(age, 0) // _DAY} days ago")


GATE = Gate("age", "the release is not too old", lambda policy: policy.age, decide)
