"""GitHub Actions: the run as the runner's environment, the event and the identity token tell it.

`act` and container steps leave some variables unset (GITHUB_WORKFLOW_REF, GITHUB_REPOSITORY_ID, RUNNER_ENVIRONMENT …);
those come from the token, or stay unknown. (actions-toolkit's event context is not used: it reads the process's own
environment and an event file of any size.)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_provenance.context.variables import Variables, visibility_named
from model_provenance.domain.context import CiRun, Provider, Visibility
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json

#: Fields of a run, and the claim that says each (docs.github.com, OpenID Connect reference).
CLAIMS = {
    "repository": "repository",
    "repository_id": "repository_id",
    "owner": "repository_owner",
    "owner_id": "repository_owner_id",
    "commit": "sha",
    "ref": "ref",
    "event": "event_name",
    "config_uri": "workflow_ref",
    "config_commit": "workflow_sha",
    "builder_uri": "job_workflow_ref",
    "run_id": "run_id",
    "run_attempt": "run_attempt",
    "runner_environment": "runner_environment",
    "actor": "actor",
    "environment": "environment",
}
VISIBILITY_CLAIM = "repository_visibility"
#: Claims read elsewhere: the commit of the file that the job stands in, and who may see the repository.
MORE_CLAIMS = ("job_workflow_sha", VISIBILITY_CLAIM)
#: GitHub's limit for a webhook payload is 25 MB.
_LARGEST_EVENT = 32 << 20

PERMISSIONS_YAML = """\
    permissions:
      contents: read
      id-token: write"""


def is_here(env: Mapping[str, str]) -> bool:
    """True in a job of GitHub Actions."""
    return env.get("GITHUB_ACTIONS") == "true"


def run_from(env: Mapping[str, str]) -> CiRun | None:
    """The job as its environment tells it; None elsewhere.

    Errors: `context.runner` where a variable that every runner sets is missing or malformed, `context.event`.
    """
    if not is_here(env):
        return None
    read = Variables(env, "GitHub Actions")
    server, repository = read.server("GITHUB_SERVER_URL"), read.path("GITHUB_REPOSITORY")
    run_id, attempt = read.number("GITHUB_RUN_ID"), read.optional("GITHUB_RUN_ATTEMPT")
    return CiRun(
        provider=Provider.GITHUB,
        server_url=server,
        repository=repository,
        repository_id=read.optional("GITHUB_REPOSITORY_ID"),
        owner=read.optional("GITHUB_REPOSITORY_OWNER") or repository.partition("/")[0],
        owner_id=read.optional("GITHUB_REPOSITORY_OWNER_ID"),
        commit=read.commit("GITHUB_SHA"),
        ref=read.ref("GITHUB_REF"),
        event=read.required("GITHUB_EVENT_NAME"),
        config_uri=read.optional("GITHUB_WORKFLOW_REF"),
        config_commit=read.optional("GITHUB_WORKFLOW_SHA"),
        builder_uri=None,
        run_id=run_id,
        run_attempt=attempt,
        run_url=run_url(server, repository, run_id, attempt),
        job=read.optional("GITHUB_JOB"),
        runner_environment=read.optional("RUNNER_ENVIRONMENT"),
        visibility=visibility_of(event_of(env)),
        actor=read.optional("GITHUB_ACTOR"),
    )


def run_url(server: str, repository: str, run_id: str, attempt: str | None) -> str:
    """The page of a run, as Fulcio writes it into certificates (.21)."""
    return f"{server}/{repository}/actions/runs/{run_id}" + (f"/attempts/{attempt}" if attempt else "")


def fields_of(claims: Mapping[str, str]) -> dict[str, str]:
    """The fields of a run that a GitHub token speaks of; empty for a token of another issuer."""
    if "repository" not in claims or "workflow_ref" not in claims:
        return {}
    return {field: claims[claim] for field, claim in CLAIMS.items() if claim in claims}


def workspace_of(env: Mapping[str, str]) -> Path | None:
    """The folder that the runner checks out into."""
    return Path(env["GITHUB_WORKSPACE"]) if is_here(env) and env.get("GITHUB_WORKSPACE") else None


def event_of(env: Mapping[str, str]) -> Mapping[str, Any]:
    """The webhook payload that started the run; empty where the runner left none.

    Errors: `context.event` for a file that is there and is not a JSON object.
    """
    path = env.get("GITHUB_EVENT_PATH")
    if not is_here(env) or not path:
        return {}
    try:
        if not Path(path).is_file():
            return {}
        with Path(path).open("rb") as stream:
            data = stream.read(_LARGEST_EVENT + 1)
    except OSError as error:
        raise ModelProvenanceError("context.event", f"the event file cannot be read: {error.strerror}") from error
    event = parse_json(data, what="the event file", limit=_LARGEST_EVENT, code="context.event", depth=100)
    if not isinstance(event, dict):
        raise ModelProvenanceError("context.event", "the event file is not a JSON object")
    return event


def visibility_of(event: Mapping[str, Any]) -> Visibility:
    """Who may see the repository, as the event says it; `act` and old servers say only `private`."""
    repository = _object(event, "repository")
    if "visibility" not in repository and isinstance(repository.get("private"), bool):
        return Visibility.PRIVATE if repository["private"] else Visibility.PUBLIC
    return visibility_named(repository.get("visibility"))


def stranger_of(run: CiRun, event: Mapping[str, Any]) -> str | None:
    """Whose pull request this is, when GitHub gives its runs no token: a fork's or Dependabot's; None otherwise.

    Decided by the pull request's own author and head repository. The actor is whoever touched it last: a maintainer
    who re-runs a stranger's job is the actor, and a stranger can make Dependabot the actor (`@dependabot recreate`).
    """
    if run.provider is not Provider.GITHUB or run.event != "pull_request":
        return None
    request = _object(event, "pull_request")
    head, base = _object(request, "head"), _object(event, "repository")
    if not request or not isinstance(base.get("full_name"), str):
        return None
    if _object(head, "repo").get("full_name") != base["full_name"]:  # null where the fork was deleted
        return "a fork"
    return "Dependabot" if _object(request, "user").get("login") == "dependabot[bot]" else None


def _object(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}
