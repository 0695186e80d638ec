"""`revoke`: what is meant by a digest, a path or a reference, and which releases it reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.status import Affected, Entry
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.evidence import read_evidence
from model_provenance.flows.files import read_file
from model_provenance.formats.bundle import BUNDLE_LIMIT, Envelope, parse_bundle
from model_provenance.formats.canonical import parse_json
from model_provenance.formats.intoto import parse
from model_provenance.formats.oms import model_digest
from model_provenance.formats.oms_content import parse_oms
from model_provenance.oci.access import Access
from model_provenance.oci.reference import SCHEME, Reference
from model_provenance.oci.registry import Registry
from model_provenance.pack.observe import observe_archive
from model_provenance.pack.read import read_files
from model_provenance.pack.walk import walk

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst")
_MANIFEST = "model-manifest.json"
_MANIFEST_LIMIT = 4 * 1024 * 1024
_RELEASES = 10_000


@dataclass(frozen=True, slots=True)
class Meant:
    """What a revocation is about, and what people call it."""

    digest: Digest
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A release on this disk, as its manifest says: found, not verified."""

    name: str
    digests: frozenset[Digest]
    datasets: frozenset[Digest]
    bases: frozenset[Digest]


def attestation(text: str) -> Meant:
    """`sha256:HEX` as it is; a bundle by what it signs, which stays when it is written in another way."""
    if text.startswith("sha256:"):
        return Meant(_parsed(text))
    content = parse_bundle(read_file(Path(text), option="TARGET", limit=BUNDLE_LIMIT)).content
    if not isinstance(content, Envelope):
        raise ModelProvenanceError("status.subject", "the bundle signs no statement", location=shown(text, 400))
    return Meant(Digest.of(content.payload), shown(Path(text).name, 200))


def meant(text: str, evidence: Path | None, access: Access) -> Meant:
    """`sha256:HEX` as it is; a model or archive by its bytes; `oci://…` by what it names now. Raises `status.subject`.

    With `evidence` the digest must be one of that release, whose name and version are noted.
    """
    release = None if evidence is None else _release(evidence)
    digest = _digest(text, evidence, access)
    if release is None:
        return Meant(digest)
    if digest not in release.digests:
        raise ModelProvenanceError(
            "status.subject", f"{digest} is no digest of {shown(release.name, 200)}", location=shown(str(evidence), 400)
        )
    return Meant(digest, release.name)


def reached(entry: Entry, among: Path) -> tuple[str, ...]:
    """Names of the releases below `among` that `entry` is about, at any depth where it propagates.

    Raises `usage.invalid` where that cannot be told: none that was found would read as none that is affected.
    """
    if entry.digest is None or not is_told_by_manifests(entry):
        raise ModelProvenanceError(
            "usage.invalid",
            f"manifests do not say which releases a {entry.affected.value} reaches",
            remedy="Leave --among out; `verify --policy` tells it of each release.",
        )
    releases = _releases(among)
    hit = {release.name for release in releases if _is_about(entry, entry.digest, release)}
    while entry.propagates:
        bad = {digest for release in releases if release.name in hit for digest in release.digests}
        more = {release.name for release in releases if release.bases & bad} - hit
        if not more:
            break
        hit |= more
    return tuple(sorted(hit))


def is_told_by_manifests(entry: Entry) -> bool:
    """Whether manifests say which releases it is about; who signed them, and in which bundle, they do not."""
    return entry.affected not in (Affected.SIGNER, Affected.ATTESTATION)


def _is_about(entry: Entry, digest: Digest, release: Found) -> bool:
    if entry.affected is Affected.DATASET:
        return digest in release.datasets
    if entry.affected is Affected.BASE_MODEL:
        return digest in release.bases
    return digest in release.digests or (entry.propagates and digest in release.bases)


def _digest(text: str, evidence: Path | None, access: Access) -> Digest:
    if text.startswith("sha256:"):
        return _parsed(text)
    if text.startswith(SCHEME):
        return _named(Reference.parse(text), access)
    path = Path(text)
    if path.is_file() and path.name.endswith(_ARCHIVES):
        digest = observe_archive(path).package_digest
        if digest is None:
            raise ModelProvenanceError("status.subject", "the archive cannot be read", location=shown(text, 400))
        return digest
    if not path.exists():
        raise ModelProvenanceError("status.subject", f"{shown(text, 200)} is no digest, and no such path is there")
    ignored = () if evidence is None else _ignored(evidence)
    with walk(path, ignore=ignored, allow_symlinks=True, refuse_secrets=False) as inventory:
        files = read_files(inventory)
    # One file is revoked as that file, whichever models hold it.
    return files[0].digest if path.is_file() else model_digest(files)


def _parsed(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except ValueError as error:
        raise ModelProvenanceError("status.subject", f"{shown(text, 100)}: {error}") from error


def _named(reference: Reference, access: Access) -> Digest:
    if reference.digest is not None:
        return reference.digest
    with Registry(reference, access) as registry:
        found = None if reference.tag is None else registry.resolve(reference.tag)
    if found is None:
        raise ModelProvenanceError("status.subject", "the reference names nothing", location=str(reference))
    return found


def _ignored(evidence: Path) -> tuple[str, ...]:
    """Paths that the release left out: without them the model has another digest than was signed."""
    for _, data in read_evidence(evidence).bundles:
        content = parse_bundle(data).content
        if isinstance(content, Envelope):
            statement = parse(content.payload)
            if statement.predicate_type == Predicate.OMS:
                return parse_oms(statement).ignored
    return ()


def _release(folder: Path) -> Found:
    release = folder if (folder / _MANIFEST).is_file() else folder.parent
    found = _found(release / _MANIFEST)
    if found is None:
        raise ModelProvenanceError("status.subject", "there is no release", location=shown(str(folder), 400))
    return found


def _releases(among: Path) -> list[Found]:
    """Release folders at any depth; a folder that is none is passed over."""
    if not among.is_dir():
        raise ModelProvenanceError(
            "usage.invalid", f"--among {shown(str(among), 400)}: there is no such folder", remedy="Check the path."
        )
    paths = sorted(islice(among.rglob(_MANIFEST), _RELEASES + 1))
    if len(paths) > _RELEASES:
        raise ModelProvenanceError(
            "usage.invalid", f"there are more than {_RELEASES} releases below --among", remedy="Name folders below it."
        )
    return [found for path in paths if (found := _found(path)) is not None]


def _found(path: Path) -> Found | None:
    try:
        with path.open("rb") as file:
            data = file.read(_MANIFEST_LIMIT + 1)
        value = parse_json(data, what="the manifest", limit=_MANIFEST_LIMIT, code="status.subject")
        own = [value["model_digest"], f"sha256:{value['artifact_sha256']}"]
        tuned = value.get("fine_tuned_from")
        return Found(
            shown(f"{value['model_name']} {value['version']}", 200),
            _digests(own),
            _digests(_named_digests(value.get("datasets"))),
            _digests(_named_digests([*([tuned] if tuned else []), *(value.get("merged_from") or [])])),
        )
    except (OSError, KeyError, TypeError, ModelProvenanceError):
        return None


def _named_digests(entries: Any) -> Iterator[Any]:
    return (each.get("digest") for each in entries or () if isinstance(each, Mapping))


def _digests(texts: Iterable[Any]) -> frozenset[Digest]:
    found = set()
    for text in texts:
        try:
            found.add(Digest.parse(text))
        except (TypeError, ValueError):
            continue
    return frozenset(found)
