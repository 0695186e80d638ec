"""What `verify` was pointed at, and the one read of it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from model_provenance.disk.failure import failure
from model_provenance.disk.pour import file_digest
from model_provenance.domain.digest import Digest
from model_provenance.domain.files import FILES, Keeper, ModelFile
from model_provenance.domain.finding import Finding, failed, warned
from model_provenance.domain.package import Layout
from model_provenance.domain.text import shown
from model_provenance.domain.verification import EvidenceFiles, Observed, TargetKind
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.evidence import RELEASE_FILES, read_evidence
from model_provenance.flows.hints import hints

if TYPE_CHECKING:
    from model_provenance.domain.package import Package
    from model_provenance.flows.memory import Memory, ReadBefore
    from model_provenance.pack.inventory import Inventory

Progress = Callable[[int, int], None]

_DIGEST = re.compile("sha256:[0-9a-f]{64}")
#: Strangers that are listed by name.
_SHOWN = 20
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst")
#: Layouts whose package digest is a pure function of the files; a compressor's version decides the others' bytes.
_RECOMPUTED = (Layout.LAYERS, Layout.RAW, Layout.TAR)
#: What lies in an OCI layout: ours, and what oras (`ingest`) and docker (`manifest.json`, `repositories`) leave there.
_LAYOUT = ("oci-layout", "index.json", "blobs", "ingest", "manifest.json", "repositories")


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to verify."""

    kind: TargetKind
    path: Path
    #: The release folder that an archive lies in.
    release: Path | None = None
    #: A folder of which only a package in it is read, and the names that may lie beside.
    around: tuple[Path, tuple[str, ...]] | None = None

    def evidence(self) -> EvidenceFiles:
        """The evidence that comes with the target itself, where nobody named another."""
        if self.kind is TargetKind.OCI_LAYOUT:
            from model_provenance.oci.bundles import read_bundles  # noqa: PLC0415 - only for layouts

            return EvidenceFiles(read_bundles(self.path))
        if self.release is not None:
            return read_evidence(self.release)
        raise ModelProvenanceError(
            "usage.invalid",
            "there is no evidence to verify the target with",
            remedy="Add --evidence with the release folder, or --bundle with one Sigstore bundle, or --accept-vsa with a policy.",
            location=shown(str(self.path), 400),
        )


def locate(path: Path) -> Target:
    """What the path is; `usage.invalid` for one that is nothing to verify, `machine.*` for one that cannot be looked at."""
    try:
        return _located(path)
    except OSError as error:
        raise failure(error, str(path), doing="open") from error


def _located(path: Path) -> Target:
    if path.is_file():
        if not path.name.endswith(_ARCHIVES):
            return Target(TargetKind.FILE, path)
        release = path.parent if (path.parent / "evidence").is_dir() else None
        return Target(TargetKind.ARCHIVE, path, release)
    if not path.is_dir():
        raise ModelProvenanceError(
            "usage.invalid", "there is nothing at the path", remedy="Check the path.", location=shown(str(path), 400)
        )
    if (path / "oci-layout").is_file():
        return Target(TargetKind.OCI_LAYOUT, path, around=(path, _LAYOUT))
    if (path / "evidence").is_dir() and (path / "model-manifest.json").is_file():
        archive = _archive_in(path)
        return Target(
            TargetKind.ARCHIVE, archive, path, (path, (*RELEASE_FILES, archive.name, f"{archive.name}.sha256"))
        )
    return Target(TargetKind.DIRECTORY, path)


def named_digest(path: Path) -> Digest | None:
    """The digest that the target itself is, `sha256:…`; None for a path, and for a name of that form that exists."""
    if not _DIGEST.fullmatch(str(path)) or path.exists():
        return None
    return Digest.parse(str(path))


def observe(
    target: Target,
    evidence: EvidenceFiles,
    *,
    ignore: Sequence[str] = (),
    exclude: Sequence[Path] = (),
    progress: Progress | None = None,
    keeper: Keeper | None = None,
    memory: Memory | None = None,
) -> Observed:
    """Read the target once. What is ignored comes from the signed statement and the caller, and is compared later."""
    if target.kind in (TargetKind.ARCHIVE, TargetKind.OCI_LAYOUT) and memory is not None:
        memory.unused("this is a package, not the files of a model")
    if target.kind is TargetKind.ARCHIVE:
        from model_provenance.pack.observe import observe_archive  # noqa: PLC0415 - only for archives

        archive = observe_archive(target.path, progress=_counted(progress, target.path.stat().st_size))
        return _remarked(_alone(target, archive), memory)
    if target.kind is TargetKind.OCI_LAYOUT:
        from model_provenance.oci.observe import observe_layout  # noqa: PLC0415 - only for layouts

        return _remarked(_alone(target, observe_layout(target.path)), memory)
    return observe_files(
        target, evidence, ignore=ignore, exclude=exclude, progress=progress, keeper=keeper, memory=memory
    )


def observe_files(
    target: Target,
    evidence: EvidenceFiles,
    *,
    ignore: Sequence[str] = (),
    allow_symlinks: bool = False,
    exclude: Sequence[Path] = (),
    progress: Progress | None = None,
    keeper: Keeper | None = None,
    memory: Memory | None = None,
) -> Observed:
    """Read a directory or a single file, as the evidence says that it was read when it was signed.

    With a `keeper` the files stay open, and they alone are compared: nobody loads the package that they were in, and its
    digest would cost a second hash of every byte. `memory` spares an unchanged model the reading.
    """
    from model_provenance.pack.read import read  # noqa: PLC0415 - only for files
    from model_provenance.pack.walk import walk  # noqa: PLC0415

    hint = hints(evidence)
    layout = hint.layout if hint.layout in _RECOMPUTED and keeper is None else None
    kind = TargetKind.FILE if target.path.is_file() else TargetKind.DIRECTORY
    ignored = (*hint.ignore, *ignore)
    told = _left_out(target.path, ignored) if kind is TargetKind.DIRECTORY else ()
    links = hint.allow_symlinks or allow_symlinks
    start = time.time_ns()
    with walk(
        target.path, ignore=ignored, allow_symlinks=links, exclude=exclude, refuse_secrets=False, keeper=keeper
    ) as inventory:
        total = sum(entry.size for entry in inventory.entries)
        if hint.serialization != FILES:
            from model_provenance.pack.pieces import read_pieces  # noqa: PLC0415 - only for older signatures

            files, pieces = read_pieces(inventory, hint.serialization, _counted(progress, total))
            inventory.recheck()
            return Observed(kind, files, findings=told, serialization=hint.serialization, pieces=pieces)
        package: Package | ReadBefore | None = None
        if memory is not None:
            package = memory.recall(inventory, layout or Layout.RAW)
        if package is None:
            fresh = read(inventory, layout=layout or Layout.RAW, progress=_counted(progress, total))
            if memory is not None:
                memory.note(inventory, layout or Layout.RAW, fresh, start=start)
            package = fresh
        elif keeper is not None:
            inventory.keep()
            _compare_copies(inventory, keeper, package.files)
        inventory.recheck()
    recomputed = layout is not None
    observed = Observed(
        kind,
        package.files,
        package_digest=package.package_digest if recomputed else None,
        manifest_digests=package.manifest_digests if recomputed else (),
        findings=told,
    )
    return _remarked(observed, memory)


def _remarked(observed: Observed, memory: Memory | None) -> Observed:
    """With what the memory has to say."""
    return observed if memory is None else replace(observed, findings=(*observed.findings, *memory.findings()))


def _compare_copies(inventory: Inventory, keeper: Keeper, files: Sequence[ModelFile]) -> None:
    """Copies are hashed: that the original is the file that was read before does not make the copy one of it."""
    known = {file.path: file.digest for file in files}
    for path in keeper.sealed:
        with inventory.reading(path) as descriptor:
            if file_digest(descriptor) != known[path]:
                raise ModelProvenanceError("pack.changed", "the file changed while it was copied", location=shown(path))


def _left_out(model: Path, ignored: Sequence[str]) -> tuple[Finding, ...]:
    """A warning about what lies there and is not read, because the signer or the caller left it out."""
    from model_provenance.pack.scope import left_out  # noqa: PLC0415 - only for folders

    here = [path for path in left_out(model, ignore=ignored, exclude=()) if os.path.lexists(model / path)]
    if not here:
        return ()
    remedy = "Remove it, or make sure that nothing loads it."
    what = f"{len(here)} ignored paths lie there and were not verified, e.g. {shown(here[0])}"
    return (warned("files.ignored", what, remedy=remedy),)


def _alone(target: Target, observed: Observed) -> Observed:
    """With a finding for each stranger: a folder that only calls itself a package would be loaded with all that is in it."""
    if target.around is None:
        return observed
    folder, known = target.around
    try:
        strangers = sorted(path.name for path in folder.iterdir() if path.name not in known)
    except OSError as error:
        raise failure(error, str(folder), doing="list") from error
    remedy = "Remove it, or verify the folder of files with --evidence: whoever loads the folder would load it, too."
    what = "lies beside the package that was read, and was not signed"
    found = (failed("files.extra", what, remedy=remedy, location=shown(name)) for name in strangers[:_SHOWN])
    return replace(observed, findings=(*observed.findings, *found))


def _archive_in(release: Path) -> Path:
    """The archive that the release's manifest names; the name is untrusted, so it must be a plain file of the folder."""
    name = None
    with suppress(ModelProvenanceError):
        name = hints(read_evidence(release)).artifact
    if name is not None and name == Path(name).name and name.endswith(_ARCHIVES) and (release / name).is_file():
        return release / name
    raise ModelProvenanceError(
        "usage.invalid",
        "this is a release folder without an archive in it",
        remedy=f"Verify the model directory: model-provenance verify MODEL_DIR --evidence {shown(str(release), 400)} …",
        location=shown(str(release), 400),
    )


def _counted(progress: Progress | None, total: int) -> Callable[[int], None] | None:
    return None if progress is None else lambda done: progress(done, total)
