"""A model in a layout or a registry, resolved: from the digest of its index to the layers that hold its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile, in_oms_order
from model_provenance.domain.package import Descriptor
from model_provenance.domain.paths import PathSet
from model_provenance.domain.roles import role_of
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.model_index import (
    MODEL_CONFIG,
    Form,
    layer_form,
    listed_manifests,
    model_file_path,
    same_layers,
)
from model_provenance.formats.oci import IMAGE_CONFIG, Manifest, parse_index, parse_manifest
from model_provenance.formats.tar import PREFIX
from model_provenance.formats.untar import TarMember


class Documents(Protocol):
    """Where small documents are read from, each compared with its descriptor."""

    @property
    def location(self) -> str:
        """The place, for messages."""
        ...

    @property
    def malformed(self) -> str:
        """The code of what cannot be checked there."""
        ...

    def document(self, descriptor: Descriptor) -> bytes:
        """The document that a descriptor names."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """A model index that has been resolved: its digest, those of its manifests, and its layers."""

    index: Digest
    manifests: tuple[Digest, ...]
    layers: tuple[Descriptor, ...]


def resolve_model(source: Documents, entry: Descriptor) -> Model:
    """The model whose index is `entry`. Raises the source's `malformed`."""
    code, where = source.malformed, f"{source.location}: model index"
    listed = listed_manifests(parse_index(source.document(entry), code=code, location=where), code, where)
    model = _manifest(source, listed.model, MODEL_CONFIG)
    if listed.image is None:
        return Model(entry.digest, (listed.model.digest,), model.layers)
    image = _manifest(source, listed.image, IMAGE_CONFIG)
    # Bytes that one manifest calls a tar and the other a file would be two models under one signature.
    if not same_layers(image, model) or any(layer_form(layer) is not Form.TAR for layer in model.layers):
        raise ModelProvenanceError(code, "image and ModelPack manifest do not name the same layers", location=where)
    return Model(entry.digest, (listed.image.digest, listed.model.digest), model.layers)


def files_of(
    model: Model, members: Mapping[tuple[Digest, Form], tuple[TarMember, ...]], *, code: str, location: str
) -> tuple[ModelFile, ...]:
    """The files of a model from what was found in its layers: one path is one entry over all of them. Raises `code`."""
    paths = PathSet()
    files = [
        file
        for layer in model.layers
        for file in _files(layer, members[layer.digest, layer_form(layer)], paths, code, location)
    ]
    if not files:
        raise ModelProvenanceError(code, "there is no file in the model's layers", location=location)
    return in_oms_order(files)


def _manifest(source: Documents, descriptor: Descriptor, config: str) -> Manifest:
    where = f"{source.location}: manifest {descriptor.digest}"
    found = parse_manifest(source.document(descriptor), code=source.malformed, location=where)
    if found.config.media_type != config or not found.layers:
        raise ModelProvenanceError(
            source.malformed, f"it has no layers, or no configuration of type {config}", location=where
        )
    source.document(found.config)
    return found


def _files(
    layer: Descriptor, members: tuple[TarMember, ...], paths: PathSet, code: str, location: str
) -> list[ModelFile]:
    if layer_form(layer) is Form.RAW:
        path = model_file_path(layer)
        found = [] if path is None else [ModelFile(path, layer.size, layer.digest, role_of(path))]
    else:
        inside = [member for member in members if member.path.startswith(PREFIX)]
        names = [(member.path.removeprefix(PREFIX), member) for member in inside]
        found = [ModelFile(name, member.size, member.digest, role_of(name)) for name, member in names]
    if len(found) != (1 if layer_form(layer) is Form.RAW else len(members)):
        raise ModelProvenanceError(
            code, f"layer {layer.digest} does not say its files' names below `{PREFIX}`", location=location
        )
    for file in found:
        problem = paths.add_file(file.path)
        if problem:
            raise ModelProvenanceError(
                code, f"the name `{shown(file.path)}` cannot be used: {problem}", location=location
            )
    return found
