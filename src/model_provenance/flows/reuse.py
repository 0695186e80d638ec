"""A second push of the same package signs nothing: evidence that is attached already, and is ours, is taken over."""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.context import Context
from model_provenance.domain.evidence import Bundle, Predicate, SbomDocument, Statement
from model_provenance.domain.finding import Severity
from model_provenance.domain.package import Package
from model_provenance.domain.result import Result
from model_provenance.domain.verification import (
    EvidenceFiles,
    Expectation,
    KeyExpectation,
    Observed,
    Report,
    SignerExpectation,
    TargetKind,
)
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.sets import release_sets
from model_provenance.flows.signing import Prepared, Signed
from model_provenance.formats.bundle import Envelope, parse_bundle
from model_provenance.formats.dsse import PAYLOAD_TYPE
from model_provenance.formats.identity import parse_identity, parse_signer, server_of
from model_provenance.formats.intoto import parse
from model_provenance.sign.key import KeySigner
from model_provenance.verify.release import verify_release


def reusable(
    found: Sequence[tuple[str, bytes]],
    statements: Sequence[Statement],
    sboms: Sequence[SbomDocument],
    package: Package,
    prepared: Prepared,
    context: Context,
) -> Signed | None:
    """Statements and bundles of an earlier run that this run would only repeat; None where there are none.

    They must say the same to the byte, but for the provenance, which tells of its own run; and they must verify as a whole
    release of this very package by this very signer. Anything else is simply signed; but what the log itself contradicts, or
    what is remembered of it and cannot be read, is raised (`log.split_view`, `log.memory`): it would take the new signatures.
    """
    signer = _own(prepared, context)
    if signer is None or not found:
        return None
    observed = Observed(TargetKind.OCI_LAYOUT, package.files, package.package_digest, package.manifest_digests)
    documents = tuple((sbom.file_name, sbom.data) for sbom in sboms)
    if isinstance(prepared.signer, KeySigner):
        sets: tuple[EvidenceFiles, ...] = (_completed(found, statements, documents, prepared.signer),)
    else:
        sets = release_sets(EvidenceFiles(tuple(found), documents))
    for evidence in sets:
        payloads = _payloads(evidence)
        if not all(_is_said(statement, payloads) for statement in statements) or len(payloads) != len(statements):
            continue
        report = verify_release(evidence, observed, Expectation(signer), prepared.trust)
        if report.result is Result.PASS and report.signer is not None:
            return _taken(statements, payloads, report)
        for finding in report.findings:
            if finding.id in ("log.split_view", "log.memory") and finding.severity is Severity.ERROR:
                raise ModelProvenanceError(finding.id, finding.message, location=finding.location)
    return None


def _completed(
    found: Sequence[tuple[str, bytes]],
    statements: Sequence[Statement],
    documents: tuple[tuple[str, bytes], ...],
    signer: KeySigner,
) -> EvidenceFiles:
    """With a key each statement stands alone: a push that was interrupted left some, and only the others are signed."""
    attached = {content.payload: each for each in found if (content := _content(each[1])) is not None}
    here = [attached[statement.payload] for statement in statements if statement.payload in attached]
    missing = [statement for statement in statements if statement.payload not in attached]
    added = [(bundle.name, bundle.data) for bundle in signer.sign(missing)]
    return EvidenceFiles((*here, *added), documents)


def _own(prepared: Prepared, context: Context) -> SignerExpectation | None:
    """Who would sign now, as a verifier expects it; None where that cannot be said before a certificate is there."""
    if isinstance(prepared.signer, KeySigner):
        return KeyExpectation(prepared.signer.public_key.pem)
    identity, run = prepared.identity, context.run
    if identity is None:
        return None
    try:
        if run is None or server_of(run.provider, identity.issuer) != run.server_url:
            return parse_identity(identity.subject, issuer=identity.issuer)
        text = f"{run.provider.value}:{run.repository}" + (f"#{run.repository_id}" if run.repository_id else "")
        builder = None
        if run.builder_uri is not None and run.builder_uri != run.config_uri:
            builder = run.builder_uri.removeprefix(f"{run.server_url}/")
        return parse_signer(f"{text}@{run.ref}", builder=builder, allow_events=(run.event,), issuer=identity.issuer)
    except ModelProvenanceError:
        return None


def _payloads(evidence: EvidenceFiles) -> dict[str, tuple[bytes, bytes]]:
    """Predicate type -> (payload, bundle) of what can be read."""
    payloads = {}
    for _, data in evidence.bundles:
        content = _content(data)
        if content is not None:
            payloads[parse(content.payload).predicate_type] = (content.payload, data)
    return payloads


def _content(data: bytes) -> Envelope | None:
    """The envelope around a statement; None for anything else."""
    try:
        content = parse_bundle(data).content
        if isinstance(content, Envelope) and content.payload_type == PAYLOAD_TYPE:
            parse(content.payload)
            return content
    except ModelProvenanceError:
        pass
    return None


def _is_said(statement: Statement, payloads: dict[str, tuple[bytes, bytes]]) -> bool:
    said = payloads.get(statement.predicate_type)
    return said is not None and (statement.predicate_type == Predicate.PROVENANCE or said[0] == statement.payload)


def _taken(statements: Sequence[Statement], payloads: dict[str, tuple[bytes, bytes]], report: Report) -> Signed:
    logged = {entry.log_index: entry for entry in report.log_entries}
    kept, bundles = [], []
    for statement in statements:
        payload, data = payloads[statement.predicate_type]
        entries = tuple(logged[e.log_index] for e in parse_bundle(data).entries if e.log_index in logged)
        kept.append(Statement(statement.name, statement.predicate_type, payload))
        bundles.append(Bundle(statement.name, statement.predicate_type, data, payload, entries))
    return Signed(tuple(kept), tuple(bundles), report.signer)
