"""11 · It is the model that was expected: name, version, digest. The signed manifest decides (design, 4.4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model_provenance.domain.evidence import Predicate
from model_provenance.domain.finding import Finding, Severity, failed, passed, undecided, warned
from model_provenance.domain.manifest import ReleasedManifest
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Expectation, Scope
from model_provenance.verify.case import Case
from model_provenance.verify.outcome import blocked
from model_provenance.verify.target import typed_subjects


def check(case: Case) -> Sequence[Finding]:
    """Expectation against manifest and subjects; what was not expected is said."""
    expected = case.expectation
    findings: list[Finding] = []
    if expected.name is not None or expected.version is not None:
        findings += _named(case, expected)
    if expected.digest is not None:
        findings += _digest(case)
    if expected.name is None or (expected.version is None and expected.digest is None):
        findings.append(warned("expect.unpinned", _UNPINNED[case.scope is Scope.BUNDLE]))
    if not any(finding.severity is Severity.ERROR for finding in findings):
        findings.append(passed("model", "what was expected of name, version and digest holds"))
    return findings


_UNPINNED = {
    False: "no name with a version or digest is expected, so any release of this signer passes, an old one too",
    True: "no name with a version or digest is expected, so any model of this signer passes",
}


def _named(case: Case, expected: Expectation) -> Iterator[Finding]:
    manifest = case.manifest.value
    if manifest is not None:
        yield from _compare(manifest, expected)
    elif case.scope is Scope.BUNDLE and case.statement(Predicate.MANIFEST) is None:
        yield undecided(
            "expect.unverifiable", "only the signed manifest says name and version, and this is another bundle"
        )
    else:
        yield blocked("the signed manifest is not there or not valid, so name and version are not known")


def _compare(manifest: ReleasedManifest, expected: Expectation) -> Iterator[Finding]:
    pairs = (("name", expected.name, manifest.model_name), ("version", expected.version, manifest.version))
    for what, wanted, signed in pairs:
        if wanted is not None and wanted != signed:
            yield failed(f"expect.{what}", f"the signed {what} is {shown(signed)}, expected {shown(wanted)}")


def _digest(case: Case) -> Iterator[Finding]:
    """The digest may be that of the model, of the package or of a manifest; all are subjects of one statement."""
    known: set[str] = set()
    for evidence in case.evidence:
        typed = typed_subjects(evidence.statement) if evidence.statement else None
        known |= {digest.hex for digests in (typed or {}).values() for digest in digests}
    if case.oms.value is not None:
        known.add(case.oms.value.root.hex)
    wanted = case.expectation.digest
    if wanted is not None and wanted.hex not in known:
        if known:
            yield failed("expect.digest", f"{wanted} is neither the model nor the package that was signed")
        else:
            yield blocked("no statement says what it is about, so the digest cannot be compared")
