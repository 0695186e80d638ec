"""What went into a release, as SLSA `resolvedDependencies`; each is annotated with its role and how it is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from model_provenance.describe.sbom.purl import of_image
from model_provenance.domain.context import Context, Known
from model_provenance.domain.digest import Digest
from model_provenance.domain.manifest import ReleasedManifest
from model_provenance.formats.slsa import (
    BASE_MODEL,
    CONTAINER,
    DATASET,
    SOURCE,
    TRAINING_CONTAINER,
    TRAINING_SOURCE,
)

_DECLARED = Known.DECLARED.value


def dependencies(manifest: ReleasedManifest, context: Context) -> list[dict[str, Any]]:
    """Source, training commit, containers, base models, datasets, in this order; what nobody knows is absent."""
    return [
        *_commits(manifest, context),
        *_containers(manifest, context),
        *_base_models(manifest),
        *_datasets(manifest),
    ]


def _commits(manifest: ReleasedManifest, context: Context) -> Iterator[dict[str, Any]]:
    release, training = manifest.value.get("release_commit"), manifest.value.get("training_commit")
    if release is not None:
        address, _, commit = release.rpartition("@")
        ref = context.run.ref if context.run is not None else None
        uri = f"{address}@{ref}" if ref else address
        dirty = {"uncommittedChanges": True} if context.git is not None and context.git.dirty else {}
        yield _dependency(
            SOURCE, uri, {"gitCommit": commit}, role=SOURCE, known=manifest.known("release_commit").value, more=dirty
        )
    if training is not None:
        address, _, commit = training.rpartition("@")
        known = manifest.known("training_commit").value
        yield _dependency(TRAINING_SOURCE, address, {"gitCommit": commit}, role=TRAINING_SOURCE, known=known)


def _containers(manifest: ReleasedManifest, context: Context) -> Iterator[dict[str, Any]]:
    """The container of this job, and the one of the training where that is another."""
    here, training = context.container_digest, manifest.value.get("training_container_digest")
    if here.value is not None:
        yield _container(here.value, context.container_image, CONTAINER, here.known.value)
    if training is not None and training != here.value:
        image = manifest.value.get("training_container_image")
        known = manifest.known("training_container_digest").value
        yield _container(training, image, TRAINING_CONTAINER, known)


def _container(digest: str, image: str | None, role: str, known: str) -> dict[str, Any]:
    uri = of_image(image, Digest.parse(digest)) if image else None
    return _dependency(role, uri, {"sha256": Digest.parse(digest).hex}, role=role, known=known)


def _base_models(manifest: ReleasedManifest) -> Iterator[dict[str, Any]]:
    bases = [manifest.value["fine_tuned_from"]] if "fine_tuned_from" in manifest.value else []
    for base in (*bases, *manifest.value.get("merged_from", ())):
        yield _declared(base["model"], base, "model", BASE_MODEL)


def _datasets(manifest: ReleasedManifest) -> Iterator[dict[str, Any]]:
    for dataset in manifest.value.get("datasets", ()):
        more = {"digestKnown": dataset["digest_known"]} if "digest_known" in dataset else None
        yield _declared(dataset["name"], dataset, "dataset", DATASET, more)


def _declared(
    name: str, entry: Mapping[str, Any], kind: str, role: str, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A name needs an address of some kind (SLSA: one of uri, digest, content); a generic purl claims no place."""
    digest = {"sha256": Digest.parse(entry["digest"]).hex} if "digest" in entry else {}
    version = f"@{quote(entry['version'], safe='')}" if "version" in entry else ""
    generic = f"pkg:generic/{kind}/{'/'.join(quote(part, safe='') for part in name.split('/') if part)}{version}"
    return _dependency(
        name, entry.get("purl") or entry.get("url") or generic, digest, role=role, known=_DECLARED, more=more
    )


def _dependency(
    name: str,
    uri: str | None,
    digest: Mapping[str, str],
    *,
    role: str,
    known: str,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    value: dict[str, Any] = {"name": name, "annotations": {"role": role, "known": known, **(more or {})}}
    if uri is not None:
        value["uri"] = uri
    if digest:
        value["digest"] = dict(digest)
    return value
