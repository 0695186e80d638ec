"""Decide: every gate over one verified release. Takes `Verified` and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_provenance.domain.lineage import Lineage
from model_provenance.domain.policy import Answer, Decision, Verdict, Waiver
from model_provenance.domain.status import Status
from model_provenance.domain.summary import Summary
from model_provenance.domain.verification import Scope, Verified
from model_provenance.errors import ModelProvenanceError
from model_provenance.policy.document import Policy
from model_provenance.policy.gates import GATES
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide
from model_provenance.policy.outside import Outside
from model_provenance.policy.waiving import waived

#: Gates that can be asked about a model of which only a summary was verified.
_OF_SUMMARIES = ("integrity", "vsa")
_DEFECT = "Report it with the command."


def evaluate(
    verified: Verified,
    policy: Policy,
    *,
    now: int,
    waivers: Sequence[Waiver] = (),
    lineage: Lineage = (),
    summaries: Sequence[Summary] = (),
    resource: str | None = None,
    status: Status | ModelProvenanceError | None = None,
    outside: Outside | None = None,
) -> Decision:
    """The decision of `policy` over `verified` at `now` (Unix seconds); raises `TypeError` for anything but a `Verified`.

    The signatures of `waivers` and `summaries` have been verified; whether one of them counts is decided here. `lineage`
    is what was found out about the base models (`flows.lineage`), `resource` what a summary must call this model,
    `status` the status list or why it cannot be used, `outside` what rules in other languages are run with.
    """
    given: object = verified
    if not isinstance(given, Verified):
        msg = "a policy decides over what has been verified, and nothing else"
        raise TypeError(msg)
    case = Case(verified, policy, now, lineage, tuple(summaries), resource, status, outside)
    found = (answer for gate in GATES for answer in _answers(gate, case))
    answers = (*_valid(policy, now), *(waived(answer, case, waivers) for answer in found))
    return Decision(policy.name, policy.digest, now, answers)


def _valid(policy: Policy, now: int) -> tuple[Answer, ...]:
    """A policy that has expired is what nobody stands for any more: it neither allows nor denies."""
    if policy.expires is None or now < policy.expires:
        return ()
    fix = "Review the policy and give it a new `metadata.expires`."
    return (cannot_decide("policy", "the policy has expired", "nobody has confirmed it since", fix),)


def _answers(gate: Gate, case: Case) -> tuple[Answer, ...]:
    """The answers of one gate, at least one."""
    section = gate.section(case.policy)
    if section is None:
        return (Answer(gate.id, Verdict.SKIPPED, "the policy does not ask"),)
    if case.verified.scope is Scope.SUMMARY and gate.id not in _OF_SUMMARIES:
        what, fix = "only a summary of the model was verified", "Ask for it under `vsa.levels`, or give the evidence."
        return (cannot_decide(gate.id, what, "a summary does not say what this gate asks", fix),)
    found = _run(gate, section, case)
    if isinstance(found, Answer):
        return (found,)
    return found or (cannot_decide(gate.id, "the gate has no answer", "it found nothing to decide", _DEFECT),)


def _run(gate: Gate, section: Any, case: Case) -> Answer | tuple[Answer, ...]:
    """What the gate says. A defect of ours is never a pass."""
    try:
        return gate.run(section, case)
    except ModelProvenanceError as error:
        return cannot_decide(gate.id, error.message, "the gate could not be decided", error.remedy)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a gate, nothing has been decided
        what = f"the gate ended with {type(error).__name__}"
        return cannot_decide(gate.id, what, "this is a defect of model-provenance", _DEFECT)
