"""`copy` and `discover`: a model in a registry as a whole, with what is attached to it. Neither verifies a signature."""

from __future__ import annotations

from collections.abc import Callable

from model_provenance.domain.digest import Digest
from model_provenance.domain.discovery import Attached, Discovered, Subject
from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.package import Descriptor
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import certificate
from model_provenance.formats.bundle import BUNDLE_LIMIT, Envelope, MaterialKind, parse_bundle
from model_provenance.formats.claimed_time import claimed_time
from model_provenance.formats.intoto import parse
from model_provenance.formats.oci import BUNDLE_PREFIX, INDEX, MANIFEST, parse_index, parse_manifest
from model_provenance.oci.access import Access
from model_provenance.oci.copying import Copied, copy_model
from model_provenance.oci.publish import check_tag, set_tag_to
from model_provenance.oci.reference import Reference
from model_provenance.oci.referrers import list_referrers
from model_provenance.oci.registry import Registry

#: What is wrong with one attached thing, and no reason not to show the others.
_UNREADABLE = frozenset(
    {"bundle.malformed", "certificate.malformed", "evidence.malformed", "registry.digest", "registry.malformed"}
)


def discover(text: str, access: Access) -> Discovered:
    """What a reference names and what is attached to it. Raises `registry.*`."""
    reference = Reference.parse(text)
    with Registry(reference, access) as registry:
        top = registry.get_manifest(_named(reference))
        manifests: dict[Digest, str] = {top.digest: "index" if top.media_type == INDEX else "manifest"}
        if top.media_type == INDEX:
            listed = parse_index(top.data, code="registry.malformed", location=registry.where).manifests
            for each in listed:
                manifests.setdefault(each.digest, "model" if each.artifact_type else "image")
        subjects = tuple(
            Subject(kind, digest, tuple(_attached(registry, entry) for entry in list_referrers(registry, digest)))
            for digest, kind in manifests.items()
        )
    return Discovered(reference.at(top.digest), subjects)


def copy(
    source: str, target: str, access: Access, *, allow_move: bool, progress: Callable[[int, int], None] | None = None
) -> tuple[str, Copied]:
    """Copy a model with its evidence; the tag is set last, and never moved unless `allow_move`. The new reference."""
    here, there = Reference.parse(source), Reference.parse(target)
    if there.digest is not None:
        raise ModelProvenanceError(
            "registry.reference", "the target of a copy is a repository with a tag", location=str(there)
        )
    if there.tag is None and here.tag is not None:
        there = there.with_tag(here.tag)
    with Registry(here, access) as one, Registry(there, access, write=True) as other:
        check_tag(other, one.get_manifest(_named(here)).digest, allow_move=allow_move)
        index, copied = copy_model(one, other, _named(here), progress)
        set_tag_to(other, index, allow_move=allow_move)
    return there.at(copied.digest), copied


def _named(reference: Reference) -> str:
    if reference.digest is not None:
        return str(reference.digest)
    if reference.tag is None:
        raise ModelProvenanceError("registry.reference", "it names neither tag nor digest", location=str(reference))
    return reference.tag


def _attached(registry: Registry, entry: Descriptor) -> Attached:
    """Bounded and tolerant: what cannot be read is shown as such, the rest is still of use."""
    kind = entry.artifact_type or entry.media_type
    try:
        stored = registry.find_manifest(str(entry.digest)) if entry.media_type == MANIFEST else None
        if stored is None:
            return Attached(entry.digest, kind, problem="it is listed and not there")
        manifest = parse_manifest(stored.data, code="registry.malformed", location=registry.where)
        kind = manifest.artifact_type or manifest.config.media_type
        if len(manifest.layers) != 1 or not manifest.layers[0].media_type.startswith(BUNDLE_PREFIX):
            return Attached(entry.digest, kind)
        return _bundle(entry.digest, kind, registry.get_blob(manifest.layers[0], BUNDLE_LIMIT))
    except ModelProvenanceError as error:
        if error.code not in _UNREADABLE:
            raise
        return Attached(entry.digest, kind, problem=error.message)


def _bundle(digest: Digest, kind: str, data: bytes) -> Attached:
    bundle = parse_bundle(data)
    predicate = parse(bundle.content.payload).predicate_type if isinstance(bundle.content, Envelope) else None
    if bundle.material.kind is MaterialKind.PUBLIC_KEY:
        signer = SignerIdentity("key", f"key:{bundle.material.hint or ''}")
    else:
        signer = certificate.identity(certificate.load(bundle.material.certificates[0]))
    return Attached(digest, kind, predicate, signer, claimed_time(bundle))
