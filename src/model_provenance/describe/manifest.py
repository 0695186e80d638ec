"""From the source manifest that people write to the released one: observed facts join declared ones, never silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from model_provenance.describe.declared import license_of, lineage
from model_provenance.domain.context import Context, Fact, Known
from model_provenance.domain.evidence import SbomDocument
from model_provenance.domain.facts import ModelFacts
from model_provenance.domain.finding import Finding, warned
from model_provenance.domain.manifest import ReleasedManifest, SourceManifest
from model_provenance.domain.moment import rfc3339
from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.package import Package
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.commits import parse_commit
from model_provenance.formats.manifest import RELEASED_SCHEMA, released
from model_provenance.formats.manifest_rules import artifact_name

__all__ = ["ReleasedManifest", "complete"]

#: Taken over from the source manifest as they are.
_DECLARED_ALONE = ("supplier", "copyright", "usage", "hyperparameters", "tests", "data_governance", "origin")
#: Facts that a reader may look for: where nobody knows one, `known` says so.
_EXPECTED = (
    "release_commit",
    "training_commit",
    "training_container_digest",
    "datasets",
    "license",
)


def complete(
    *,
    name: ModelName,
    version: Version,
    source: SourceManifest | None,
    package: Package,
    facts: ModelFacts,
    context: Context,
    sboms: Sequence[SbomDocument],
    tool_version: str,
    syft_version: str | None = None,
) -> ReleasedManifest:
    """The released manifest. Its `findings` say what was overruled.

    Observed beats declared. Raises `manifest.contradiction` where the source manifest declares another model than the
    one that is released. Where the licences of manifest and model disagree, the finding is the SBOM's.
    """
    source = source or SourceManifest({}, "", {})
    observed = _observed(name, version, package, sboms)
    _refuse_contradictions(source, observed, context)
    value: dict[str, Any] = {"schema": RELEASED_SCHEMA, **observed}
    known = dict.fromkeys(observed, Known.OBSERVED) | {"model_name": Known.DECLARED, "version": Known.DECLARED}
    findings: list[Finding] = []
    for part in (
        _commits(context),
        _container(source, context, findings),
        lineage(source, facts, findings),
        license_of(source, package, facts),
        {field: Fact(source.value[field], Known.DECLARED) for field in _DECLARED_ALONE if field in source.value},
        _timestamp(source, context, findings),
    ):
        value |= {field: fact.value for field, fact in part.items()}
        known |= {field: fact.known for field, fact in part.items()}
    value["tool"] = {
        "name": "model-provenance",
        "version": tool_version,
        **({"syft": syft_version} if syft_version else {}),
    }
    value["known"] = {field: known.get(field, Known.UNKNOWN).value for field in (*_EXPECTED, *known)}
    if "fine_tuned_from" not in value and "merged_from" not in value:
        value["known"]["fine_tuned_from"] = Known.UNKNOWN.value
    return _valid(value, tuple(findings))


def _observed(name: ModelName, version: Version, package: Package, sboms: Sequence[SbomDocument]) -> dict[str, Any]:
    """What follows from the name, the version and the bytes."""
    compression = package.archive.compression if package.archive else None
    return {
        "model_name": name.text,
        "version": version.text,
        "artifact": artifact_name(name, version, package.layout.value),
        "artifact_sha256": package.package_digest.hex,
        "layout": package.layout.value,
        **({"compression": compression} if compression else {}),
        "model_digest": str(package.model_digest),
        "files_digest": str(package.files_digest),
        "file_count": len(package.files),
        "total_bytes": package.total_bytes,
        "sbom": sboms[0].file_name,
        "sboms": [
            {
                "name": sbom.file_name,
                "media_type": sbom.media_type,
                "predicate_type": sbom.predicate_type,
                "digest": str(sbom.digest),
                "size": len(sbom.data),
            }
            for sbom in sboms
        ],
    }


def refuse_other_model(name: ModelName, version: Version, source: SourceManifest | None, context: Context) -> None:
    """What of `manifest.contradiction` can be known before the weights are read: nobody should wait for it."""
    if source is not None:
        _refuse_contradictions(source, {"model_name": str(name), "version": str(version)}, context)


def _refuse_contradictions(source: SourceManifest, observed: Mapping[str, Any], context: Context) -> None:
    """All contradictions at once, each with its place."""
    lines = [f"{source.place(field)}: `{field}` {why}" for field, why in _contradictions(source, observed, context)]
    if lines:
        message = "\n  ".join(["the source manifest describes another release:", *lines])
        raise ModelProvenanceError("manifest.contradiction", message, location=source.file_name)


def _contradictions(source: SourceManifest, observed: Mapping[str, Any], context: Context) -> Iterator[tuple[str, str]]:
    for field, value in source.value.items():
        if field in observed and value != observed[field]:
            yield field, f"is {shown(str(value))}, the release's is {observed[field]}"
    declared, trained = source.value.get("training_commit"), context.training_commit.value
    reference = parse_commit(declared) if declared else None
    if reference is not None and trained is not None:
        address, _, commit = trained.rpartition("@")
        if not commit.startswith(reference.id) or reference.repository not in (None, address, f"{address}.git"):
            yield "training_commit", f"is {shown(declared or '')}, the release's is {trained}"
    container = source.value.get("training_container_digest")
    if container and context.container_digest.value not in (None, container) and _trained_here(context):
        yield (
            "training_container_digest",
            f"is {container}, and the job that trained ran in {context.container_digest.value}",
        )


def _commits(context: Context) -> dict[str, Fact[str]]:
    facts = {"release_commit": context.release_commit, "training_commit": context.training_commit}
    return {field: fact for field, fact in facts.items() if fact.value is not None}


def _container(source: SourceManifest, context: Context, findings: list[Finding]) -> dict[str, Fact[str]]:
    """The declared container, else the job's: unless another commit trained, for then that was another job."""
    declared, image = (source.value.get(f"training_container_{part}") for part in ("digest", "image"))
    here = context.container_digest
    elsewhere = context.training_commit.value is not None and not _trained_here(context)
    if declared is None and here.value is not None and (here.known is Known.DECLARED or not elsewhere):
        if image is not None and image != context.container_image:
            message = f"the container {shown(image)} is declared without a digest; the job's is recorded"
            findings.append(warned("manifest.conflict", message, location=source.place("training_container_image")))
        digest, image = here, Fact(context.container_image, here.known)
    else:
        digest, image = Fact(declared, Known.DECLARED), Fact(image, Known.DECLARED)
    facts = {"training_container_digest": digest, "training_container_image": image}
    return {field: fact for field, fact in facts.items() if fact.value is not None}


def _timestamp(source: SourceManifest, context: Context, findings: list[Finding]) -> dict[str, Fact[str]]:
    """The time of SOURCE_DATE_EPOCH or of the release commit; the declared one only where there is neither."""
    declared = source.value.get("timestamp")
    if context.epoch is None:
        return {} if declared is None else {"timestamp": Fact(declared, Known.DECLARED)}
    text = rfc3339(context.epoch)
    if declared not in (None, text):
        message = f"`timestamp` is declared as {declared}, the release commit and SOURCE_DATE_EPOCH say {text}"
        findings.append(warned("manifest.conflict", message, location=source.place("timestamp")))
    of_commit = context.git is not None and context.git.commit_time == context.epoch
    return {"timestamp": Fact(text, Known.OBSERVED if of_commit else Known.DECLARED)}


def _trained_here(context: Context) -> bool:
    return context.training_commit.value is not None and context.training_commit.value == context.release_commit.value


def _valid(value: Mapping[str, Any], findings: tuple[Finding, ...]) -> ReleasedManifest:
    """Our own output against our own rules: whatever they refuse here is a defect of ours."""
    try:
        manifest = released(value)
    except ModelProvenanceError as error:
        raise ModelProvenanceError("internal.error", f"the completed manifest is not valid: {error.message}") from error
    return ReleasedManifest(manifest.value, manifest.data, findings)
