"""SLSA provenance v1 of our build type (spec/release-buildtype-v1.md): its words, and the reading side."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

BUILD_TYPE = "https://model-provenance.dev/buildtypes/release/v1"
#: A builder that no CI service vouches for: a person's machine, or a job without an identity token.
LOCAL_BUILDER = "https://model-provenance.dev/builders/local/v1"
#: slsa.dev/spec/v1.2/provenance: verifiers reject external parameters that they do not know.
EXTERNAL_PARAMETERS = frozenset({"model", "options"})
#: Values of a dependency's annotation `role`.
SOURCE = "source"
TRAINING_SOURCE = "training-source"
CONTAINER = "container"
TRAINING_CONTAINER = "training-container"
BASE_MODEL = "base-model"
DATASET = "dataset"

_TEXT_LIMIT = 4000
_DEPENDENCY_LIMIT = 20_000
_BYPRODUCT_LIMIT = 50
_CODE = "provenance.malformed"
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Byproduct:
    """Another statement of the same run, as the provenance names it."""

    name: str
    predicate_type: str
    #: Of the statement's exact payload bytes.
    digest: Digest


@dataclass(frozen=True, slots=True)
class ProvenanceView:
    """What a verifier reads from the provenance of a release; absent facts are None, never guessed."""

    build_type: str
    builder_id: str
    model_name: str
    version: str
    files_digest: Digest
    #: `git+https://host/owner/repo`, without a ref.
    source_uri: str | None
    source_commit: str | None
    #: `refs/heads/main`
    source_ref: str | None
    invocation_id: str | None
    #: The event that started the run, as the CI service calls it.
    event: str | None
    byproducts: tuple[Byproduct, ...]


def safe_text(value: Any, limit: int = _TEXT_LIMIT) -> bool:
    """Whether `value` is one bounded line of text that is shown as it is."""
    return isinstance(value, str) and 0 < len(value) <= limit and not _UNSAFE.search(value)


def parse(predicate: Mapping[str, Any]) -> ProvenanceView:
    """Read the predicate of one of our provenance statements; raises `provenance.malformed`."""
    definition, details = _object(predicate, "buildDefinition"), _object(predicate, "runDetails")
    build_type = _text(definition, "buildType")
    if build_type != BUILD_TYPE:
        raise _malformed(f"its buildType is {shown(build_type)}, not {BUILD_TYPE}")
    external, internal = _object(definition, "externalParameters"), _object(definition, "internalParameters")
    unknown = sorted(external.keys() - EXTERNAL_PARAMETERS)
    if unknown:
        raise _malformed(f"it has an external parameter of unknown meaning: {shown(unknown[0], 80)}")
    model, run = _object(external, "model"), _object(internal, "run", required=False)
    uri, ref, commit = _source(_list(definition, "resolvedDependencies", _DEPENDENCY_LIMIT))
    return ProvenanceView(
        build_type=build_type,
        builder_id=_text(_object(details, "builder"), "id"),
        model_name=_text(model, "name"),
        version=_text(model, "version"),
        files_digest=_digest(internal, "filesDigest"),
        source_uri=uri,
        source_commit=commit,
        source_ref=ref,
        invocation_id=_optional(_object(details, "metadata", required=False), "invocationId"),
        event=_optional(run, "event"),
        byproducts=_byproducts(details),
    )


def _source(dependencies: list[Any]) -> tuple[str | None, str | None, str | None]:
    """(repository, ref, commit) of the one dependency whose role is `source`."""
    found = [d for d in dependencies if isinstance(d, dict) and _role(d) == SOURCE]
    if len(found) > 1:
        raise _malformed("it names more than one source")
    if not found:
        return None, None, None
    uri = _optional(found[0], "uri")
    commit = _text(_object(found[0], "digest"), "gitCommit")
    if not _COMMIT.fullmatch(commit):
        raise _malformed("the commit of its source is not 40 or 64 lower-case hex digits")
    # The address holds no user information, so the first `@` begins the ref, which may hold more of them.
    repository, _, ref = (uri or "").partition("@")
    return repository or None, ref or None, commit


def _role(dependency: Mapping[str, Any]) -> Any:
    annotations = dependency.get("annotations")
    return annotations.get("role") if isinstance(annotations, dict) else None


def _byproducts(details: Mapping[str, Any]) -> tuple[Byproduct, ...]:
    values = _list(details, "byproducts", _BYPRODUCT_LIMIT)
    found = tuple(_byproduct(value) for value in values)
    if len({entry.name for entry in found}) != len(found):
        raise _malformed("two of its byproducts have one name")
    return found


def _byproduct(value: Any) -> Byproduct:
    if not isinstance(value, dict):
        raise _malformed("a byproduct is not an object")
    digest = _text(_object(value, "digest"), "sha256")
    predicate_type = _text(_object(value, "annotations"), "predicateType")
    return Byproduct(_text(value, "name"), predicate_type, _hex(digest, "a byproduct's digest"))


def _object(parent: Mapping[str, Any], key: str, *, required: bool = True) -> Mapping[str, Any]:
    value = parent.get(key, None if required else {})
    if not isinstance(value, dict):
        raise _malformed(f"`{key}` is not an object")
    return value


def _list(parent: Mapping[str, Any], key: str, limit: int) -> list[Any]:
    value = parent.get(key, [])
    if not isinstance(value, list) or len(value) > limit:
        raise _malformed(f"`{key}` is not a list of at most {limit}")
    return value


def _text(parent: Mapping[str, Any], key: str) -> str:
    value = parent.get(key)
    if not isinstance(value, str) or not safe_text(value):
        raise _malformed(f"`{key}` is not a line of text")
    return value


def _optional(parent: Mapping[str, Any], key: str) -> str | None:
    return _text(parent, key) if key in parent else None


def _digest(parent: Mapping[str, Any], key: str) -> Digest:
    text = _text(parent, key)
    return _hex(text.removeprefix("sha256:") if text.startswith("sha256:") else "", f"`{key}`")


def _hex(text: str, what: str) -> Digest:
    try:
        return Digest(text)
    except ValueError as error:
        raise _malformed(f"{what} is not a SHA-256 digest") from error


def _malformed(why: str) -> ModelProvenanceError:
    return ModelProvenanceError(_CODE, f"the provenance is not one of a release: {why}")
