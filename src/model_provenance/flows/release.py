"""`release`: a model directory becomes a described, signed release folder, in one read of its bytes.

The order is the design: what can fail without reading the weights fails first; nothing has a final name before everything
is signed and has verified.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import model_provenance
from model_provenance.context.collect import collect
from model_provenance.context.gates import check_may_sign, check_privacy
from model_provenance.describe.manifest import complete, refuse_other_model
from model_provenance.describe.sbom.build import DEFAULT_FORMATS, SbomRequest, build_sboms, check_formats
from model_provenance.describe.sbom.syft import Engine, scan
from model_provenance.describe.statements import StatementOptions, build_statements, unsigned_sboms
from model_provenance.domain.context import Context
from model_provenance.domain.evidence import Bundle, SbomDocument, SignerIdentity, Statement
from model_provenance.domain.facts import ModelFacts
from model_provenance.domain.finding import Finding, warned
from model_provenance.domain.manifest import ReleasedManifest, SourceManifest
from model_provenance.domain.names import ModelName, Version, release_stem
from model_provenance.domain.package import BlobSink, Layout, Package
from model_provenance.domain.parts import DEFAULT_PARTS, lacking, parts_of
from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.domain.sbom import EngineScan, SbomSummary
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows import folder
from model_provenance.flows.clock import Stopwatch
from model_provenance.flows.seal import seal
from model_provenance.flows.signing import KeySigning, Prepared, Signed, Signing, prepare
from model_provenance.flows.source import load, load_environment
from model_provenance.formats.canonical import document
from model_provenance.formats.oms import DEFAULT_IGNORED
from model_provenance.formats.receipt import receipt_value
from model_provenance.pack.inventory import Inventory
from model_provenance.pack.read import read
from model_provenance.pack.refuse import check_model
from model_provenance.pack.scope import contains
from model_provenance.pack.walk import walk
from model_provenance.readers.inspect import inspect
from model_provenance.verify.slsa_level import slsa_level

if TYPE_CHECKING:
    from model_provenance.flows.push import Pushing, PushRequest

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """What the caller asked for; the fields are the options of `release`."""

    model: Path
    name: ModelName
    version: Version
    #: None for a dry run: nothing is signed, no evidence is written.
    signing: Signing | None
    output: Path | None = None
    layout: Layout = Layout.LAYERS
    oci_layout: Path | None = None
    push: PushRequest | None = None
    manifest: Path | None = None
    #: Formats of the SBOMs, in order; the first is the manifest's `sbom`.
    sboms: Sequence[str] = DEFAULT_FORMATS
    #: What the training ran with.
    environment: Path | None = None
    sbom_engine: str = "auto"
    syft: Path | None = None
    allow_symlinks: bool = False
    ignore: Sequence[str] = ()
    training_commit: str | None = None
    trained_here: bool = False
    container_digest: str | None = None
    #: Nothing else may be released than files of this digest; None where nobody said what to expect.
    files_digest: str | None = None
    #: When Sigstore is down, keep the unsigned statements for `sign --spool` instead of failing.
    sign_later: bool = False
    #: Statements that an earlier run kept, by name: this run signs nothing else.
    kept: Mapping[str, bytes] | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the release is written."""
        return self.output or Path("dist") / release_stem(self.name, self.version)


@dataclass(frozen=True, slots=True)
class Described:
    """The unsigned part of a release."""

    package: Package
    manifest: ReleasedManifest
    sboms: tuple[SbomDocument, ...]
    statements: tuple[Statement, ...]
    findings: tuple[Finding, ...]
    facts: ModelFacts
    summary: SbomSummary


def release(request: ReleaseRequest, progress: Progress | None = None) -> Receipt:
    """Make the release and return what was done. On any failure nothing is left under a final name."""
    watch = Stopwatch()
    check_formats(request.sboms)
    _refuse_places(request)
    with watch.step("prepare"):
        source = load(request.manifest)
        prepared = None if request.signing is None else prepare(request.signing, request.env)
        context, told = _context(request, prepared, source)
        refuse_other_model(request.name, request.version, source, context)
    with (
        folder.removed_on_failure(request.oci_layout),
        folder.building(request.folder) as building,
        ExitStack() as stack,
    ):
        pushing = _pushing(request, prepared, stack)
        described = _described(request, context, source, building, pushing, watch, progress)
        _refuse_other_files(request, described.package)
        folder.refuse_moved_version(request.folder, described.package.package_digest)
        with watch.step("sign"):
            signed = seal(request, prepared, context, described, pushing)
        references: tuple[str, ...] = ()
        if pushing is not None:
            with watch.step("push"):
                references = pushing.finish(described.package, signed.bundles, described.sboms)
        receipt = _receipt(request, described, signed, references, told, watch)
        _write(building, described, receipt)
        if request.oci_layout is not None:
            _finish_layout(request, described, signed.bundles)
    return receipt


def _refuse_places(request: ReleaseRequest) -> None:
    for path in filter(None, (request.folder, request.oci_layout)):
        if request.model.is_dir() and contains(request.model, path):
            raise ModelProvenanceError(
                "release.output", "the output lies inside the model, and would become a part of it", location=str(path)
            )
    if request.oci_layout is not None and request.layout.is_archive:
        raise ModelProvenanceError(
            "usage.invalid", "an archive is one file and has no OCI layout", remedy="Use --layout layers or raw."
        )
    if request.sign_later and request.push is not None:
        raise ModelProvenanceError(
            "usage.invalid",
            "--sign-later keeps a release on this machine, so --push has nothing to push",
            remedy="Leave --push out, and copy the release to the registry once it is signed.",
        )
    folder.refuse_other_release(request.folder)


def _refuse_other_files(request: ReleaseRequest, package: Package) -> None:
    """What one job built and another signs crosses a store that a third may write to: only the digest is trusted."""
    if request.files_digest is not None and str(package.files_digest) != request.files_digest:
        raise ModelProvenanceError(
            "release.files",
            f"the files have the digest {package.files_digest}, and {shown(request.files_digest)} was to be released",
            location=str(request.model),
        )


def _context(
    request: ReleaseRequest, prepared: Prepared | None, source: SourceManifest | None
) -> tuple[Context, tuple[Finding, ...]]:
    """Who and where we are; stops (21) before Sigstore is asked when this run may not sign or would publish secrets."""
    declared = None if source is None else source.value.get("training_commit")
    context, findings = collect(
        request.model,
        env=request.env,
        identity=None if prepared is None else prepared.identity,
        training_commit=request.training_commit,
        trained_here=request.trained_here,
        container_digest=request.container_digest,
        source_training_commit=declared if isinstance(declared, str) else None,
    )
    if prepared is not None:
        check_may_sign(context)
        if prepared.identity is not None:
            check_privacy(context, private_instance=prepared.private, allow_public_log=prepared.allow_public_log)
    return context, findings


def _described(
    request: ReleaseRequest,
    context: Context,
    source: SourceManifest | None,
    building: Path,
    pushing: Pushing | None,
    watch: Stopwatch,
    progress: Progress | None,
) -> Described:
    """Everything but the signatures. Syft looks at the files while they are read."""
    environment = load_environment(request.environment)
    stem = release_stem(request.name, request.version)
    archive = building / f"{stem}.{request.layout.value}" if request.layout.is_archive else None
    with (
        walk(request.model, ignore=request.ignore, allow_symlinks=request.allow_symlinks) as inventory,
        ThreadPoolExecutor(1) as beside,
    ):
        check_model(inventory)
        syft = beside.submit(_scan, request, inventory)
        with watch.step("inspect"):
            facts = inspect(inventory.entries, inventory)
        with watch.step("read"):
            package = _read(request, inventory, archive, pushing, progress)
        with watch.step("syft"):
            scanned = syft.result()
        inventory.recheck()
    with watch.step("describe"):
        sboms = build_sboms(
            SbomRequest(
                name=str(request.name),
                version=str(request.version),
                package=package,
                facts=facts,
                context=context,
                manifest={} if source is None else source.value,
                scan=scanned,
                formats=request.sboms,
                environment=environment,
            )
        )
        manifest = complete(
            name=request.name,
            version=request.version,
            source=source,
            package=package,
            facts=facts,
            context=context,
            sboms=sboms.documents,
            tool_version=model_provenance.__version__,
            syft_version=scanned.tool.version if scanned.tool else None,
        )
        statements = build_statements(
            manifest=manifest,
            package=package,
            context=context,
            sboms=sboms.documents,
            options=StatementOptions(
                ignore=inventory.ignored, allow_symlinks=request.allow_symlinks, sbom_engine=request.sbom_engine
            ),
            tool_version=model_provenance.__version__,
        )
    findings = (*facts.findings, *sboms.findings, *manifest.findings, *unsigned_sboms(sboms.documents))
    return Described(package, manifest, sboms.documents, statements, findings, facts, sboms.summary)


def _scan(request: ReleaseRequest, inventory: Inventory) -> EngineScan:
    left_out = (*DEFAULT_IGNORED, *inventory.ignored)
    engine = Engine(request.sbom_engine)
    return scan(request.model, engine=engine, env=request.env, given=request.syft, exclude=left_out)


def _read(
    request: ReleaseRequest,
    inventory: Inventory,
    archive: Path | None,
    pushing: Pushing | None,
    progress: Progress | None,
) -> Package:
    total = sum(entry.size for entry in inventory.entries)
    sink: BlobSink | None = None
    if request.oci_layout is not None:
        from model_provenance.oci.layout import LayoutSink  # noqa: PLC0415 - only when a layout is asked for

        sink = LayoutSink(request.oci_layout)
    tee = None if pushing is None else pushing.prepare(inventory.entries, request.layout, sink)
    return read(
        inventory,
        layout=request.layout,
        archive=archive,
        sink=tee or sink,
        known=tee,
        progress=None if progress is None else lambda done: progress(done, total),
    )


def _pushing(request: ReleaseRequest, prepared: Prepared | None, stack: ExitStack) -> Pushing | None:
    """The registries, reached before the weights are read; a dry run pushes nothing (design, 4.4.12)."""
    if request.push is None:
        return None
    from model_provenance.flows.push import Pushing  # noqa: PLC0415 - only for registries

    pushing = Pushing(request.push, request.version, request.layout)
    return None if prepared is None else stack.enter_context(pushing)


def _receipt(
    request: ReleaseRequest,
    described: Described,
    signed: Signed,
    references: tuple[str, ...],
    told: tuple[Finding, ...],
    watch: Stopwatch,
) -> Receipt:
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


def _write(building: Path, described: Described, receipt: Receipt) -> None:
    """Fill the release folder. SHA256SUMS lists what lies in it but evidence and receipt (design, 4.2)."""
    files = [("model-manifest.json", described.manifest.data), *((d.file_name, d.data) for d in described.sboms)]
    files.append(("MODEL.SHA256SUMS", folder.model_sums(described.package.files)))
    for name, data in files:
        folder.write(building, name, data)
    folder.write(building, "SHA256SUMS", folder.release_sums(files, described.package))
    for bundle in receipt.bundles:
        folder.write(building, f"evidence/{bundle.name}.sigstore.json", bundle.data)
    folder.write(building, "receipt.json", document(receipt_value(receipt)))


def _finish_layout(request: ReleaseRequest, described: Described, bundles: tuple[Bundle, ...]) -> None:
    from model_provenance.oci.layout import finish_layout  # noqa: PLC0415 - only when a layout is asked for

    assert request.oci_layout is not None  # noqa: S101 - the caller asked
    finish_layout(request.oci_layout, described.package, tag=str(request.version), bundles=bundles)
