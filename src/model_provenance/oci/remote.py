"""A model in a registry, resolved once: whatever a tag names later, everything that follows is by digest (design, 4.4.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import SubjectKind
from model_provenance.domain.package import Descriptor
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import Envelope, parse_bundle
from model_provenance.formats.intoto import parse
from model_provenance.formats.oci import INDEX, MANIFEST, parse_index
from model_provenance.oci.attached import attached_bundles, attached_documents
from model_provenance.oci.model import Model, resolve_model
from model_provenance.oci.registry import MANIFEST_LIMIT, Registry, Stored

#: Indexes that statements about a manifest may name; a release has one.
_CANDIDATES = 8


@final
class RegistryDocuments:
    """`Documents` of a registry."""

    malformed = "registry.malformed"

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.location = registry.where

    def document(self, descriptor: Descriptor) -> bytes:
        """A manifest or a configuration, with the size and digest that its descriptor says."""
        if descriptor.media_type not in (INDEX, MANIFEST):
            return self._registry.get_blob(descriptor, MANIFEST_LIMIT)
        data = self._registry.get_manifest(str(descriptor.digest)).data
        if len(data) != descriptor.size:
            raise ModelProvenanceError(
                "registry.digest",
                f"{descriptor.digest} has {len(data)} bytes, not {descriptor.size}",
                location=self.location,
            )
        return data


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A resolved model with what is attached to it."""

    model: Model
    #: (name, bytes) of Sigstore bundles, and of SBOMs that are too large for one.
    bundles: tuple[tuple[str, bytes], ...]
    documents: tuple[tuple[str, bytes], ...]


def find_model(registry: Registry) -> RemoteModel:
    """What the registry's reference names: a model index by tag or digest, or a manifest in one by digest.

    Raises `registry.*`; `evidence.missing` where nothing is signed.
    """
    reference = registry.reference
    named = str(reference.digest) if reference.digest is not None else reference.tag
    if named is None:
        tags = ", ".join(registry.tags()[:10])
        raise ModelProvenanceError(
            "registry.reference",
            f"it names neither tag nor digest; there are: {tags or 'none'}",
            location=registry.where,
        )
    stored = registry.get_manifest(named)
    if _kind(stored) == MANIFEST:
        return _by_manifest(registry, stored.digest)
    return _by_index(registry, stored.digest, len(stored.data))


def _by_index(registry: Registry, digest: Digest, size: int) -> RemoteModel:
    model = resolve_model(RegistryDocuments(registry), Descriptor(INDEX, digest, size))
    bundles = attached_bundles(registry, (model.index, *model.manifests))
    if not bundles:
        raise ModelProvenanceError(
            "evidence.missing", "no signature is attached to this model", location=registry.where
        )
    return RemoteModel(model, bundles, attached_documents(registry, model.index))


def _by_manifest(registry: Registry, digest: Digest) -> RemoteModel:
    """The index is named by the statements about the manifest: found there, and verified with everything else."""
    bundles = attached_bundles(registry, [digest])
    for candidate in _subjects(bundles):
        stored = registry.find_manifest(str(candidate))
        if stored is None or _kind(stored) != INDEX:
            continue
        listed = parse_index(stored.data, code="registry.malformed", location=registry.where)
        if digest in {each.digest for each in listed.manifests}:
            return _by_index(registry, stored.digest, len(stored.data))
    raise ModelProvenanceError(
        "evidence.missing" if not bundles else "registry.malformed",
        f"no signed statement about {digest} leads to a model index that lists it",
        location=registry.where,
    )


def _subjects(bundles: Sequence[tuple[str, bytes]]) -> list[Digest]:
    found: dict[Digest, None] = {}
    for _, data in bundles:
        try:
            content = parse_bundle(data).content
            statement = parse(content.payload) if isinstance(content, Envelope) else None
            subjects = statement.subjects if statement is not None else ()
            for name, digests in subjects:
                if name == SubjectKind.OCI_MANIFEST.value and "sha256" in digests:
                    found[Digest(digests["sha256"])] = None
        except (ModelProvenanceError, ValueError):
            continue
    return list(found)[:_CANDIDATES]


def _kind(stored: Stored) -> str:
    """By its content, not by the header alone: one that says to be the other kind is refused where it is parsed."""
    return INDEX if b'"manifests"' in stored.data and stored.media_type != MANIFEST else MANIFEST
