"""What a release did, as its receipt, and how others verify it."""

from __future__ import annotations

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.finding import Finding, warned
from model_provenance.domain.parts import DEFAULT_PARTS, lacking, parts_of
from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.flows.clock import Stopwatch
from model_provenance.flows.request import Described, ReleaseRequest
from model_provenance.flows.signing import KeySigning, Signed
from model_provenance.formats.slsa_level import slsa_level


def receipt_of(
    request: ReleaseRequest,
    described: Described,
    signed: Signed,
    references: tuple[str, ...],
    told: tuple[Finding, ...],
    watch: Stopwatch,
) -> Receipt:
    """The receipt of a release that is done."""
    level, reasons = (None, ()) if signed.signer is None else slsa_level(signed.signer, has_provenance=True)
    return Receipt(
        result=ReleaseResult.SIGNED if signed.bundles else ReleaseResult.UNSIGNED,
        name=str(request.name),
        version=str(request.version),
        package=described.package,
        statements=signed.statements,
        bundles=signed.bundles,
        signer=signed.signer,
        findings=(*told, *described.findings, *_incomplete(described)),
        sbom_engine=described.summary.engine,
        timings=tuple(watch.steps),
        verify_options=_verify_options(request, described, signed.signer),
        references=references,
        slsa_level=level,
        slsa_reasons=reasons,
        manifest=described.manifest.value,
        facts=described.facts,
        packages=described.summary.packages,
    )


def _verify_options(request: ReleaseRequest, described: Described, signer: SignerIdentity | None) -> tuple[str, ...]:
    """How others verify: the public key that goes with the key, or the signer that the certificate names."""
    required = _required(described)
    if isinstance(request.signing, KeySigning):
        return ("--key", str(request.signing.path.with_suffix(".pub")), *required)
    if signer is None or request.signing is None:
        return ()
    from model_provenance.verify.suggest import signer_words  # noqa: PLC0415 - only keyless

    options = (*(signer_words(signer) or ()), *required)
    if request.signing.trust_config is not None:
        options = (*options, "--trust-config", str(request.signing.trust_config))
    return options


def _required(described: Described) -> tuple[str, ...]:
    """What `verify` may ask of a model that lacks a part which it asks for by default; the finding says so."""
    found = _parts(described)
    return (
        ("--require", ",".join(part for part in DEFAULT_PARTS if part in found))
        if lacking(DEFAULT_PARTS, found)
        else ()
    )


def _parts(described: Described) -> frozenset[str]:
    licensed = described.summary.license is not None
    return parts_of(((file.path, file.role) for file in described.package.files), licensed=licensed)


def _incomplete(described: Described) -> tuple[Finding, ...]:
    """Said now, when it can still be mended, and not first to who verifies."""
    missing = lacking(DEFAULT_PARTS, _parts(described))
    if not missing:
        return ()
    what = f"the model has no {' and no '.join(missing)}, and `verify` asks for it unless --require says otherwise"
    return (warned("sbom.incomplete", what),)
