"""From findings to a verdict: the one place that decides what a finding means for result and exit status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from model_provenance.domain.finding import Finding, Severity, Status, failed, undecided
from model_provenance.domain.result import Result
from model_provenance.errors import Exit, ModelProvenanceError, exit_status_of

#: When several things are wrong, the process ends with the first of these that occurs. A signature that does not hold
#: says most, because then everything else that was read is somebody's claim; a revocation outranks the content; "could
#: not decide" comes last, because whatever else was found is known for certain.
PRECEDENCE = (
    Exit.SIGNATURE,
    Exit.REVOKED,
    Exit.CONTENT,
    Exit.EVIDENCE_MISSING,
    Exit.POLICY,
    Exit.UNDECIDED,
)


def finding_of(error: ModelProvenanceError, *, location: str = "") -> Finding:
    """An error of one check as its finding: undecided where the error's exit status says so, failed otherwise."""
    make = undecided if error.exit_status is Exit.UNDECIDED else failed
    return make(error.code, error.message, remedy=error.remedy, location=error.location or location)


def blocked(why: str, *, location: str = "") -> Finding:
    """A check that could not be carried out because another failed: never silence, never a pass."""
    return Finding("verify.blocked", Severity.ERROR, Status.SKIPPED, why, "Resolve the other finding first.", location)


def unchecked(id: str, message: str) -> Finding:
    """Something that was not compared because nothing was given to compare it with; it is listed in `not_checked`."""
    return Finding(id, Severity.INFO, Status.SKIPPED, message)


def not_checked(findings: Iterable[Finding]) -> tuple[str, ...]:
    """What was left out on purpose, in words."""
    return tuple(f.message for f in findings if f.status is Status.SKIPPED and f.severity is not Severity.ERROR)


def verdict(findings: Sequence[Finding]) -> tuple[Result, Exit]:
    """Result and exit status: PASS only when there are findings and none of them is an error."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if findings and not errors:
        return Result.PASS, Exit.OK
    statuses = {exit_status_of(finding.id) for finding in errors}
    status = next((status for status in PRECEDENCE if status in statuses), Exit.UNDECIDED)
    failing = any(finding.status is Status.FAIL for finding in errors)
    return (Result.FAIL if failing and status is not Exit.UNDECIDED else Result.ERROR), status
