"""Read a model in an OCI layout folder once: every blob against its digest, every file in every layer."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model_provenance.disk.crew import Crew
from model_provenance.disk.failure import failure
from model_provenance.disk.lanes import Consumer
from model_provenance.disk.pour import StreamDigest, pour
from model_provenance.domain.files import ModelFile
from model_provenance.domain.finding import Finding, failed
from model_provenance.domain.package import Descriptor
from model_provenance.domain.verification import Observed, TargetKind
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.model_index import (
    Form,
    layer_form,
)
from model_provenance.formats.untar import TarDigests, TarMember
from model_provenance.oci.model import Model, files_of, resolve_model
from model_provenance.oci.store import LayoutStore, find_model_index

_MALFORMED = "layout.malformed"
#: What says that the content is wrong; everything else could not be read, or was asked for wrongly.
_CONTENT = frozenset({"archive.malformed", "layout.blob", _MALFORMED})


@dataclass(frozen=True, slots=True)
class _Layer:
    """A blob that has been read: what is wrong with it, or the files in it (none for a raw one)."""

    problem: ModelProvenanceError | None
    members: tuple[TarMember, ...] = ()


def observe_layout(
    directory: Path, reference: str | None = None, progress: Callable[[int], None] | None = None
) -> Observed:
    """The model that `reference` (tag or digest) names, or the only one; `progress` counts bytes of blobs.

    Content that is wrong gives an `Observed` without files, with a finding for each problem, so that signatures are
    reported beside it. Raises `layout.missing`, `layout.reference`, `machine.*`.
    """
    with LayoutStore(directory) as store:
        try:
            model = resolve_model(store, find_model_index(store.table(), reference, store.location))
            files, problems = _read_layers(store, model, progress)
        except ModelProvenanceError as error:
            if error.code not in _CONTENT:
                raise
            return Observed(TargetKind.OCI_LAYOUT, (), findings=(_finding(error, store.location),))
    if problems:
        return Observed(TargetKind.OCI_LAYOUT, (), findings=tuple(_finding(each, store.location) for each in problems))
    return Observed(TargetKind.OCI_LAYOUT, files, package_digest=model.index, manifest_digests=model.manifests)


def _read_layers(
    store: LayoutStore, model: Model, progress: Callable[[int], None] | None
) -> tuple[tuple[ModelFile, ...], list[ModelProvenanceError]]:
    unique = list({(layer.digest, layer.size, layer_form(layer)): layer for layer in model.layers}.values())

    def work(layer: Descriptor, crew: Crew[Descriptor, _Layer]) -> _Layer:
        return _read_layer(store, layer, crew)

    read = Crew(work, progress=progress).run(unique, lambda layer: layer.size)
    problems = [layer.problem for layer in read if layer.problem is not None]
    if problems:
        return (), problems
    members = {(layer.digest, layer_form(layer)): found.members for layer, found in zip(unique, read, strict=True)}
    return files_of(model, members, code=_MALFORMED, location=store.location), []


def _read_layer(store: LayoutStore, layer: Descriptor, crew: Crew[Descriptor, _Layer]) -> _Layer:
    """Read one blob through its digest, and through the tar reader where it is one."""
    where = f"{store.location}: layer {layer.digest}"
    try:
        form = layer_form(layer)
        descriptor, stamp = store.open_blob(layer.digest)
    except ModelProvenanceError as error:
        if error.code not in _CONTENT:
            raise
        return _Layer(error)
    whole, tar = StreamDigest(), TarDigests(where)
    consumers: list[Consumer] = [whole]
    if form is Form.TAR:
        consumers.append(lambda block: tar.feed(block.data))
    try:
        if stamp.size != layer.size:
            return _Layer(_blob_problem(f"it has {stamp.size} bytes in place of {layer.size}", where))
        same = pour(descriptor, stamp, consumers, idle=crew.idle, advance=crew.advance)
        if not same or whole.digest != layer.digest:
            return _Layer(_blob_problem("its content is not what its digest says", where))
        return _Layer(None, tar.close() if form is Form.TAR else ())
    except ModelProvenanceError as error:
        if error.code not in _CONTENT:
            raise
        return _Layer(error)
    except OSError as error:
        raise failure(error, where, doing="read") from error
    finally:
        os.close(descriptor)


def _blob_problem(reason: str, where: str) -> ModelProvenanceError:
    return ModelProvenanceError("layout.blob", reason, location=where)


def _finding(error: ModelProvenanceError, location: str) -> Finding:
    return failed(error.code, error.message, remedy=error.remedy, location=error.location or location)
