"""12 · The signed manifest is valid and about these files; a copy beside the evidence says the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, SubjectKind
from model_provenance.domain.finding import Finding, failed, passed
from model_provenance.domain.manifest import ReleasedManifest
from model_provenance.formats.canonical import canonical
from model_provenance.formats.oms_content import SignedFiles
from model_provenance.verify.case import Case
from model_provenance.verify.checks.files import same_files
from model_provenance.verify.outcome import blocked, finding_of
from model_provenance.verify.target import typed_subjects

FILE_NAME = "model-manifest.json"


def check(case: Case) -> Sequence[Finding]:
    """Schema and semantic rules, digests and counts against OMS, the document that people open."""
    if case.manifest.problem is not None:
        return [finding_of(case.manifest.problem, location=FILE_NAME)]
    manifest = case.manifest.value
    if manifest is None:
        return [blocked("there is no one signed manifest")]
    findings = [*_against_files(case, manifest), *_against_subjects(case, manifest)]
    if case.documents.get(FILE_NAME, manifest.data) != manifest.data:
        findings.append(
            failed("evidence.differs", "the manifest beside the evidence is not the signed one", location=FILE_NAME)
        )
    return findings or [passed("manifest", f"{manifest.model_name} {manifest.version}, valid, about these files")]


def names_digest(signed: SignedFiles) -> Digest:
    """SHA-256 of RFC 8785 `[[name, hex SHA-256], …]` in order of names: the digest that binds names to contents."""
    return Digest.of(canonical([[name, digest.hex] for name, digest in sorted(signed.files)]))


def _against_files(case: Case, manifest: ReleasedManifest) -> Iterator[Finding]:
    signed = case.oms.value
    if signed is None:
        yield blocked("there is no one list of files that the manifest could be compared with")
        return
    said = manifest.value
    pairs = [
        ("model_digest", str(manifest.model_digest), str(signed.root)),
        ("files_digest", str(manifest.files_digest), str(names_digest(signed))),
        ("file_count", said["file_count"], len(signed.files)),
    ]
    if case.observed is not None and same_files(case.observed, signed):
        # Where a file differs, check 14 names it; its size in the sum would only say so again.
        pairs.append(("total_bytes", said["total_bytes"], sum(file.size for file in case.observed.files)))
    for field, claimed, true in pairs:
        if claimed != true:
            yield failed("manifest.disagrees", f"`{field}` is {claimed}, the files give {true}", location=FILE_NAME)


def _against_subjects(case: Case, manifest: ReleasedManifest) -> Iterator[Finding]:
    statement = case.statement(Predicate.MANIFEST)
    typed = typed_subjects(statement) if statement is not None else None
    if typed is None:
        yield blocked("the manifest's subjects are not known by kind")
        return
    kind = SubjectKind.ARCHIVE if manifest.layout.is_archive else SubjectKind.OCI_MANIFEST
    if manifest.package_digest not in typed[kind]:
        yield failed(
            "manifest.disagrees", f"`artifact_sha256` is not a subject of kind {kind.value}", location=FILE_NAME
        )
