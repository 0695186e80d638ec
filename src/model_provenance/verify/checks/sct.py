"""4 · Each signing certificate was entered in a certificate log that is trusted (RFC 6962)."""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.finding import Finding, not_applicable
from model_provenance.domain.verification import OWN_KEYS
from model_provenance.verify.case import Case
from model_provenance.verify.checks.part import part_findings
from model_provenance.verify.examine import Part


def check(case: Case) -> Sequence[Finding]:
    """The embedded signed certificate timestamps."""
    if isinstance(case.expectation.signer, OWN_KEYS):
        return [not_applicable("sct", "a key of one's own is in no certificate log")]
    return part_findings(case, Part.SCT, "sct", "in a trusted certificate log")
