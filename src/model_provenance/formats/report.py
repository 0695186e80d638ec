"""`verify --format json`: the answer of a verification as JSON values, also the input document for external policy."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.files import ModelFile
from model_provenance.domain.policy import Decision
from model_provenance.domain.verification import Report
from model_provenance.formats.receipt import finding_value, log_entry_value, signer_value

SCHEMA = "https://model-provenance.dev/schemas/verification/v1"


def report_value(report: Report) -> dict[str, Any]:
    """Everything that the report says; `result` is PASS only with exit status 0."""
    verified = report.verified
    return {
        "schema": SCHEMA,
        "result": report.result.value,
        "exit_status": report.exit_status,
        "scope": report.scope.value,
        "signer": None if report.signer is None else signer_value(report.signer),
        "predicate_types": list(report.predicate_types),
        "not_checked": list(report.not_checked),
        "model_name": None if verified is None else verified.manifest.get("model_name"),
        "version": None if verified is None else verified.manifest.get("version"),
        "model_digest": None if verified is None or verified.model_digest is None else str(verified.model_digest),
        "package_digest": None if verified is None or verified.package_digest is None else str(verified.package_digest),
        "reference": report.reference,
        "manifest": None if verified is None else dict(verified.manifest) or None,
        "provenance": None if verified is None else dict(verified.provenance) or None,
        "test_result": None if verified is None else dict(verified.test_result) or None,
        "files": None if verified is None else [file_value(file) for file in verified.files],
        "executable": None if verified is None or verified.executable is None else sorted(verified.executable),
        "time_evidence": [] if verified is None else sorted(verified.time_evidence),
        "signed_at": None if verified is None else verified.signed_at,
        "log_entries": [log_entry_value(entry) for entry in report.log_entries],
        "slsa_level": report.slsa_level,
        "slsa_reasons": list(report.slsa_reasons),
        "suggestion": report.suggestion,
        "decision": None if report.decision is None else decision_value(report.decision),
        "findings": [finding_value(finding) for finding in report.findings],
    }


def file_value(file: ModelFile) -> dict[str, Any]:
    """A file that was read and is as signed; `role` as the package sorts it."""
    return {"path": file.path, "size": file.size, "digest": str(file.digest), "role": file.role.value}


def decision_value(decision: Decision) -> dict[str, Any]:
    """The decision of a policy; `gates` has every gate, those that were skipped, too."""
    return {
        "result": decision.result.value,
        "policy": decision.policy,
        "policy_digest": decision.policy_digest,
        "decided_at": decision.decided_at,
        "gates": [
            {
                "gate": answer.gate,
                "verdict": answer.verdict.value,
                "what": answer.what,
                "why": answer.why,
                "fix": answer.fix,
            }
            for answer in decision.answers
        ],
    }
