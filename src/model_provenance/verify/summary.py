"""Verify files by what somebody else has verified: the digests of a summary, and nothing that it concludes.

Whether the verifier counts, and what his summary says, is for the policy. Here is only compared whether these are the files:
the model's root, and with it the digest that binds names to contents, which the root does not cover (design, 4.4.6).
"""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, Subject, SubjectKind
from model_provenance.domain.finding import Finding, Severity, failed, passed, undecided
from model_provenance.domain.result import Result
from model_provenance.domain.summary import Summary
from model_provenance.domain.verification import SEAL, Observed, Report, Scope, Verified
from model_provenance.formats.oms import files_digest, model_digest
from model_provenance.verify.outcome import not_checked, unchecked, verdict

_ROOT = SubjectKind.OMS_ROOT.value


def verify_summary(summaries: Sequence[Summary], observed: Observed, digest: Digest | None) -> Report:
    """The verdict over files by summaries whose signatures hold; `digest` is what the caller expects of the model."""
    summary, findings = _compared(summaries, observed)
    if digest is not None and observed.files and digest != model_digest(observed.files):
        findings.append(failed("expect.digest", f"{digest} is not the digest of these files"))
    result, status = verdict(findings)
    verified = _verified(summary, observed) if summary is not None and result is Result.PASS else None
    return Report(
        result=result,
        exit_status=int(status),
        scope=Scope.SUMMARY,
        findings=tuple(findings),
        signer=None if summary is None else summary.signer,
        predicate_types=(Predicate.VSA,),
        not_checked=not_checked(findings),
        log_entries=(),
        slsa_level=None,
        slsa_reasons=(),
        verified=verified,
    )


def _compared(summaries: Sequence[Summary], observed: Observed) -> tuple[Summary | None, list[Finding]]:
    findings = list(observed.findings)
    if not observed.files:
        return None, [*findings, undecided("files.none", "no file of the model was read")]
    root, names = model_digest(observed.files), files_digest(observed.files)
    named = [summary for summary in summaries if (_ROOT, root) in summary.subjects and summary.files_digest == names]
    if not named:
        what = f"no summary names these files: the model {root} with the names {names}"
        return None, [*findings, failed("summary.differs", what)]
    findings.append(passed("files", f"{len(observed.files)} files, all as the summary names them"))
    findings.append(unchecked("summary", "evidence: another verifier has looked at it, and his summary is relied on"))
    return named[0], findings


def _verified(summary: Summary, observed: Observed) -> Verified | None:
    if summary.signer is None or any(finding.severity is Severity.ERROR for finding in observed.findings):
        return None
    root = model_digest(observed.files)
    return Verified(
        seal=SEAL,
        scope=Scope.SUMMARY,
        signer=summary.signer,
        predicate_types=(Predicate.VSA,),
        model_digest=root,
        package_digest=None,
        files=observed.files,
        manifest={},
        provenance={},
        log_entries=(),
        signed_at=None,
        subjects=(Subject(SubjectKind.OMS_ROOT, root),),
        attestations=() if summary.digest is None else (("vsa", summary.digest),),
        statements=() if summary.statement is None else (("vsa", summary.statement),),
    )
