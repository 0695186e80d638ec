"""Verify a whole release: its evidence as one set, and the model itself."""

from __future__ import annotations

from model_provenance.domain.verification import EvidenceFiles, Expectation, Observed, Report, Trust
from model_provenance.verify.assemble import release_case
from model_provenance.verify.run import report_of


def verify_release(evidence: EvidenceFiles, observed: Observed, expectation: Expectation, trust: Trust) -> Report:
    """The verdict over a release, with every failure at once; opens no connection.

    Raises only for what the caller got wrong: `key.malformed`, `key.unsupported`, `trust.root_invalid`.
    """
    return report_of(release_case(evidence.bundles, dict(evidence.documents), observed, expectation, trust))
