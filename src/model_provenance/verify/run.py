"""Carry out the checks over one case: all of them, in order, each with an answer."""

from __future__ import annotations

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, Subject
from model_provenance.domain.files import ModelFile
from model_provenance.domain.finding import Finding, Status, undecided
from model_provenance.domain.result import Result
from model_provenance.domain.verification import SEAL, Report, Scope, Verified
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.slsa_level import slsa_level
from model_provenance.verify.case import Case
from model_provenance.verify.checks import CHECKS, Check
from model_provenance.verify.checks.files import listed_names
from model_provenance.verify.checks.sbom import executable_files
from model_provenance.verify.outcome import finding_of, not_checked, verdict
from model_provenance.verify.suggest import suggested
from model_provenance.verify.target import typed_subjects


def report_of(case: Case) -> Report:
    """The report of one verification; a `Verified` is in it exactly when every check held."""
    alone = case.scope is Scope.BUNDLE
    findings = tuple(finding for check in CHECKS if check.alone or not alone for finding in _answer(check, case))
    left_out = tuple(check.title for check in CHECKS if alone and not check.alone)
    result, status = verdict(findings)
    level, reasons = _level(case) if result is Result.PASS else (None, ())
    verified = _verified(case, findings, level) if result is Result.PASS else None
    return Report(
        result=result,
        exit_status=int(status),
        scope=case.scope,
        findings=findings,
        signer=case.signer,
        predicate_types=_predicate_types(case),
        not_checked=not_checked(findings) + left_out,
        log_entries=tuple(entry for evidence in case.evidence for entry in evidence.log_entries),
        slsa_level=level,
        slsa_reasons=reasons,
        verified=verified,
        suggestion=suggested(case.signer) if case.signer is not None else None,
    )


def _answer(check: Check, case: Case) -> tuple[Finding, ...]:
    """The findings of one check. A defect of ours, or a check that says nothing, is never a pass."""
    try:
        findings = tuple(check.run(case))
    except ModelProvenanceError as error:
        return (finding_of(error),)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a check, the target is not verified
        return (undecided("verify.crashed", f"check {check.number} ({check.id}) ended with {type(error).__name__}"),)
    if not findings:
        return (undecided("verify.crashed", f"check {check.number} ({check.id}) gave no answer"),)
    return findings


def _verified(case: Case, findings: tuple[Finding, ...], level: int | None) -> Verified:
    """The one place where a `Verified` is made: after every check, from what they looked at, and from nothing else."""
    signer = case.signer
    if signer is None or not case.evidence:
        raise ModelProvenanceError("internal.error", "a verification passed without a signer")
    held = {finding.id for finding in findings if finding.status is Status.PASS}
    alone = case.scope is Scope.BUNDLE
    observed, provenance = case.observed, case.statement(Predicate.PROVENANCE)
    tested = None if alone else case.statement(Predicate.TEST_RESULT)
    # One bundle alone is not a release: its manifest or provenance has not been compared with the others.
    manifest = None if alone else case.manifest.value
    moments = [moment for evidence in case.evidence for moment in evidence.moments]
    return Verified(
        seal=SEAL,
        scope=case.scope,
        signer=signer,
        predicate_types=_predicate_types(case),
        model_digest=case.oms.value.root if case.oms.value is not None else None,
        package_digest=observed.package_digest if observed is not None and "package" in held else None,
        files=_verified_files(case) if "files" in held else (),
        manifest=manifest.value if manifest is not None else {},
        provenance=provenance.predicate if provenance is not None and manifest is not None else {},
        log_entries=tuple(entry for evidence in case.evidence for entry in evidence.log_entries),
        signed_at=int(min(moments).timestamp()) if moments else None,
        slsa_level=level,
        time_evidence=_time_evidence(case),
        executable=None if alone else executable_files(case),
        subjects=() if alone else _subjects(case),
        attestations=tuple((evidence.name, evidence.digest) for evidence in case.evidence),
        statements=tuple((e.name, Digest.of(e.statement.payload)) for e in case.evidence if e.statement is not None),
        test_result=tested.predicate if tested is not None else {},
    )


def _subjects(case: Case) -> tuple[Subject, ...]:
    """Of the signed manifest; check 10 has compared them with those of every other statement."""
    statement = case.statement(Predicate.MANIFEST)
    typed = typed_subjects(statement) if statement is not None else None
    return tuple(Subject(kind, digest) for kind, digests in (typed or {}).items() for digest in digests)


def _time_evidence(case: Case) -> frozenset[str]:
    """Kinds of evidence of time that every bundle has; one that has none could have been signed at any time."""
    kinds = {
        "rekor": all(evidence.log_entries for evidence in case.evidence),
        "tsa": all(evidence.bundle.timestamps for evidence in case.evidence),
    }
    return frozenset(kind for kind, everywhere in kinds.items() if everywhere)


def _verified_files(case: Case) -> tuple[ModelFile, ...]:
    """The observed files that the signed list names: others may have been tolerated, and were not verified."""
    if case.observed is None or case.oms.value is None:
        return ()
    listed = listed_names(case.observed, case.oms.value)
    return tuple(file for file in case.observed.files if file.path in listed)


def _level(case: Case) -> tuple[int | None, tuple[str, ...]]:
    if case.signer is None or case.scope is Scope.BUNDLE:
        return None, ()
    return slsa_level(case.signer, has_provenance=case.provenance.value is not None)


def _predicate_types(case: Case) -> tuple[str, ...]:
    return tuple(dict.fromkeys(e.statement.predicate_type for e in case.evidence if e.statement is not None))
