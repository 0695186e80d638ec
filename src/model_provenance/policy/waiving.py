"""Waivers over the answers of gates: only a FAIL, only this model, only by an approver, only until its day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from model_provenance.domain.policy import Answer, Verdict, Waiver
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Scope
from model_provenance.policy.gates.gate import Case
from model_provenance.policy.signers import matching

#: That the content is the signed one and who signed it is nobody's to waive; what is revoked is reinstated by who revoked it.
NEVER = ("integrity", "signer", "revocation")


def waived(answer: Answer, case: Case, waivers: Sequence[Waiver]) -> Answer:
    """The answer, WAIVED by as many approvers as the policy asks for; a FAIL that is not says why."""
    if answer.verdict is not Verdict.FAIL:
        return answer
    by: dict[tuple[str, str | None], Waiver] = {}
    reasons = []
    for waiver in (waiver for waiver in waivers if waiver.gate == answer.gate):
        objections = list(_objections(waiver, case))
        if objections or waiver.signer is None:
            reasons += objections[:1]
        else:
            # Two waivers of one approver are one approval.
            by.setdefault((waiver.signer.subject, waiver.signer.issuer), waiver)
    needed = case.policy.approvals or 1
    if len(by) >= needed:
        return Answer(
            answer.gate, Verdict.WAIVED, answer.what, shown("; ".join(map(_words, by.values())), 1000), answer.fix
        )
    if by:
        reasons.append(f"waived by {len(by)} approver, and the policy asks for {needed} different ones")
    return replace(answer, why="; ".join([answer.why, *reasons]))


def _words(waiver: Waiver) -> str:
    return f"{waiver.reason} ({waiver.ticket}), accepted by {waiver.approver} until {waiver.expiry}"


def _objections(waiver: Waiver, case: Case) -> Iterator[str]:
    release, signer = case.verified.signer, waiver.signer
    if waiver.gate in NEVER:
        yield "this gate cannot be waived"
    if case.verified.scope is Scope.SUMMARY:
        yield "no evidence was verified, only a summary that does not count"
    if waiver.digest != case.verified.model_digest:
        yield f"the waiver is for another model, {waiver.digest}"
    if signer is None or matching(case.policy.approvers or frozenset(), signer) is None:
        yield "the waiver is not signed by an approver of the policy"
    elif (signer.subject, signer.issuer) == (release.subject, release.issuer):
        yield "the waiver is signed by who released the model"
    if case.now >= waiver.ends:
        yield f"the waiver expired on {waiver.expiry}"
