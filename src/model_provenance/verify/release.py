"""Verify a whole release: its evidence as one set, and the model itself, or its package by digest alone."""

from __future__ import annotations

from model_provenance.domain.digest import Digest
from model_provenance.domain.verification import (
    EvidenceFiles,
    Expectation,
    Observed,
    Report,
    Scope,
    SignerExpectation,
    Trust,
)
from model_provenance.verify.assemble import release_case
from model_provenance.verify.run import report_of


def verify_release(evidence: EvidenceFiles, observed: Observed, expectation: Expectation, trust: Trust) -> Report:
    """The verdict over a release, with every failure at once; opens no connection.

    Raises only for what the caller got wrong: `key.malformed`, `key.unsupported`, `trust.root_invalid`.
    """
    return report_of(release_case(evidence.bundles, dict(evidence.documents), observed, expectation, trust))


def verify_remote(evidence: EvidenceFiles, observed: Observed, expectation: Expectation, trust: Trust) -> Report:
    """The same without the weights: evidence as one set, and the package by the digests of its manifests.

    The scope of the report is `remote`; it says nothing about a byte of a file. Raises as above.
    """
    documents = dict(evidence.documents)
    return report_of(release_case(evidence.bundles, documents, observed, expectation, trust, scope=Scope.REMOTE))


def verify_evidence(evidence: EvidenceFiles, digest: Digest, signer: SignerExpectation, trust: Trust) -> Report:
    """The same for evidence alone, about a digest that a signed manifest names: that of a base model.

    The scope of the report is `evidence`; it says nothing about a byte of the model. Raises as above.
    """
    expectation = Expectation(signer, digest=digest, required_parts=())
    return report_of(
        release_case(evidence.bundles, dict(evidence.documents), None, expectation, trust, scope=Scope.EVIDENCE)
    )
