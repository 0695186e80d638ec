"""`release`: a model directory becomes a described, signed release folder, in one read of its bytes.

The order is the design: what can fail without reading the weights fails first; nothing has a final name before everything
is signed and has verified.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import model_provenance
from model_provenance.context.collect import collect
from model_provenance.context.gates import check_may_sign, check_privacy
from model_provenance.describe.manifest import complete, refuse_other_model
from model_provenance.describe.sbom.build import SbomRequest, build_sboms, check_formats
from model_provenance.describe.sbom.syft import Engine, scan
from model_provenance.describe.statements import StatementOptions, build_statements, unsigned_sboms
from model_provenance.domain.context import Context
from model_provenance.domain.evidence import Bundle
from model_provenance.domain.finding import Finding
from model_provenance.domain.manifest import SourceManifest
from model_provenance.domain.names import release_stem
from model_provenance.domain.package import BlobSink, Package
from model_provenance.domain.receipt import Receipt
from model_provenance.domain.sbom import EngineScan
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows import folder
from model_provenance.flows.clock import Stopwatch
from model_provenance.flows.datasets import joined, named
from model_provenance.flows.evaluations import with_evaluations
from model_provenance.flows.places import refuse_planted
from model_provenance.flows.receipt import receipt_of
from model_provenance.flows.request import Described, Progress, ReleaseRequest
from model_provenance.flows.seal import seal
from model_provenance.flows.signing import Prepared, prepare, signing_inputs
from model_provenance.flows.source import load, load_environment
from model_provenance.flows.spool import waiting_place
from model_provenance.formats.canonical import document
from model_provenance.formats.oms import DEFAULT_IGNORED
from model_provenance.formats.receipt import NAME, receipt_value
from model_provenance.pack.inventory import Inventory
from model_provenance.pack.read import read
from model_provenance.pack.refuse import check_model
from model_provenance.pack.scope import contains
from model_provenance.pack.walk import walk
from model_provenance.readers.inspect import inspect

if TYPE_CHECKING:
    from model_provenance.flows.push import Pushing


def release(request: ReleaseRequest, progress: Progress | None = None) -> Receipt:
    """Make the release and return what was done. On any failure nothing is left under a final name."""
    watch = Stopwatch()
    check_formats(request.sboms)
    _refuse_places(request)
    with watch.step("prepare"):
        source, measured = with_evaluations(load(request.manifest), request.evaluations)
        datasets = named(request.datasets)
        prepared = None if request.signing is None else prepare(request.signing, request.env)
        context, told = _context(request, prepared, source)
        refuse_other_model(request.name, request.version, source, context)
    with watch.step("datasets"):
        source = joined(source, datasets, progress)
    left = folder.swept(request.folder.parent, *filter(None, (request.oci_layout,)))
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
        receipt = receipt_of(request, described, signed, references, (*told, *left, *measured), watch)
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
    if request.signing is not None:
        # The trust config says where the job's identity token is sent, so it is nobody's who only brings files.
        refuse_planted(signing_inputs(request.signing), (request.model,))
    if request.oci_layout is not None and request.layout.is_archive:
        raise ModelProvenanceError(
            "usage.invalid", "an archive is one file and has no OCI layout", remedy="Use --layout layers or raw."
        )
    folder.refuse_other_release(request.folder)
    if request.sign_later:
        folder.refuse_other_spool(waiting_place(request.folder))


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


def _write(building: Path, described: Described, receipt: Receipt) -> None:
    """Fill the release folder. SHA256SUMS lists what lies in it but evidence and receipt (design, 4.2)."""
    files = [("model-manifest.json", described.manifest.data), *((d.file_name, d.data) for d in described.sboms)]
    files.append(("MODEL.SHA256SUMS", folder.model_sums(described.package.files)))
    for name, data in files:
        folder.write(building, name, data)
    folder.write(building, "SHA256SUMS", folder.release_sums(files, described.package))
    for bundle in receipt.bundles:
        folder.write(building, f"evidence/{bundle.name}.sigstore.json", bundle.data)
    folder.write(building, NAME, document(receipt_value(receipt)))


def _finish_layout(request: ReleaseRequest, described: Described, bundles: tuple[Bundle, ...]) -> None:
    from model_provenance.oci.layout import finish_layout  # noqa: PLC0415 - only when a layout is asked for

    assert request.oci_layout is not None  # noqa: S101 - the caller asked
    finish_layout(request.oci_layout, described.package, tag=str(request.version), bundles=bundles)
