"""What a gate is: a section of the policy, and a function from verified evidence to an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from model_provenance.domain.lineage import Lineage
from model_provenance.domain.policy import Answer, Verdict
from model_provenance.domain.status import Status
from model_provenance.domain.summary import Summary
from model_provenance.domain.verification import Verified
from model_provenance.errors import ModelProvenanceError
from model_provenance.policy.document import Policy
from model_provenance.policy.outside import Outside


@dataclass(frozen=True, slots=True)
class Case:
    """What every gate may look at. `now` is Unix seconds, given: a gate has no clock."""

    verified: Verified
    policy: Policy
    now: int
    #: Base models, theirs, and so on, as far as evidence for them was given.
    lineage: Lineage = ()
    #: Verification summaries that were given, each with a verified signature.
    summaries: tuple[Summary, ...] = ()
    #: The `resourceUri` that a summary of this model must carry.
    resource: str | None = None
    #: The status list, or why it cannot be used; None where none was given.
    status: Status | ModelProvenanceError | None = None
    #: What rules in other languages are run with; None where nobody gave it.
    outside: Outside | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """`section` gives what the policy says to this gate; where that is None, the gate is skipped."""

    id: str
    title: str
    section: Callable[[Policy], Any]
    #: One answer, or one for each part of the section that can be judged by itself (`GATE/PART`).
    run: Callable[[Any, Case], Answer | tuple[Answer, ...]]


def passed(gate: str, what: str) -> Answer:
    """The gate is satisfied."""
    return Answer(gate, Verdict.PASS, what)


def refused(gate: str, effect: str, what: str, why: str, fix: str) -> Answer:
    """The gate is not satisfied; with the effect `warn` that is only shown."""
    return Answer(gate, Verdict.WARN if effect == "warn" else Verdict.FAIL, what, why, fix)


def cannot_decide(gate: str, what: str, why: str, fix: str) -> Answer:
    """The gate could not be decided: with any effect, never a pass."""
    return Answer(gate, Verdict.ERROR, what, why, fix)


def seen_by_rules(case: Case) -> Outside:
    """What rules look at, which must be the very verification that is decided about."""
    outside = case.outside
    if outside is None or outside.report.verified is not case.verified:
        raise ModelProvenanceError("policy.undecided", "nobody gave the rules the verification to look at")
    return outside
