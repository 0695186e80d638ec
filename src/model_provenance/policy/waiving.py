"""Waivers over the answers of gates: only a FAIL, only this model, only by an approver, only until its day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from model_provenance.domain.policy import Answer, Verdict, Waiver
from model_provenance.domain.text import shown
from model_provenance.policy.gates.gate import Case
from model_provenance.policy.gates.signer import matching

#: That the content is the signed one and who signed it is nobody's to waive: nothing else would mean anything.
_NEVER = ("integrity", "signer")


def waived(answer: Answer, case: Case, waivers: Sequence[Waiver]) -> Answer:
    """The answer, WAIVED by the first waiver that counts; a FAIL that none waives says why they do not."""
    if answer.verdict is not Verdict.FAIL:
        return answer
    reasons = []
    for waiver in (waiver for waiver in waivers if waiver.gate == answer.gate):
        objections = list(_objections(waiver, case))
        if not objections:
            why = f"{waiver.reason} ({waiver.ticket}), accepted by {waiver.approver} until {waiver.expiry}"
            return Answer(answer.gate, Verdict.WAIVED, answer.what, shown(why, 1000), answer.fix)
        reasons.append(objections[0])
    return replace(answer, why="; ".join([answer.why, *reasons]))


def _objections(waiver: Waiver, case: Case) -> Iterator[str]:
    release, signer = case.verified.signer, waiver.signer
    if waiver.gate in _NEVER:
        yield "this gate cannot be waived"
    if waiver.digest != case.verified.model_digest:
        yield f"the waiver is for another model, {waiver.digest}"
    if signer is None or matching(case.policy.approvers or frozenset(), signer) is None:
        yield "the waiver is not signed by an approver of the policy"
    elif (signer.subject, signer.issuer) == (release.subject, release.issuer):
        yield "the waiver is signed by who released the model"
    if case.now >= waiver.ends:
        yield f"the waiver expired on {waiver.expiry}"
