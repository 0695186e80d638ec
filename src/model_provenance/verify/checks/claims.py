"""13 · Certificate, manifest and provenance name one run (design, 4.4.3 and 4.4.13).

What the job wrote is compared with what the identity provider said of it: source repository, commit, ref, workflow, run
and event. The declared training commit is never part of it. The attempt is informational: a job that is run again after
an outage signs what is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.finding import Finding, failed, not_applicable, passed, warned
from model_provenance.domain.text import shown
from model_provenance.formats.holder import BUILDER, COMMIT, EVENT, REF, REPOSITORY, RUN
from model_provenance.formats.slsa import LOCAL_BUILDER, ProvenanceView
from model_provenance.verify.case import Case
from model_provenance.verify.outcome import blocked

_ATTEMPT = re.compile(r"/attempts/[0-9]{1,10}\Z")


def check(case: Case) -> Sequence[Finding]:
    """Manifest and provenance against each other, and both against the certificate."""
    provenance, signer = case.provenance.value, case.signer
    if provenance is None or signer is None:
        return [blocked("there is no valid provenance, or nobody who signed, to compare")]
    findings = list(_against_manifest(case, provenance))
    if signer.method != "keyless" or signer.extension(REPOSITORY) is None:
        return [*findings, _unbacked(provenance)]
    findings += _against_certificate(signer, provenance)
    findings += _release_commit(case, signer)
    if not findings and not all(evidence.names_its_signer for evidence in case.evidence):
        return [blocked("the claims agree with a certificate that is not proven to have signed")]
    run = shown(signer.extension(RUN) or "the run")
    return findings or [passed("claims", f"commit {signer.extension(COMMIT)} of {run}")]


def _against_manifest(case: Case, provenance: ProvenanceView) -> Iterator[Finding]:
    manifest = case.manifest.value
    if manifest is None:
        yield blocked("there is no valid manifest to compare with the provenance")
        return
    for what, one, other in (
        ("name", provenance.model_name, manifest.model_name),
        ("version", provenance.version, manifest.version),
        ("files digest", provenance.files_digest, manifest.files_digest),
    ):
        if one != other:
            message = f"the {what} is {shown(str(one))} in the provenance and {shown(str(other))} in the manifest"
            yield failed("manifest.disagrees", message, location="provenance")


def _against_certificate(signer: SignerIdentity, said: ProvenanceView) -> Iterator[Finding]:
    repository = f"git+{signer.extension(REPOSITORY)}"
    for code, what, in_release, in_certificate in (
        ("claims.repository", "repository", said.source_uri, repository),
        ("claims.commit", "commit", said.source_commit, signer.extension(COMMIT)),
        ("claims.ref", "ref", said.source_ref, signer.extension(REF)),
        ("claims.workflow", "signing workflow", said.builder_id, signer.extension(BUILDER)),
        ("claims.run", "run", _without_attempt(said.invocation_id), _without_attempt(signer.extension(RUN))),
        ("event.refused", "event", said.event, signer.extension(EVENT)),
    ):
        # Nothing on one side is a difference too: a claim that is left out cannot be the reason to pass.
        if in_release != in_certificate:
            yield _differs(code, f"the {what} of the provenance", in_release, in_certificate)


def _release_commit(case: Case, signer: SignerIdentity) -> Iterator[Finding]:
    if case.manifest.value is None:
        return
    said = case.manifest.value.value.get("release_commit")
    true = f"git+{signer.extension(REPOSITORY)}@{signer.extension(COMMIT)}"
    if said != true:
        yield _differs("claims.commit", "`release_commit` of the manifest", said, true)


def _unbacked(provenance: ProvenanceView) -> Finding:
    if provenance.invocation_id is not None or provenance.builder_id != LOCAL_BUILDER:
        return warned("claims.unproven", "the provenance names a CI run, and no certificate backs it")
    return not_applicable("claims", "released outside of CI: no certificate speaks of a run")


def _differs(code: str, what: str, said: str | None, true: str | None) -> Finding:
    named = [shown(text, 300) if text else "nothing" for text in (said, true)]
    return failed(code, f"{what} is {named[0]}, the certificate says {named[1]}")


def _without_attempt(run: str | None) -> str | None:
    return None if run is None else _ATTEMPT.sub("", run)
