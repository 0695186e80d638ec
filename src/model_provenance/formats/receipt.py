"""`receipt.json` (schema `receipt/v1`): what one run did, for people and for later steps. Never evidence."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.evidence import LogEntry, SignerIdentity
from model_provenance.domain.finding import Finding
from model_provenance.domain.receipt import Receipt

NAME = "receipt.json"
SCHEMA = "https://model-provenance.dev/schemas/receipt/v1"


def receipt_value(receipt: Receipt) -> dict[str, Any]:
    """The receipt as JSON values. Times are milliseconds of wall time."""
    package = receipt.package
    bundles = {bundle.name: bundle for bundle in receipt.bundles}
    return {
        "schema": SCHEMA,
        "result": receipt.result.value,
        "name": receipt.name,
        "version": receipt.version,
        "layout": package.layout.value,
        "model_digest": str(package.model_digest),
        "files_digest": str(package.files_digest),
        "package_digest": str(package.package_digest),
        "manifest_digests": [str(digest) for digest in package.manifest_digests],
        "files": len(package.files),
        "bytes": package.total_bytes,
        "statements": [
            {
                "name": statement.name,
                "predicate_type": statement.predicate_type,
                "digest": str(statement.digest),
                "bundle": f"evidence/{statement.name}.sigstore.json" if statement.name in bundles else None,
            }
            for statement in receipt.statements
        ],
        "signer": None if receipt.signer is None else signer_value(receipt.signer),
        "log_entries": [
            {"statement": bundle.name, **log_entry_value(entry)}
            for bundle in receipt.bundles
            for entry in bundle.log_entries
        ],
        "slsa_level": receipt.slsa_level,
        "slsa_reasons": list(receipt.slsa_reasons),
        "sbom_engine": receipt.sbom_engine,
        "references": list(receipt.references),
        "findings": [finding_value(finding) for finding in receipt.findings],
        "timings": {step: round(seconds * 1000) for step, seconds in receipt.timings},
    }


def signer_value(signer: SignerIdentity) -> dict[str, Any]:
    """A signer as JSON values; extensions by their Fulcio number."""
    return {
        "method": signer.method,
        "subject": signer.subject,
        "issuer": signer.issuer,
        "extensions": {str(number): value for number, value in signer.extensions},
    }


def log_entry_value(entry: LogEntry) -> dict[str, Any]:
    """A log entry as JSON values; `integrated_time` in seconds since 1970."""
    return {
        "log_url": entry.log_url,
        "log_index": entry.log_index,
        "kind": entry.kind,
        "integrated_time": entry.integrated_time,
        "entry_url": entry.entry_url,
    }


def finding_value(finding: Finding) -> dict[str, Any]:
    """A finding as JSON values."""
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "status": finding.status.value,
        "message": finding.message,
        "remedy": finding.remedy,
        "location": finding.location,
    }
