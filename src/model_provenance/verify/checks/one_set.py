"""9 · One release is one set: the provenance names every other statement, and exactly those are there (design, 4.4.5).

Evidence of two releases of one signer is each good by itself: an SBOM of the last version beside the provenance of this
one would pass every check of its own. Statements belong together because the provenance says so, by type and digest of
the signed bytes, and because they are about the same things and were signed by one signer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import REQUIRED_PREDICATES, Predicate
from model_provenance.domain.finding import Finding, failed, passed
from model_provenance.domain.text import shown
from model_provenance.verify.case import Case
from model_provenance.verify.outcome import blocked, finding_of


def check(case: Case) -> Sequence[Finding]:
    """Completeness, membership, one signer, equal subjects."""
    findings = [*_required(case), *_membership(case), *_one_signer(case), *_equal_subjects(case)]
    return findings or [passed("set", f"{len(case.evidence)} statements of one run, by one signer, about one model")]


def _required(case: Case) -> Iterator[Finding]:
    types = Counter(e.statement.predicate_type for e in case.evidence if e.statement is not None)
    for predicate_type in REQUIRED_PREDICATES:
        if not types[predicate_type]:
            yield failed("evidence.missing", f"there is no statement of type {predicate_type}")
    for predicate_type, count in types.items():
        if count > 1:
            # Which of them counts would be whoever arranged the folder's choice.
            names = [e.name for e in case.all_of(predicate_type)]
            yield failed(
                "set.duplicate", f"{count} statements of type {predicate_type}: {', '.join(shown(n) for n in names)}"
            )


def _membership(case: Case) -> Iterator[Finding]:
    if case.provenance.problem is not None:
        yield finding_of(case.provenance.problem, location="provenance")
        return
    if case.provenance.value is None:
        yield blocked("there is no one provenance that names the statements of the release")
        return
    named = Counter((b.predicate_type, b.digest) for b in case.provenance.value.byproducts)
    here = {
        (e.statement.predicate_type, Digest.of(e.statement.payload)): e.name
        for e in case.evidence
        if e.statement is not None and e.statement.predicate_type != Predicate.PROVENANCE
    }
    for entry, count in named.items():
        if count > 1:
            yield failed("set.duplicate", f"the provenance names a statement of type {shown(entry[0])} twice")
        if entry not in here:
            what = f"the statement of type {shown(entry[0])} that the provenance names is missing ({entry[1]})"
            yield failed("evidence.missing", what)
    for entry, name in here.items():
        if entry not in named:
            yield failed("set.unnamed", "the provenance does not name this statement", location=name)


def _one_signer(case: Case) -> Iterator[Finding]:
    """One certificate a run, so the same claims everywhere, the run itself included."""
    signers = {evidence.signer for evidence in case.evidence}
    if len(signers) > 1:
        subjects = sorted({"nobody" if s is None else shown(s.subject, 100) for s in signers})
        yield failed("set.signer", f"{len(signers)} signers or runs: {', '.join(subjects)}")


def _equal_subjects(case: Case) -> Iterator[Finding]:
    """All statements but the OMS one list the same subjects; that one is compared in check 10."""
    lists = {
        tuple((name, tuple(sorted(digests.items()))) for name, digests in e.statement.subjects)
        for e in case.evidence
        if e.statement is not None and e.statement.predicate_type != Predicate.OMS
    }
    if len(lists) > 1:
        yield failed("set.subjects", "the statements do not have the same subjects")
