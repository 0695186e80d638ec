"""`verify oci://…` and `pull`: evidence first, then weights, everything by the digests of one resolution."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from model_provenance.disk.aside import sweep
from model_provenance.disk.failure import failure
from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.finding import failed
from model_provenance.domain.result import Result
from model_provenance.domain.text import shown
from model_provenance.domain.verification import EvidenceFiles, Expectation, Observed, Report, TargetKind, Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.sets import judged
from model_provenance.formats.bundle import Envelope, parse_bundle
from model_provenance.formats.dsse import PAYLOAD_TYPE
from model_provenance.formats.intoto import parse
from model_provenance.formats.oms_content import parse_oms
from model_provenance.oci.access import Access
from model_provenance.oci.pull import read_layers
from model_provenance.oci.reference import Reference
from model_provenance.oci.registry import Registry
from model_provenance.oci.remote import RemoteModel, find_model
from model_provenance.oci.unpack import Staging
from model_provenance.verify.release import verify_release, verify_remote

Progress = Callable[[int, int], None]
Expect = Callable[[EvidenceFiles], Expectation]
Decide = Callable[[Report], Report]

#: Content that is wrong is a verdict about the model; everything else is a failure of the run.
_CONTENT = frozenset({"archive.malformed", "layout.malformed", "registry.digest", "registry.malformed"})


@dataclass(frozen=True, slots=True)
class RemoteRequest:
    """A model in a registry and what must hold of it."""

    reference: Reference
    access: Access
    #: From evidence that is not verified yet, for messages only: who must have signed is the caller's word.
    expect: Expect
    trust: Trust
    #: Evidence of the caller in place of what is attached.
    evidence: EvidenceFiles | None = None


@dataclass(frozen=True, slots=True)
class Pulled:
    """What `pull` did. `path` is None where the model did not verify; then nothing was written."""

    report: Report
    path: Path | None


@dataclass(frozen=True, slots=True)
class _Checked:
    """Evidence that was verified against the package, and what it was compared with."""

    evidence: EvidenceFiles
    expectation: Expectation
    observed: Observed
    report: Report


def verify_reference(request: RemoteRequest, *, weights: bool, progress: Progress | None = None) -> Report:
    """The verdict, with the `HOST/REPO@sha256:…` that it is about. Without `weights` only manifests and evidence are read."""
    with Registry(request.reference, request.access) as registry:
        remote = find_model(registry)
        named = request.reference.at(remote.model.index)
        checked = _check(request, remote)
        if not weights or checked.report.result is not Result.PASS:
            return replace(checked.report, reference=named)
        observed = _observed(registry, remote, checked.observed, None, progress)
    report = verify_release(checked.evidence, observed, checked.expectation, request.trust)
    return replace(report, reference=named)


def pull(
    request: RemoteRequest, output: Path, progress: Progress | None = None, *, decide: Decide = lambda report: report
) -> Pulled:
    """Verify, fetch, verify what was fetched, let `decide` judge, and only then give it its name.

    Raises `pull.output`, `pull.space`. What was fetched before an interruption lies in a folder beside `output` and is gone
    on with by the next run.
    """
    _refuse_output(output)
    with Registry(request.reference, request.access) as registry:
        remote = find_model(registry)
        named = request.reference.at(remote.model.index)
        checked = _check(request, remote)
        if checked.report.result is not Result.PASS:
            return Pulled(replace(checked.report, reference=named), None)
        folder = output.parent / f".{output.name}.pull-{remote.model.index.hex[:16]}"
        _make_room(output, folder, sum(layer.size for layer in remote.model.layers))
        # Held until it has its name: no other pull changes what is being verified.
        with Staging(folder, _signed_files(checked.evidence)) as staging:
            observed = _observed(registry, remote, checked.observed, staging, progress)
            report = verify_release(checked.evidence, observed, checked.expectation, request.trust)
            report = decide(replace(report, reference=named))
            if report.result is not Result.PASS:
                return Pulled(report, None)
            _refuse_difference(staging.path, [file.path for file in observed.files])
            _put_in_place(staging, output)
    # Of no more use: parts of other packages, which a tag named before it moved.
    sweep(output.parent, re.compile(re.escape(f".{output.name}.pull-") + "[0-9a-f]{16}"))
    return Pulled(report, output)


def _check(request: RemoteRequest, remote: RemoteModel) -> _Checked:
    """The set of evidence that holds, or that fails least."""
    offered = request.evidence or EvidenceFiles(remote.bundles, remote.documents)
    observed = Observed(
        TargetKind.OCI_LAYOUT, (), package_digest=remote.model.index, manifest_digests=remote.model.manifests
    )
    expectation = _with_tag(request.expect(offered), request.reference)
    evidence, report = judged(offered, lambda one: verify_remote(one, observed, expectation, request.trust))
    return _Checked(evidence, expectation, observed, report)


def _with_tag(expectation: Expectation, reference: Reference) -> Expectation:
    """A version-like tag must be the signed version (design, 4.4.1); a version that was asked for goes first."""
    if reference.version is None or expectation.version is not None or reference.digest is not None:
        return expectation
    return replace(expectation, version=reference.version)


def _observed(
    registry: Registry, remote: RemoteModel, known: Observed, staging: Staging | None, progress: Progress | None
) -> Observed:
    total = sum(layer.size for layer in remote.model.layers)
    advance = None if progress is None else lambda done: progress(done, total)
    try:
        files = read_layers(registry, remote.model, staging, advance)
    except ModelProvenanceError as error:
        if error.code not in _CONTENT:
            raise
        finding = failed(error.code, error.message, remedy=error.remedy, location=error.location or registry.where)
        return replace(known, findings=(finding,))
    return replace(known, files=files)


def _signed_files(evidence: EvidenceFiles) -> dict[str, Digest]:
    """The signed list of names: nothing else is ever written. The evidence has been verified as a whole."""
    for _, data in evidence.bundles:
        content = parse_bundle(data).content
        if isinstance(content, Envelope) and content.payload_type == PAYLOAD_TYPE:
            statement = parse(content.payload)
            if statement.predicate_type == Predicate.OMS:
                return dict(parse_oms(statement).files)
    raise ModelProvenanceError("evidence.missing", "there is no signed list of files")


def _refuse_output(output: Path) -> None:
    try:
        if output.is_symlink() or (output.exists() and (not output.is_dir() or any(output.iterdir()))):
            raise ModelProvenanceError(
                "pull.output",
                "something lies there already, and is never overwritten",
                location=shown(str(output), 400),
            )
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise failure(error, str(output), doing="write") from error


def _make_room(output: Path, folder: Path, size: int) -> None:
    """Enough space for what is still to come, before any of it does."""
    here = 0
    for root, _, names in os.walk(folder):
        here += sum(os.lstat(Path(root) / name).st_size for name in names)
    free = shutil.disk_usage(output.parent).free
    if free < size - here:
        raise ModelProvenanceError(
            "pull.space",
            f"the model takes {size - here} bytes, and {free} are free",
            location=shown(str(output.parent), 400),
        )


def _refuse_difference(folder: Path, files: Sequence[str]) -> None:
    """All signed files and nothing else: an earlier run of somebody else may have left more in the folder."""
    wanted, found = set(files), set()
    for root, folders, names in os.walk(folder):
        for name in (*names, *(each for each in folders if (Path(root) / each).is_symlink())):
            path = (Path(root) / name).relative_to(folder).as_posix()
            if path not in wanted:
                raise ModelProvenanceError(
                    "pull.output",
                    f"`{shown(path)}` lies in the folder and nobody signed it",
                    location=shown(str(folder), 400),
                    remedy="Remove the folder and run it again.",
                )
            found.add(path)
    for path in sorted(wanted - found)[:1]:
        raise ModelProvenanceError(
            "pull.output",
            f"`{shown(path)}` was verified and does not lie in the folder",
            location=shown(str(folder), 400),
            remedy="Remove the folder and run it again.",
        )


def _put_in_place(staging: Staging, output: Path) -> None:
    try:
        staging.put_in_place(output)
    except OSError as error:
        raise failure(error, str(output), doing="write") from error
