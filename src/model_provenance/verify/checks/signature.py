"""2 · Each statement is signed, in the expected way, over exactly its bytes; the sigstore library agrees.

The method comes from the expectation, never from the bundle: a key bundle offered where a certificate is expected, or
the other way round, is refused before anything in it is believed (cosign GHSA-fx35-mq7g-6g98).
"""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.finding import Finding
from model_provenance.verify.case import Case
from model_provenance.verify.checks.part import part_findings
from model_provenance.verify.examine import Part


def check(case: Case) -> Sequence[Finding]:
    """The signatures over the pre-authentication encoding."""
    return part_findings(case, Part.SIGNATURE, "signature", "signed over exactly these bytes")
