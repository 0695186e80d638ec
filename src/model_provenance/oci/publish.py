"""A package and its evidence into a repository, in the order in which an interruption does no harm.

Blobs, then manifests by digest, then evidence, then everything is read back, then the tag: whatever is named by a tag is
whole and verifies. A second run sends what is missing and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import SBOM_STATEMENT_LIMIT, Bundle, SbomDocument
from model_provenance.domain.moment import rfc3339
from model_provenance.domain.package import Blob, Descriptor, Package
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import parse_bundle
from model_provenance.formats.claimed_time import claimed_time
from model_provenance.formats.oci import (
    BUNDLE,
    EMPTY,
    INDEX,
    MANIFEST,
    TITLE,
    bundle_referrer,
    descriptor_of,
    manifest,
)
from model_provenance.oci.referrers import Referrer, attach, check_listed, list_referrers
from model_provenance.oci.registry import Registry
from model_provenance.oci.together import together


def check_tag(registry: Registry, index: Digest, *, allow_move: bool) -> None:
    """The tag is free, or names this package already. Raises `registry.tag_moved`."""
    tag = registry.reference.tag
    if tag is None or allow_move:
        return
    named = registry.resolve(tag)
    if named is not None and named != index:
        raise ModelProvenanceError(
            "registry.tag_moved", f"`{tag}` names {named}, and this package is {index}", location=registry.where
        )


def push_documents(registry: Registry, package: Package) -> None:
    """Configurations and manifests, then the model index by digest; the layers are there already."""
    for document in package.documents:
        if document.media_type == MANIFEST:
            put_if_missing(registry, document)
        else:
            registry.push_blob(document)
    put_if_missing(registry, index_of(package))


def push_evidence(registry: Registry, package: Package, bundles: Sequence[Bundle]) -> tuple[Digest, ...]:
    """Attach each bundle to the model index and to each manifest in it, where it is not; the referrers' digests."""
    wanted = [referrer for bundle in bundles for referrer in _referrers(package, bundle)]
    blobs = {blob.digest: blob for bundle in bundles for blob in _blobs(package, bundle)}
    together(registry.push_blob, blobs.values())
    about = [subject.digest for subject in subjects(package)]
    found = together(lambda digest: list_referrers(registry, digest), about)
    listed = {digest: {each.digest for each in each_list} for digest, each_list in zip(about, found, strict=True)}
    attach(registry, [each for each in wanted if each.manifest.digest not in listed[each.subject.digest]])
    return tuple(each.manifest.digest for each in wanted)


def push_sboms(registry: Registry, package: Package, sboms: Sequence[SbomDocument]) -> None:
    """Attach SBOMs that are too large for a statement of their own, as they are: the signed manifest vouches for them."""
    subject = descriptor_of(index_of(package))
    wanted = []
    for sbom in sboms:
        if len(sbom.data) <= SBOM_STATEMENT_LIMIT:
            continue
        media_type = sbom.media_type.partition(";")[0]
        layer, config = Blob(media_type, sbom.data), Blob(EMPTY, b"{}")
        registry.push_blob(config)
        registry.push_blob(layer)
        made = manifest(
            config=descriptor_of(config),
            layers=[descriptor_of(layer, annotations={TITLE: sbom.file_name})],
            artifact_type=media_type,
            subject=subject,
        )
        wanted.append(Referrer(made, subject))
    listed = {each.digest for each in list_referrers(registry, subject.digest)} if wanted else set()
    attach(registry, [each for each in wanted if each.manifest.digest not in listed])


def read_back(registry: Registry, package: Package, bundles: Sequence[Bundle]) -> None:
    """Manifests, index and evidence byte for byte, layers by digest and size, referrers by being listed.

    Raises `registry.read_back`, `registry.digest`, `registry.evidence_lost`.
    """
    together(lambda document: _read_document(registry, document), (*package.documents, index_of(package)))
    together(lambda layer: _read_layer(registry, layer), {layer.digest: layer for layer in package.layers}.values())
    _read_evidence_back(registry, package, bundles)


def _read_document(registry: Registry, document: Blob) -> None:
    if document.media_type in (MANIFEST, INDEX):
        same = registry.get_manifest(str(document.digest)).data == document.data
    else:
        same = registry.get_blob(descriptor_of(document), len(document.data)) == document.data
    if not same:
        raise _differs(registry, f"{document.digest} has other content than was pushed")


def _read_layer(registry: Registry, layer: Descriptor) -> None:
    size = registry.blob_size(layer.digest)
    if size != layer.size:
        what = "is not there" if size is None else f"has {size} bytes in place of {layer.size}"
        raise _differs(registry, f"the layer {layer.digest} {what}")


def set_tag(registry: Registry, package: Package, *, allow_move: bool) -> None:
    """Let the tag name the model index, and see that it does. Raises `registry.tag_moved`, `registry.tag_immutable`."""
    set_tag_to(registry, index_of(package), allow_move=allow_move)


def set_tag_to(registry: Registry, index: Blob, *, allow_move: bool) -> None:
    """The same for a manifest that is stored already; nothing without a tag."""
    tag = registry.reference.tag
    if tag is None:
        return
    check_tag(registry, index.digest, allow_move=allow_move)
    if registry.resolve(tag) != index.digest:
        registry.put_manifest(index, tag)
    for attempt in range(registry.session.retrying.tries):
        named = registry.resolve(tag)
        if named == index.digest:
            return
        registry.session.retrying.pause(attempt)
    raise _differs(registry, f"the tag `{tag}` names {named}, not the {index.digest} that it was set to")


def index_of(package: Package) -> Blob:
    """The model index; an archive has none and is not pushed."""
    if package.index is None:
        raise ModelProvenanceError(
            "usage.invalid", "an archive has no model index", remedy="Use --layout layers or raw."
        )
    return package.index


def subjects(package: Package) -> tuple[Descriptor, ...]:
    """What evidence is attached to: the model index and each manifest in it."""
    manifests = [document for document in package.documents if document.media_type == MANIFEST]
    return tuple(descriptor_of(each) for each in (index_of(package), *manifests))


def put_if_missing(registry: Registry, document: Blob) -> None:
    """Store a manifest by digest unless it is there."""
    if registry.resolve(str(document.digest)) != document.digest:
        registry.put_manifest(document)


def _read_evidence_back(registry: Registry, package: Package, bundles: Sequence[Bundle]) -> None:
    wanted: dict[Digest, list[Digest]] = {}
    documents = [Blob(BUNDLE, bundle.data) for bundle in bundles]
    for bundle in bundles:
        for referrer in _referrers(package, bundle):
            documents.append(referrer.manifest)
            wanted.setdefault(referrer.subject.digest, []).append(referrer.manifest.digest)
    together(lambda document: _read_document(registry, document), documents)
    check_listed(registry, wanted)


def _referrers(package: Package, bundle: Bundle) -> list[Referrer]:
    made = []
    for subject in subjects(package):
        manifest, _ = bundle_referrer(bundle.data, bundle.predicate_type, subject, _created(bundle))
        made.append(Referrer(manifest, subject))
    return made


def _blobs(package: Package, bundle: Bundle) -> tuple[Blob, ...]:
    return bundle_referrer(bundle.data, bundle.predicate_type, subjects(package)[0], _created(bundle))[1]


def _created(bundle: Bundle) -> str:
    """When it was signed, as far as its own bytes say; so the same bundle always makes the same referrer."""
    return claimed_time(parse_bundle(bundle.data)) or rfc3339(0)


def _differs(registry: Registry, message: str) -> ModelProvenanceError:
    return ModelProvenanceError("registry.read_back", message, location=registry.where)
