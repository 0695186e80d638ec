"""10 · Typed subjects: what a statement is about is compared with its own kind only (design, 4.4.6).

An OMS root is never compared with a file's digest, an archive's digest never with a manifest's: one number in two
places is not one thing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model_provenance.domain.evidence import Predicate, SubjectKind
from model_provenance.domain.finding import Finding, failed, passed
from model_provenance.domain.verification import Scope
from model_provenance.formats.intoto import ParsedStatement
from model_provenance.verify.case import RELEASE_PREDICATES, Case
from model_provenance.verify.outcome import blocked, finding_of
from model_provenance.verify.target import target_findings, typed_subjects


def check(case: Case) -> Sequence[Finding]:
    """The subjects of a release's statements, and that the OMS subject is the root of the files it lists."""
    if case.scope is Scope.BUNDLE:
        return target_findings(case)
    findings = []
    if case.oms.problem is not None:
        findings.append(finding_of(case.oms.problem, location="oms"))
    for predicate_type in RELEASE_PREDICATES:
        statement = case.statement(predicate_type)
        if statement is None or predicate_type == Predicate.OMS:
            continue
        findings += _typed(case, statement)
    if case.oms.value is None and case.oms.problem is None:
        findings.append(blocked("there is no one OMS statement whose root the others could name"))
    return findings or [passed("subjects", "each statement is about this model, by kind and digest")]


def _typed(case: Case, statement: ParsedStatement) -> Iterator[Finding]:
    name = statement.predicate_type
    found = typed_subjects(statement)
    if found is None:
        yield failed("subject.kind", "a subject has no known kind or is named twice", location=name)
        return
    roots, manifests, archives = (found[kind] for kind in SubjectKind)
    if len(roots) != 1 or bool(manifests) == bool(archives) or len(archives) > 1:
        yield failed(
            "subject.kind", "the subjects are not one model and either manifests or one archive", location=name
        )
    if case.oms.value is not None and roots != (case.oms.value.root,):
        yield failed("set.subjects", "the statement is about another model than the OMS statement", location=name)
