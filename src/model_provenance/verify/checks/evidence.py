"""1 · There is evidence, all of it can be read, and what is of another kind is said not to count."""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.finding import Finding, failed, passed, warned
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Scope
from model_provenance.verify.case import Case


def check(case: Case) -> Sequence[Finding]:
    """A bundle that cannot be read is a failure and never ignored: it may be the one that would have said no."""
    findings = list(case.unreadable)
    if not case.evidence and not case.unreadable:
        findings.append(_nothing(case))
    if case.scope is not Scope.BUNDLE:
        findings += [
            warned("evidence.foreign", f"not counted: {_kind(kind)}", location=name) for name, kind in case.foreign
        ]
    if case.evidence and not case.unreadable:
        findings.append(passed("evidence", f"{len(case.evidence)} statements read"))
    return findings


def _nothing(case: Case) -> Finding:
    if not case.foreign:
        return failed("evidence.missing", "there is no evidence at all")
    kinds = ", ".join(sorted({_kind(kind) for _, kind in case.foreign}))
    code = "bundle.predicate" if case.scope is Scope.BUNDLE else "evidence.missing"
    return failed(code, f"what there is does not speak for a release: {kinds}")


def _kind(predicate_type: str | None) -> str:
    if predicate_type is None:
        return "a signature over something that is not a statement"
    return f"a statement of type {shown(predicate_type)}"
