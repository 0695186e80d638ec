"""Verify one statement about a release by somebody else than who released it: who signed, and that it holds."""

from __future__ import annotations

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.finding import Severity
from model_provenance.domain.result import Result
from model_provenance.domain.verification import Expectation, SignerExpectation, Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.intoto import ParsedStatement
from model_provenance.verify.assemble import statement_case
from model_provenance.verify.checks import CHECKS
from model_provenance.verify.outcome import verdict

#: The checks of signature and signer; what the statement is about is for its own reader.
_CHECKS = ("signature", "certificate", "sct", "log", "timestamp", "signer", "event")


def verify_statement(
    bundle: bytes, predicate_type: str, signer: SignerExpectation, trust: Trust, *, code: str, older: bool = False
) -> tuple[ParsedStatement, SignerIdentity]:
    """The statement and its signer; raises `code` with the reason for anything that does not hold.

    With `older` the statement may be of in-toto version 0.1, as cosign still writes it, with the same fields.
    """
    case = statement_case(bundle, predicate_type, Expectation(signer), trust, older=older)
    if case.unreadable or len(case.evidence) != 1:
        why = case.unreadable[0].message if case.unreadable else f"it is no statement of the type {predicate_type}"
        raise ModelProvenanceError(code, why)
    findings = [finding for check in CHECKS if check.id in _CHECKS for finding in check.run(case)]
    result, _ = verdict(findings)
    statement, found = case.evidence[0].statement, case.evidence[0].signer
    if result is not Result.PASS or statement is None or found is None:
        errors = [finding.message for finding in findings if finding.severity is Severity.ERROR]
        raise ModelProvenanceError(code, errors[0] if errors else "it names no signer")
    return statement, found
