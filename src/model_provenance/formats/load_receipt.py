"""Load receipts: JSON lines in the shape of OpenTelemetry log records (opentelemetry.io/docs/specs/otel/logs/data-model).

`error.type` and `process.pid` are OpenTelemetry's own attributes; the others are ours.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone

from model_provenance.domain.holding import LoadReceipt, LoadResult
from model_provenance.domain.text import shown

EVENT = "model_provenance.load"
#: SeverityNumber and SeverityText of the log data model.
_SEVERITY = {
    LoadResult.PASS: (9, "INFO"),
    LoadResult.BYPASSED: (13, "WARN"),
    LoadResult.FAIL: (17, "ERROR"),
    LoadResult.ERROR: (17, "ERROR"),
}


def receipt_line(receipt: LoadReceipt) -> bytes:
    """One line of ASCII JSON; attributes that are not known are left out."""
    number, text = _SEVERITY[receipt.result]
    attributes = {
        "model_provenance.result": receipt.result.value,
        "model_provenance.target": receipt.target,
        "model_provenance.model.name": receipt.name,
        "model_provenance.model.version": receipt.version,
        "model_provenance.model.digest": None if receipt.model_digest is None else str(receipt.model_digest),
        "model_provenance.signer.subject": receipt.signer,
        "model_provenance.signer.issuer": receipt.issuer,
        "model_provenance.policy.name": receipt.policy,
        "model_provenance.policy.digest": receipt.policy_digest,
        "model_provenance.policy.decision": receipt.decision,
        "model_provenance.toctou": None if receipt.toctou is None else receipt.toctou.value,
        "model_provenance.cached": receipt.cached,
        "model_provenance.bypass.reason": receipt.bypass_reason,
        "error.type": receipt.error,
        "process.pid": receipt.process,
    }
    value = {
        "Timestamp": _time(receipt.time_ns),
        "SeverityNumber": number,
        "SeverityText": text,
        "EventName": EVENT,
        "Body": shown(f"{receipt.result.value} {receipt.target}", 500),
        "Attributes": {name: value for name, value in attributes.items() if value is not None},
    }
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _time(nanoseconds: int) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06}Z"
