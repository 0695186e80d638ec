"""The evidence in an OCI layout folder: Sigstore bundles that are referrers of a model's manifests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Descriptor
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import BUNDLE_LIMIT
from model_provenance.formats.oci import BUNDLE_PREFIX, INDEX, MANIFEST, Index, parse_index, parse_manifest
from model_provenance.oci.store import LayoutStore, fallback_tag, find_model_index, tag_of

#: More than this is not one release, and looking at a part of it would be choosing evidence for somebody.
_SCANNED = 1024
_BUNDLES = 128
_TOTAL = 256 * 1024 * 1024


def read_bundles(directory: Path, reference: str | None = None) -> tuple[tuple[str, bytes], ...]:
    """(name, bytes) of each bundle that refers to the model index or to a manifest in it, in order of digests.

    Referrers are found by the `subject` of what `index.json` lists, and by fallback tags; which of them count is
    decided by what they sign, not by an annotation. Raises `evidence.missing` for none, `evidence.too_many`,
    `layout.*`, `machine.*`.
    """
    with LayoutStore(directory) as store:
        table = store.table()
        found = _bundles(store, table, find_model_index(table, reference, store.location))
        if not found:
            raise ModelProvenanceError(
                "evidence.missing", "no signature in the layout refers to this model", location=store.location
            )
        return found


def attached_bundles(directory: Path, package_digest: Digest) -> tuple[tuple[str, bytes], ...]:
    """What an earlier run attached to this very package, for a run that would only repeat it; may be empty.

    Raises `evidence.too_many`, `layout.malformed`, `layout.blob`, `machine.*`.
    """
    if not (directory / "oci-layout").exists():
        return ()
    with LayoutStore(directory) as store:
        table = store.table()
        entry = next((each for each in table.manifests if each.digest == package_digest), None)
        return () if entry is None else _bundles(store, table, entry)


def _bundles(store: LayoutStore, table: Index, entry: Descriptor) -> tuple[tuple[str, bytes], ...]:
    index = parse_index(store.document(entry), code="layout.malformed", location=f"{store.location}: model index")
    subjects = {entry.digest, *(each.digest for each in index.manifests)}
    bundles: dict[Digest, Descriptor] = {}
    for manifest in _unique(_candidates(store, table, subjects), store.location):
        bundle = _bundle_of(store, manifest, subjects)
        if bundle is not None:
            bundles[bundle.digest] = bundle
    if len(bundles) > _BUNDLES or sum(each.size for each in bundles.values()) > _TOTAL:
        raise _too_many(store.location)
    return tuple(
        (f"{digest.hex}.sigstore.json", store.document(bundles[digest], BUNDLE_LIMIT)) for digest in sorted(bundles)
    )


def _candidates(store: LayoutStore, table: Index, subjects: set[Digest]) -> Iterator[Descriptor]:
    fallbacks = {fallback_tag(subject) for subject in subjects}
    for entry in table.manifests:
        if entry.media_type == MANIFEST and entry.digest not in subjects:
            yield entry
        elif entry.media_type == INDEX and tag_of(entry) in fallbacks:
            where = f"{store.location}: list of referrers"
            listed = parse_index(store.document(entry), code="layout.malformed", location=where)
            yield from (each for each in listed.manifests if each.media_type == MANIFEST)


def _unique(candidates: Iterator[Descriptor], location: str) -> list[Descriptor]:
    found: dict[Digest, Descriptor] = {}
    for each in candidates:
        found.setdefault(each.digest, each)
        if len(found) > _SCANNED:
            raise _too_many(location)
    return list(found.values())


def _bundle_of(store: LayoutStore, entry: Descriptor, subjects: set[Digest]) -> Descriptor | None:
    """The bundle of a manifest that refers to the model: exactly one layer, of a bundle's type, as cosign has it."""
    where = f"{store.location}: manifest {entry.digest}"
    manifest = parse_manifest(store.document(entry), code="layout.malformed", location=where)
    if manifest.subject is None or manifest.subject.digest not in subjects or len(manifest.layers) != 1:
        return None
    layer = manifest.layers[0]
    return layer if layer.media_type.startswith(BUNDLE_PREFIX) else None


def _too_many(location: str) -> ModelProvenanceError:
    return ModelProvenanceError(
        "evidence.too_many", "the layout lists more referrers than one release has", location=location
    )
