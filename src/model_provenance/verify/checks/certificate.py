"""3 · Each signing certificate leads to a trusted authority and was valid when the signature was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model_provenance.domain.finding import Finding, Severity, Status, not_applicable, warned
from model_provenance.domain.verification import KeyExpectation, PkiExpectation
from model_provenance.verify.case import Case
from model_provenance.verify.checks.part import part_findings
from model_provenance.verify.examine import Part


def check(case: Case) -> Sequence[Finding]:
    """Chain and validity, at every verified time of signing."""
    if isinstance(case.expectation.signer, KeyExpectation):
        return [not_applicable("certificate", "a signature by a key has no certificate")]
    if isinstance(case.expectation.signer, PkiExpectation):
        return part_findings(case, Part.CERTIFICATE, "certificate", "by one of the given authorities, and valid")
    findings = part_findings(case, Part.CERTIFICATE, "certificate", "by a trusted authority, valid when it signed")
    # Whoever gives another root decides what is trusted, so a report names the one that was used.
    used = "public Sigstore" if case.trust.digest is None else f"{case.trust.kind}, {case.trust.digest}"
    told = Finding("certificate", Severity.INFO, Status.PASS, f"judged with the trusted root of {used}")
    return [*findings, told, *_age(case)]


def _age(case: Case) -> Iterator[Finding]:
    """Offline, nothing renews the cached root: what was signed by newer keys fails, and revoked ones still hold."""
    if case.trust.trusted_root is not None or case.trust.now is None:
        return
    from model_provenance.verify.production_root import OLD, cached_age  # noqa: PLC0415 - TUF, for public Sigstore alone

    age = cached_age(now=case.trust.now)
    if age is not None and age > OLD:
        yield warned("trust.root_old", f"the cached root of public Sigstore was refreshed {age // 86400:.0f} days ago")
