"""Evidence out of a registry: Sigstore bundles, and SBOMs that are too large for one; bounded, untrusted."""

from __future__ import annotations

import re
from collections.abc import Sequence

from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Descriptor
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import BUNDLE_LIMIT
from model_provenance.formats.oci import BUNDLE_PREFIX, MANIFEST, TITLE, Manifest, parse_manifest
from model_provenance.oci.referrers import list_referrers
from model_provenance.oci.registry import Registry
from model_provenance.oci.together import together

#: A manifest with one layer; what is larger has another form and is nothing that is looked for here.
_MANIFEST_LIMIT = 64 * 1024
_BUNDLES = 128
_TOTAL = 256 * 1024 * 1024
#: What an SBOM that is attached as it is may be called, and how large it may be.
_SBOM_NAME = re.compile(r"sbom\.[a-z0-9.]{1,20}\.json")
_SBOMS = 8
_SBOM_LIMIT = 256 * 1024 * 1024


def attached_bundles(registry: Registry, of: Sequence[Digest]) -> tuple[tuple[str, bytes], ...]:
    """(name, bytes) of every Sigstore bundle attached to any of `of`, each once, in order of digests.

    Found by subject and layer type as cosign has it, never by artifact type or annotation; which of them count is decided by
    what they sign. Raises `registry.*`.
    """
    layers = {
        manifest.layers[0].digest: manifest.layers[0]
        for manifest in _manifests(registry, of)
        if manifest.layers[0].media_type.startswith(BUNDLE_PREFIX)
    }
    if len(layers) > _BUNDLES or sum(layer.size for layer in layers.values()) > _TOTAL:
        raise ModelProvenanceError(
            "registry.evidence_many", f"{len(layers)} bundles are attached, more than are read", location=registry.where
        )
    wanted = [layers[digest] for digest in sorted(layers)]
    found = together(lambda layer: registry.get_blob(layer, BUNDLE_LIMIT), wanted)
    return tuple((f"{layer.digest.hex}.sigstore.json", data) for layer, data in zip(wanted, found, strict=True))


def attached_documents(registry: Registry, index: Digest) -> tuple[tuple[str, bytes], ...]:
    """(file name, bytes) of SBOMs that are attached to the index as they are: the signed manifest holds their digest."""
    named: dict[str, Descriptor] = {}
    for manifest in _manifests(registry, [index]):
        name = dict(manifest.layers[0].annotations).get(TITLE, "")
        if _SBOM_NAME.fullmatch(name) and len(named) < _SBOMS:
            named.setdefault(name, manifest.layers[0])
    return tuple((name, registry.get_blob(layer, _SBOM_LIMIT)) for name, layer in sorted(named.items()))


def _manifests(registry: Registry, of: Sequence[Digest]) -> list[Manifest]:
    """Referrers with exactly one layer and the subject that lists them."""
    entries = {
        entry.digest: (subject, entry)
        for subject in of
        for entry in list_referrers(registry, subject)
        if entry.media_type == MANIFEST and entry.size <= _MANIFEST_LIMIT
    }
    found = together(lambda each: _manifest(registry, *each), entries.values())
    return [manifest for manifest in found if manifest is not None]


def _manifest(registry: Registry, subject: Digest, entry: Descriptor) -> Manifest | None:
    stored = registry.find_manifest(str(entry.digest), _MANIFEST_LIMIT)
    if stored is None:
        # Listed and gone: cleaners delete untagged manifests and leave the list. What is missing is missed later.
        return None
    manifest = parse_manifest(stored.data, code="registry.malformed", location=f"{registry.where}@{entry.digest}")
    is_it = manifest.subject is not None and manifest.subject.digest == subject and len(manifest.layers) == 1
    return manifest if is_it else None
