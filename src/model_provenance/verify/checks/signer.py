"""7 · Each statement was signed by who was expected (design, 4.4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.finding import Finding, Severity, failed, passed
from model_provenance.domain.text import shown
from model_provenance.domain.verification import (
    IdentityExpectation,
    KeyExpectation,
    PkiExpectation,
    RepositoryExpectation,
)
from model_provenance.formats.holder import identity_findings, repository_findings
from model_provenance.verify.case import Case
from model_provenance.verify.examine import Evidence, Part
from model_provenance.verify.outcome import blocked


def check(case: Case) -> Sequence[Finding]:
    """Every bundle against the expectation; what all of them have in common is said once."""
    if not case.evidence:
        return [blocked("there is no statement whose signer could be judged")]
    findings: dict[Finding, None] = {}
    for evidence in case.evidence:
        found = tuple(_findings(case, evidence))
        findings.update(dict.fromkeys(found))
        if evidence.signer is not None and not any(f.severity is Severity.ERROR for f in found):
            findings.setdefault(_answer(evidence, evidence.signer))
    return tuple(findings)


def _answer(evidence: Evidence, signer: SignerIdentity) -> Finding:
    if evidence.names_its_signer:
        return passed("signer", f"signed by {shown(signer.subject)}")
    return blocked("the bundle names the expected signer and does not prove it", location=evidence.name)


def _findings(case: Case, evidence: Evidence) -> Iterator[Finding]:
    expected, found = case.expectation.signer, evidence.signer
    if isinstance(expected, KeyExpectation):
        # The key itself is the identity: whose signature it is, check 2 has said.
        if evidence.problems_of(Part.SIGNATURE):
            yield blocked("the signature is not by the expected key", location=evidence.name)
    elif isinstance(expected, PkiExpectation):
        # The anchors say who may sign: that the certificate leads there, check 3 has said.
        if not evidence.names_its_signer:
            yield blocked("the certificate is not one of the given authorities'", location=evidence.name)
    elif found is None:
        yield blocked("the bundle names no certificate identity", location=evidence.name)
    elif found.method != "keyless":
        yield failed("signature.method", "signed with a key instead of a certificate identity", location=evidence.name)
    else:
        yield from _certificate_findings(case, found)


def _certificate_findings(case: Case, found: SignerIdentity) -> Iterator[Finding]:
    expected = case.expectation.signer
    if isinstance(expected, RepositoryExpectation):
        yield from repository_findings(expected, found)
    elif isinstance(expected, IdentityExpectation):
        yield from identity_findings(expected, found)
