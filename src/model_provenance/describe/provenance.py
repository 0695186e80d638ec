"""SLSA provenance v1 of a release: what went in, who built it, and which statements belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from model_provenance.describe.dependencies import dependencies
from model_provenance.describe.subjects import subjects
from model_provenance.domain.context import CiRun, Context, Provider
from model_provenance.domain.evidence import Predicate, Statement
from model_provenance.domain.manifest import ReleasedManifest
from model_provenance.domain.package import Package
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.dsse import PAYLOAD_TYPE
from model_provenance.formats.intoto import statement
from model_provenance.formats.slsa import BUILD_TYPE, LOCAL_BUILDER, safe_text

_TEXT_LIMIT = 2000

#: Options of a release as external parameters: JSON values, equal for equal command lines.
Options = Mapping[str, str | bool | Sequence[str]]


def provenance(
    *,
    manifest: ReleasedManifest,
    package: Package,
    context: Context,
    options: Options,
    others: Sequence[Statement],
    tool_version: str,
) -> Statement:
    """The statement that names all `others` of its run. Without a CI run it holds no fact about the run.

    Raises `provenance.context` where the runner says something that is not a bounded line of text.
    """
    details: dict[str, Any] = {"builder": {"id": _builder(context.run), "version": _versions(manifest, tool_version)}}
    if context.run is not None:
        details["metadata"] = {"invocationId": _line(context.run.run_url, "run URL")}
    details["byproducts"] = [_byproduct(other) for other in others]
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "model": {"name": manifest.model_name, "version": manifest.version},
                "options": {name: _option(value) for name, value in options.items()},
            },
            "internalParameters": {"filesDigest": str(package.files_digest), **_run(context)},
            "resolvedDependencies": dependencies(manifest, context),
        },
        "runDetails": details,
    }
    return Statement("provenance", Predicate.PROVENANCE, statement(subjects(package), Predicate.PROVENANCE, predicate))


def _builder(run: CiRun | None) -> str:
    """The address that Fulcio writes into the certificate (.9); without a token nobody vouches for a builder."""
    if run is None or run.builder_uri is None:
        return LOCAL_BUILDER
    uri = _line(run.builder_uri, "workflow")
    return f"https://{uri}" if run.provider is Provider.GITLAB else f"{_line(run.server_url, 'server')}/{uri}"


def _versions(manifest: ReleasedManifest, tool_version: str) -> dict[str, str]:
    syft = manifest.value["tool"].get("syft")
    return {"model-provenance": tool_version, **({"syft": syft} if syft else {})}


def _run(context: Context) -> dict[str, Any]:
    run = context.run
    if run is None:
        return {}
    facts = {
        "provider": run.provider.value,
        "repository": f"{run.server_url}/{run.repository}",
        "repositoryId": run.repository_id,
        "ownerId": run.owner_id,
        "commit": run.commit,
        "ref": run.ref,
        "event": run.event,
        "config": run.config_uri,
        "configCommit": run.config_commit,
        "runId": run.run_id,
        "runAttempt": run.run_attempt,
        "job": run.job,
        "runnerEnvironment": run.runner_environment,
        "environment": run.environment,
        #: "identity token" or "environment of the run".
        "knownFrom": context.release_commit.source or None,
    }
    return {"run": {name: _line(value, name) for name, value in facts.items() if value is not None}}


def _byproduct(other: Statement) -> dict[str, Any]:
    return {
        "name": other.name,
        "digest": {"sha256": other.digest.hex},
        "mediaType": PAYLOAD_TYPE,
        "annotations": {"predicateType": other.predicate_type},
    }


def _option(value: str | bool | Sequence[str]) -> Any:
    return value if isinstance(value, (str, bool)) else list(value)


def _line(value: str, what: str) -> str:
    if not safe_text(value, _TEXT_LIMIT):
        raise ModelProvenanceError("provenance.context", f"the {what} of this run is {shown(value)}")
    return value
