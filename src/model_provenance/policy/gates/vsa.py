"""Verifiers whom the policy names have verified this very model, under this very name and policy, and say PASSED.

A summary counts only as SLSA has it: signer and `verifier.id` together, subject by its digest, `resourceUri`, result,
levels. Who released the model is no verifier of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from model_provenance.domain.evidence import SubjectKind
from model_provenance.domain.policy import Answer
from model_provenance.domain.status import Affected, Status
from model_provenance.domain.summary import PASSED, Summary
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Scope
from model_provenance.formats.vsa import build_level
from model_provenance.policy.gates.gate import Case, Gate, passed, refused
from model_provenance.policy.signers import matching
from model_provenance.policy.vouching import Vsa

_DAY = 86_400
#: Clocks of honest machines differ by less.
_SKEW = 300
_SHOWN = 3
_KINDS = {kind.value: kind for kind in SubjectKind}
_FIX = "Have a verifier of the policy verify this release (`verify --vsa FILE`), and give the file with --accept-vsa."


def decide(section: Vsa, case: Case) -> Answer:
    """The summaries that were given, one by one; then how many verifiers they are by."""
    objections, by = [], set()
    for summary in _selected(section, case):
        objection = next(_objections(section, summary, case), None)
        if objection is not None:
            objections.append(objection)
        elif summary.signer is not None:
            by.add((summary.signer.subject, summary.signer.issuer))
    if len(by) >= section.needed:
        return passed("vsa", f"verified by {len(by)} of {len(section.verifiers)} verifiers")
    what = "; ".join(dict.fromkeys(objections[:_SHOWN])) if objections else "no summary of this model was given"
    why = f"{len(by)} verifiers say PASSED, and the policy asks for {section.needed}"
    # Without evidence a summary is all that there is: to let one through that does not count would be to check nothing.
    effect = "deny" if case.verified.scope is Scope.SUMMARY else section.effect
    return refused("vsa", effect, what, why, _FIX)


def _selected(section: Vsa, case: Case) -> list[Summary]:
    """With `newest`, of each verifier only the last word about this model; of one moment, the worse."""
    ordered = sorted(case.summaries, key=lambda summary: (summary.verified_at or 0, summary.result != PASSED))
    if section.select != "newest":
        return ordered
    last: dict[object, Summary] = {}
    for summary in ordered:
        signer = summary.signer
        about = signer is not None and _is_about(summary, case)
        last[(signer.subject, signer.issuer) if signer is not None and about else id(summary)] = summary
    return list(last.values())


def _objections(section: Vsa, summary: Summary, case: Case) -> Iterator[str]:
    signer = summary.signer
    if signer is None or not any(
        verifier.id == summary.verifier_id and matching((verifier.signer,), signer) for verifier in section.verifiers
    ):
        yield f"`{shown(summary.verifier_id, 120)}` with this signer is no verifier of the policy"
        return
    if (signer.subject, signer.issuer) in (summary.released_by, _releaser(case)):
        yield "the summary is signed by who released the model"
    if _is_revoked(summary, case):
        yield "the summary is revoked"
    if not _is_about(summary, case):
        yield "the summary is about another model"
    if case.resource is None or summary.resource_uri != case.resource:
        yield f"the summary is about `{shown(summary.resource_uri, 200)}`, not `{shown(case.resource or '?', 200)}`"
    if summary.result != PASSED:
        yield "the verifier says FAILED"
    if section.policy_digests is not None and summary.policy_digest not in section.policy_digests:
        yield f"it was verified under another policy, {shown(summary.policy_digest or 'not named', 80)}"
    missing = sorted(level for level in section.levels or () if not _has(level, summary.levels))
    if missing:
        yield f"the summary does not say {', '.join(shown(level, 60) for level in missing[:_SHOWN])}"
    yield from _aged(section, summary, case.now)


def _is_revoked(summary: Summary, case: Case) -> bool:
    """By a status list, where the policy asks for one; that it is there and fresh is for the gate `revocation`."""
    if not isinstance(case.status, Status):
        return False
    # The bytes of a bundle can be written in another way; what it signs cannot.
    known = [digest for digest in (summary.digest, summary.statement) if digest is not None]
    entries = [case.status.about(Affected.ATTESTATION, digest) for digest in known]
    return any(entry is not None and entry.denies for entry in entries)


def _aged(section: Vsa, summary: Summary, now: int) -> Iterator[str]:
    if summary.verified_at is not None and summary.verified_at > now + _SKEW:
        yield "the summary is from the future"
    elif section.max_age is not None and summary.verified_at is None:
        yield "the summary does not say when it was made"
    elif (
        section.max_age is not None and summary.verified_at is not None and now - summary.verified_at > section.max_age
    ):
        yield f"the summary is {(now - summary.verified_at) // _DAY} days old"


def _is_about(summary: Summary, case: Case) -> bool:
    """By digest and kind. A name that is none of ours is that of a package: nobody else knows roots of models."""
    ours = {(subject.kind, subject.digest) for subject in case.verified.subjects}
    packages = {digest for kind, digest in ours if kind is not SubjectKind.OMS_ROOT}
    return any(
        (_KINDS[name], digest) in ours if name in _KINDS else digest in packages for name, digest in summary.subjects
    )


def _releaser(case: Case) -> tuple[str, str | None] | None:
    """Who released the model; nobody knows where only a summary was verified."""
    signer = case.verified.signer
    return None if case.verified.scope is Scope.SUMMARY else (signer.subject, signer.issuer)


def _has(level: str, levels: frozenset[str]) -> bool:
    """A level implies those below it (SLSA); every other word is compared whole."""
    wanted, found = build_level(frozenset((level,))), build_level(levels)
    return level in levels if wanted is None else found is not None and found >= wanted


GATE = Gate("vsa", "verifiers of the policy have verified it", lambda policy: policy.vsa, decide)
