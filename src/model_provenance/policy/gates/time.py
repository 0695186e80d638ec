"""Somebody trusted says when it was signed: a transparency log, a timestamp authority, either or both.

Either is enough where the policy does not say otherwise: private repositories have timestamps and no public log.
"""

from __future__ import annotations

from model_provenance.domain.policy import Answer
from model_provenance.policy.gates.gate import Case, Gate, passed, refused
from model_provenance.policy.sections import Time


def decide(section: Time, case: Case) -> Answer:
    """Evidence of time that every statement has."""
    found = case.verified.time_evidence
    good = section.of <= found if section.require_all else bool(section.of & found)
    if good:
        return passed("time", f"shown by {' and '.join(sorted(section.of & found))}")
    words = " and " if section.require_all else " or "
    return refused(
        "time",
        section.effect,
        f"shown by {' and '.join(sorted(found)) or 'nothing'}",
        f"the policy asks for {words.join(sorted(section.of))} for every statement",
        "Release with a Sigstore that has a log or a timestamp authority.",
    )


GATE = Gate("time", "the time of signing is shown", lambda policy: policy.time, decide)
