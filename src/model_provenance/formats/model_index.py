"""The model index: one set of blobs, named by a runnable OCI image and by a ModelPack artifact (design, 4.1).

ModelPack: CNCF model-spec, docs/spec.md, config.md and annotations.md. A pure function of files and layout: no name, no
version, no time, no tool, so that a second release of the same files has the same digest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import Role
from model_provenance.domain.package import Blob, Descriptor
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical
from model_provenance.formats.oci import (
    IMAGE_CONFIG,
    IMAGE_LAYER,
    MANIFEST,
    TITLE,
    Index,
    Manifest,
    descriptor_of,
    index,
    manifest,
)
from model_provenance.formats.tar import PREFIX, member_header

ARTIFACT_TYPE = "application/vnd.cncf.model.manifest.v1+json"
MODEL_CONFIG = "application/vnd.cncf.model.config.v1+json"
FILEPATH = "org.cncf.model.filepath"
CONTENT_OFFSET = "dev.model-provenance.content.offset"
_LAYER = "application/vnd.cncf.model.{kind}.v1.{form}"
#: A runtime that fetches weights and configuration only must not lose a file that nobody knows the use of.
_KINDS = {Role.WEIGHT: "weight", Role.CODE: "code", Role.CARD: "doc", Role.DOC: "doc", Role.LICENSE: "doc"}
_LAYER_TYPE = re.compile(r"application/vnd\.cncf\.model\.(?:weight|weight\.config|doc|code|dataset)\.v1\.(tar|raw)")
_PLATFORMS = (("linux", "amd64"), ("linux", "arm64"))


class Form(Enum):
    """How a layer holds files: several in a tar, or one as it is."""

    TAR = "tar"
    RAW = "raw"


@dataclass(frozen=True, slots=True)
class ModelIndex:
    """The documents of one package."""

    #: ModelPack's descriptors of the layers, in manifest order.
    layers: tuple[Descriptor, ...]
    #: Configurations before the manifests that name them.
    documents: tuple[Blob, ...]
    index: Blob


@dataclass(frozen=True, slots=True)
class ListedManifests:
    """What a model index lists: the ModelPack manifest always, the image unless the layout is raw."""

    image: Descriptor | None
    model: Descriptor


def file_layer(path: str, role: Role, digest: Digest, size: int, *, content: int) -> Descriptor:
    """A layer that is a tar of the one big file `path` with `content` bytes; `digest` and `size` are the tar's.

    `filepath` is what appears when the layer is unpacked, `title` what the blob itself may be called: a tool that saves
    blobs by title must not save a tar under the name of a weight file.
    """
    target = PREFIX + path
    offset = len(member_header(target, content))
    annotations = ((CONTENT_OFFSET, str(offset)), (FILEPATH, target), (TITLE, f"{target}.tar"))
    return Descriptor(layer_media_type(role, Form.TAR), digest, size, annotations)


def small_files_layer(digest: Digest, size: int) -> Descriptor:
    """The layer that is a tar of all small files."""
    folder = PREFIX.rstrip("/")
    return Descriptor(
        layer_media_type(Role.OTHER, Form.TAR), digest, size, ((FILEPATH, folder), (TITLE, f"{folder}.tar"))
    )


def raw_layer(path: str, role: Role, digest: Digest, size: int) -> Descriptor:
    """A layer that is one file, byte for byte."""
    return Descriptor(layer_media_type(role, Form.RAW), digest, size, ((FILEPATH, path), (TITLE, path)))


def layer_media_type(role: Role, form: Form) -> str:
    """ModelPack's type of a layer."""
    return _LAYER.format(kind=_KINDS.get(role, "weight.config"), form=form.value)


def layer_form(layer: Descriptor) -> Form:
    """How the files of a ModelPack layer are stored. Raises `layout.malformed` for compressed and foreign layers."""
    match = _LAYER_TYPE.fullmatch(layer.media_type)
    if match is None:
        raise ModelProvenanceError(
            "layout.malformed", f"a layer of type {layer.media_type} is not read", location=str(layer.digest)
        )
    return Form(match[1])


def model_index(layers: Sequence[Descriptor], *, with_image: bool) -> ModelIndex:
    """Both manifests over `layers`, or the ModelPack one alone, and the index that names them."""
    documents: list[Blob] = []
    listed: list[Descriptor] = []
    if with_image:
        config = _image_config(layers)
        image = manifest(config=descriptor_of(config), layers=[_image_layer(layer) for layer in layers])
        documents += [config, image]
        listed += [replace(descriptor_of(image), platform=platform) for platform in _PLATFORMS]
    model_config = _model_config(layers)
    model = manifest(config=descriptor_of(model_config), layers=layers, artifact_type=ARTIFACT_TYPE)
    documents += [model_config, model]
    listed.append(descriptor_of(model, artifact_type=ARTIFACT_TYPE))
    return ModelIndex(tuple(layers), tuple(documents), index(listed))


def listed_manifests(found: Index, code: str, location: str) -> ListedManifests:
    """What a model index lists; anything beside one model in two forms is refused (design, 4.4.5). Raises `code`."""
    if not all(each.media_type == MANIFEST for each in found.manifests):
        raise ModelProvenanceError(code, "the model index lists something that is not a manifest", location=location)
    models = {each.digest: each for each in found.manifests if each.artifact_type == ARTIFACT_TYPE}
    images = {each.digest: each for each in found.manifests if each.artifact_type is None and each.platform is not None}
    listed = sum(each.digest in models or each.digest in images for each in found.manifests)
    if len(models) != 1 or len(images) > 1 or listed != len(found.manifests) or models.keys() & images.keys():
        raise ModelProvenanceError(
            code, "the model index does not list one ModelPack manifest and at most one image", location=location
        )
    return ListedManifests(next(iter(images.values()), None), next(iter(models.values())))


def same_layers(image: Manifest, model: Manifest) -> bool:
    """True when both manifests name the same blobs in the same order, as plain tars."""
    return [(each.digest, each.size) for each in image.layers] == [
        (each.digest, each.size) for each in model.layers
    ] and all(each.media_type == IMAGE_LAYER for each in image.layers)


def model_file_path(layer: Descriptor) -> str | None:
    """The name of the file that a raw layer is; None where its two annotations are missing or disagree."""
    annotations = dict(layer.annotations)
    path = annotations.get(FILEPATH)
    return path if path == annotations.get(TITLE, path) else None


def _image_layer(layer: Descriptor) -> Descriptor:
    return Descriptor(IMAGE_LAYER, layer.digest, layer.size)


def _image_config(layers: Sequence[Descriptor]) -> Blob:
    """One configuration for every platform: the image holds data only."""
    value = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [str(layer.digest) for layer in layers]},
    }
    return Blob(IMAGE_CONFIG, canonical(value))


def _model_config(layers: Sequence[Descriptor]) -> Blob:
    value = {
        "descriptor": {},
        "config": {},
        "modelfs": {"type": "layers", "diffIds": [str(layer.digest) for layer in layers]},
    }
    return Blob(MODEL_CONFIG, canonical(value))
