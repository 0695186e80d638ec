"""15 · The package is the signed one: the archive, or the model index with every manifest that it lists."""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.evidence import Predicate, SubjectKind
from model_provenance.domain.finding import Finding, failed, passed
from model_provenance.domain.verification import Observed, Scope, TargetKind
from model_provenance.verify.case import Case
from model_provenance.verify.outcome import blocked, unchecked
from model_provenance.verify.target import typed_subjects


def check(case: Case) -> Sequence[Finding]:
    """The observed package against the subjects of its kind."""
    observed = case.observed
    if case.scope is Scope.EVIDENCE:
        return [unchecked("package", "package: only evidence about a digest was looked at")]
    # Without files the package is all that can be compared, so then it must be.
    whole = case.scope is not Scope.REMOTE and (
        observed is None or observed.kind in (TargetKind.DIRECTORY, TargetKind.FILE)
    )
    if whole and (observed is None or observed.package_digest is None):
        return [unchecked("package", "package digest: the target is the files themselves, not the package")]
    if observed is None or observed.package_digest is None:
        return [blocked("the package could not be read, so its digest is not known")]
    statement, manifest = case.statement(Predicate.MANIFEST), case.manifest.value
    typed = typed_subjects(statement) if statement is not None else None
    if typed is None or manifest is None:
        return [blocked("there is no signed manifest that says what the package is")]
    kind = _kind(observed, archive=manifest.layout.is_archive)
    if observed.package_digest not in typed[kind] or observed.package_digest != manifest.package_digest:
        return [failed("package.digest", f"{observed.package_digest} is not the signed {kind.value}")]
    listed = {observed.package_digest, *observed.manifest_digests}
    if observed.kind is TargetKind.OCI_LAYOUT and listed != set(typed[kind]):
        # A manifest that was added to the index would be run or pulled without ever having been signed.
        return [failed("package.digest", "the model index does not list exactly the signed manifests")]
    return [passed("package", f"{observed.package_digest}, as the manifest says")]


def _kind(observed: Observed, *, archive: bool) -> SubjectKind:
    """What the target is decides; for files on disk, whose package was computed, what was released."""
    if observed.kind is TargetKind.ARCHIVE:
        return SubjectKind.ARCHIVE
    if observed.kind is TargetKind.OCI_LAYOUT:
        return SubjectKind.OCI_MANIFEST
    return SubjectKind.ARCHIVE if archive else SubjectKind.OCI_MANIFEST
