"""6 · Something trusted says when each signature was made; every signed timestamp that is there holds (RFC 3161)."""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.finding import Finding
from model_provenance.domain.verification import OWN_KEYS
from model_provenance.verify.case import Case
from model_provenance.verify.checks.part import part_findings
from model_provenance.verify.examine import Part
from model_provenance.verify.outcome import unchecked


def check(case: Case) -> Sequence[Finding]:
    """Signed timestamps, and that a keyless signature has a trusted time at all."""
    keyed = isinstance(case.expectation.signer, OWN_KEYS)
    if keyed and case.evidence and not any(evidence.bundle.timestamps for evidence in case.evidence):
        return [unchecked("timestamp", "time of signing: signed with a key, without a timestamp")]
    return part_findings(case, Part.TIMESTAMP, "timestamp", "the time of signing is trusted")
