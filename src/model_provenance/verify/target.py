"""Is a target what a statement is about? The statement decides how they are compared, never the target alone."""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import SubjectKind
from model_provenance.domain.finding import Finding, failed, passed, undecided
from model_provenance.domain.verification import TargetKind
from model_provenance.formats.intoto import ParsedStatement
from model_provenance.formats.oms import model_digest
from model_provenance.verify.case import Case
from model_provenance.verify.outcome import blocked, finding_of

_KINDS = {kind.value: kind for kind in SubjectKind}


def target_findings(case: Case) -> Sequence[Finding]:
    """What one bundle alone is about, compared with the target."""
    if not case.evidence:
        return [blocked("there is no statement whose subject could be compared")]
    statement = case.evidence[0].statement
    read = case.observed.findings if case.observed is not None else ()
    if statement is None:
        return [*read, passed("subjects", "the signature is over the file itself")]
    if case.oms.problem is not None:
        return [finding_of(case.oms.problem)]
    if case.oms.value is not None:
        # The files themselves are compared in check 14; a digest can only be that of the model.
        if case.target is not None and case.target != case.oms.value.root:
            return [failed("subject.mismatch", f"the signed model is {case.oms.value.root}, not {case.target}")]
        return [passed("subjects", f"the model {case.oms.value.root}")]
    return [*read, _compared(case, statement)]


def _compared(case: Case, statement: ParsedStatement) -> Finding:
    typed = typed_subjects(statement)
    if typed is None and any(name in _KINDS for name, _ in statement.subjects):
        return failed("subject.kind", "a subject has no known kind or is named twice")
    wanted, kind = _target(case, typed=typed is not None)
    if wanted is None:
        return undecided("bundle.target", "this kind of target cannot be compared with the statement's subjects")
    if typed is None:
        kind = None
        known = {digests["sha256"] for _, digests in statement.subjects if "sha256" in digests}
    else:
        kinds = SubjectKind if kind is None else (kind,)
        known = {digest.hex for each in kinds for digest in typed[each]}
    if wanted.hex not in known:
        what = "subject" if kind is None else f"subject of kind {kind.value}"
        return failed("subject.mismatch", f"{wanted} is no {what} of the statement")
    return passed("subjects", f"the statement is about {wanted}")


def _target(case: Case, *, typed: bool) -> tuple[Digest | None, SubjectKind | None]:
    """The target's digest, and the kind of subject that it may equal (None: whatever the caller named it for)."""
    observed = case.observed
    if case.target is not None:
        return case.target, None
    if observed is None:
        return None, None
    if observed.kind is TargetKind.ARCHIVE:
        return observed.package_digest, SubjectKind.ARCHIVE
    if observed.kind is TargetKind.OCI_LAYOUT:
        return observed.package_digest, SubjectKind.OCI_MANIFEST
    if not observed.files:
        return None, None
    if typed:
        return model_digest(observed.files), SubjectKind.OMS_ROOT
    # A digest of files together is no digest of a file: a directory has none that a foreign statement could name.
    return (observed.files[0].digest if observed.kind is TargetKind.FILE else None), None


def typed_subjects(statement: ParsedStatement) -> dict[SubjectKind, tuple[Digest, ...]] | None:
    """The subjects by kind; None where one has no kind, another digest than SHA-256, or stands there twice."""
    found: dict[SubjectKind, list[Digest]] = {kind: [] for kind in SubjectKind}
    for name, digests in statement.subjects:
        kind = _KINDS.get(name or "")
        if kind is None or set(digests) != {"sha256"}:
            return None
        try:
            digest = Digest(digests["sha256"])
        except ValueError:
            return None
        if digest in found[kind]:
            return None
        found[kind].append(digest)
    return {kind: tuple(digests) for kind, digests in found.items()}
