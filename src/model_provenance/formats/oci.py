"""OCI image-spec v1.1 documents: descriptors, manifests, indexes; written canonical, read within bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Blob, Descriptor
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical, parse_json

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"
IMAGE_LAYER = "application/vnd.oci.image.layer.v1.tar"
EMPTY = "application/vnd.oci.empty.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
#: Any version: which bundles count is decided by what they sign, never by their label.
BUNDLE_PREFIX = "application/vnd.dev.sigstore.bundle"

REF_NAME = "org.opencontainers.image.ref.name"
TITLE = "org.opencontainers.image.title"

#: Registries take 4 MiB; a raw layout of 40,000 files, kept as a folder, needs more.
DOCUMENT_LIMIT = 16 * 1024 * 1024
_ENTRY_LIMIT = 100_000
_ANNOTATION_LIMIT = 64
_TEXT_LIMIT = 4096
#: Nothing larger is stored anywhere; keeps sums of sizes bounded.
_SIZE_LIMIT = 2**50
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image manifest as read."""

    artifact_type: str | None
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None
    annotations: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Index:
    """An image index as read: a model index, the table of a layout, or a list of referrers."""

    manifests: tuple[Descriptor, ...]


def descriptor_of(
    blob: Blob, *, artifact_type: str | None = None, annotations: Mapping[str, str] | None = None
) -> Descriptor:
    """The descriptor of a document."""
    return Descriptor(
        blob.media_type, blob.digest, len(blob.data), tuple(sorted((annotations or {}).items())), artifact_type
    )


def descriptor_value(descriptor: Descriptor) -> dict[str, Any]:
    """A descriptor as JSON."""
    value: dict[str, Any] = {
        "mediaType": descriptor.media_type,
        "digest": str(descriptor.digest),
        "size": descriptor.size,
    }
    if descriptor.annotations:
        value["annotations"] = dict(descriptor.annotations)
    if descriptor.artifact_type is not None:
        value["artifactType"] = descriptor.artifact_type
    if descriptor.platform is not None:
        value["platform"] = {"os": descriptor.platform[0], "architecture": descriptor.platform[1]}
    return value


def manifest(
    *,
    config: Descriptor,
    layers: Sequence[Descriptor],
    artifact_type: str | None = None,
    subject: Descriptor | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Blob:
    """An image manifest."""
    value: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor_value(config),
        "layers": [descriptor_value(layer) for layer in layers],
    }
    if artifact_type is not None:
        value["artifactType"] = artifact_type
    if subject is not None:
        value["subject"] = descriptor_value(subject)
    if annotations:
        value["annotations"] = dict(annotations)
    return Blob(MANIFEST, canonical(value))


def index(manifests: Sequence[Descriptor]) -> Blob:
    """An image index."""
    value = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor_value(each) for each in manifests]}
    return Blob(INDEX, canonical(value))


def bundle_referrer(
    bundle: bytes, predicate_type: str, subject: Descriptor, created: str
) -> tuple[Blob, tuple[Blob, ...]]:
    """The manifest that attaches a Sigstore bundle to `subject` as cosign does (pkg/oci/remote/write.go).

    Its blobs come with it, to be pushed first. `created` is RFC 3339. `cosign
    verify-attestation` finds it by subject and layer type; the annotations are for people.
    """
    layer, config = Blob(BUNDLE, bundle), Blob(EMPTY, b"{}")
    made = manifest(
        config=descriptor_of(config),
        layers=[descriptor_of(layer)],
        artifact_type=BUNDLE,
        subject=Descriptor(subject.media_type, subject.digest, subject.size),
        annotations={
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": predicate_type,
            "org.opencontainers.image.created": created,
        },
    )
    return made, (config, layer)


def parse_manifest(data: bytes, *, code: str, location: str) -> Manifest:
    """Read a manifest; unknown fields are left alone. Raises `code`."""
    read = _Reader(code, location)
    value = read.document(data, MANIFEST)
    artifact_type = value.get("artifactType")
    subject = value.get("subject")
    return Manifest(
        None if artifact_type is None else read.media_type(artifact_type),
        read.descriptor(value.get("config")),
        read.descriptors(value.get("layers")),
        None if subject is None else read.descriptor(subject),
        read.annotations(value.get("annotations")),
    )


def parse_index(data: bytes, *, code: str, location: str) -> Index:
    """Read an index; unknown fields are left alone. Raises `code`."""
    read = _Reader(code, location)
    return Index(read.descriptors(read.document(data, INDEX).get("manifests")))


class _Reader:
    """Types and bounds hostile JSON; every refusal names the document."""

    def __init__(self, code: str, location: str) -> None:
        self._code = code
        self._location = location

    def document(self, data: bytes, media_type: str) -> dict[str, Any]:
        """A manifest or index object. One that says to be the other kind is refused (CVE-2021-41190)."""
        value = parse_json(data, what=self._location, limit=DOCUMENT_LIMIT, code=self._code)
        if not isinstance(value, dict) or value.get("schemaVersion") != 2:  # noqa: PLR2004
            self._refuse("it is not an object with schemaVersion 2")
        if value.get("mediaType", media_type) != media_type:
            self._refuse(f"its mediaType is not {media_type}")
        if ("manifests" in value) == ("layers" in value) or ("manifests" in value) != (media_type == INDEX):
            self._refuse("it is not clearly a manifest or an index")
        return value

    def descriptors(self, value: object) -> tuple[Descriptor, ...]:
        """A list of descriptors."""
        if not isinstance(value, list) or len(value) > _ENTRY_LIMIT:
            self._refuse("it has no list of descriptors, or too long a one")
        return tuple(self.descriptor(each) for each in value)

    def descriptor(self, value: object) -> Descriptor:
        """One descriptor."""
        if not isinstance(value, dict):
            self._refuse("a descriptor is not an object")
        size = value.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _SIZE_LIMIT:
            self._refuse("a descriptor has no size")
        artifact_type = value.get("artifactType")
        return Descriptor(
            self.media_type(value.get("mediaType")),
            self._digest(value.get("digest")),
            size,
            self.annotations(value.get("annotations")),
            None if artifact_type is None else self.media_type(artifact_type),
            self._platform(value.get("platform")),
        )

    def media_type(self, value: object) -> str:
        """A media type without parameters."""
        if not isinstance(value, str) or not _MEDIA_TYPE.fullmatch(value):
            self._refuse("a media type is missing or malformed")
        return value

    def annotations(self, value: object) -> tuple[tuple[str, str], ...]:
        """Annotations, sorted."""
        if value is None:
            return ()
        if not isinstance(value, dict) or len(value) > _ANNOTATION_LIMIT:
            self._refuse("annotations are not an object, or too many")
        if not all(isinstance(text, str) and len(text) <= _TEXT_LIMIT for text in value.values()):
            self._refuse("an annotation is not a text, or too long")
        return tuple(sorted(value.items()))

    def _digest(self, value: object) -> Digest:
        try:
            return Digest.parse(value) if isinstance(value, str) else self._refuse("a descriptor has no digest")
        except ValueError:
            self._refuse(f"a digest is not sha256: {shown(str(value), 80)}")

    def _platform(self, value: object) -> tuple[str, str] | None:
        if value is None:
            return None
        system, architecture = (value.get("os"), value.get("architecture")) if isinstance(value, dict) else (None, None)
        if not isinstance(system, str) or not isinstance(architecture, str):
            self._refuse("a platform has no os or architecture")
        return system[:64], architecture[:64]

    def _refuse(self, reason: str) -> NoReturn:
        raise ModelProvenanceError(self._code, f"not a document that can be used: {reason}", location=self._location)
