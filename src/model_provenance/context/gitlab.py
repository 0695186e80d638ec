"""GitLab CI/CD: the job as its predefined variables and its identity token tell it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from model_provenance.context.variables import Variables, visibility_named
from model_provenance.domain.context import CiRun, Identity, Provider
from model_provenance.errors import ModelProvenanceError

#: Fields of a run, and the claim that says each (docs.gitlab.com, ID token payload). `ref` is joined with `ref_type`.
CLAIMS = {
    "repository": "project_path",
    "repository_id": "project_id",
    "owner": "namespace_path",
    "owner_id": "namespace_id",
    "commit": "sha",
    "ref": "ref",
    "event": "pipeline_source",
    "config_uri": "ci_config_ref_uri",
    "config_commit": "ci_config_sha",
    "builder_uri": "ci_config_ref_uri",
    "run_id": "job_id",
    "runner_environment": "runner_environment",
    "environment": "environment",
}
VISIBILITY_CLAIM = "project_visibility"
MORE_CLAIMS = ("ref_type", VISIBILITY_CLAIM)

ID_TOKENS_YAML = """\
    id_tokens:
      SIGSTORE_ID_TOKEN:
        aud: sigstore"""


def is_here(env: Mapping[str, str]) -> bool:
    """True in a job of GitLab. gitlab-ci-local sets GITLAB_CI to `false`, so the value counts."""
    return env.get("GITLAB_CI") == "true"


def run_from(env: Mapping[str, str]) -> CiRun | None:
    """The job as its predefined variables tell it; None elsewhere.

    The run id is the job's: a pipeline has no certificate, a job has (`…/-/jobs/ID` is .21). Errors: `context.runner`.
    """
    if not is_here(env):
        return None
    read = Variables(env, "GitLab CI/CD")
    server, project, job = read.server("CI_SERVER_URL"), read.path("CI_PROJECT_PATH"), read.number("CI_JOB_ID")
    config = read.optional("CI_CONFIG_REF_URI")
    kind = "tag" if env.get("CI_COMMIT_TAG") else "branch"
    return CiRun(
        provider=Provider.GITLAB,
        server_url=server,
        repository=project,
        repository_id=read.optional("CI_PROJECT_ID"),
        owner=read.optional("CI_PROJECT_NAMESPACE") or project.rpartition("/")[0],
        owner_id=read.optional("CI_PROJECT_NAMESPACE_ID"),
        commit=read.commit("CI_COMMIT_SHA"),
        ref=full_ref(read.required("CI_COMMIT_REF_NAME"), kind),
        event=read.required("CI_PIPELINE_SOURCE"),
        config_uri=config,
        config_commit=None,
        builder_uri=config,
        run_id=job,
        run_attempt=None,
        run_url=run_url(server, project, job),
        job=read.optional("CI_JOB_NAME"),
        runner_environment=None,
        visibility=visibility_named(env.get("CI_PROJECT_VISIBILITY")),
        actor=read.optional("GITLAB_USER_LOGIN"),
        environment=read.optional("CI_ENVIRONMENT_NAME"),
    )


def run_url(server: str, project: str, job: str, attempt: str | None = None) -> str:  # noqa: ARG001 - jobs have none
    """The page of a job, as Fulcio writes it into certificates (.21)."""
    return f"{server}/{project}/-/jobs/{job}"


def full_ref(name: str, kind: str) -> str:
    """`refs/heads/…` or `refs/tags/…`, as Fulcio forms it (.14): merge requests carry their source branch."""
    return f"refs/{'tags' if kind == 'tag' else 'heads'}/{name}"


def fields_of(claims: Mapping[str, str]) -> dict[str, str]:
    """The fields of a run that a GitLab token speaks of; empty for a token of another issuer."""
    if "project_path" not in claims:
        return {}
    fields = {field: claims[claim] for field, claim in CLAIMS.items() if claim in claims}
    if "ref" in fields:
        fields["ref"] = full_ref(fields["ref"], claims.get("ref_type", "branch"))
    return fields


def workspace_of(env: Mapping[str, str]) -> Path | None:
    """The folder that the runner checks out into."""
    return Path(env["CI_PROJECT_DIR"]) if is_here(env) and env.get("CI_PROJECT_DIR") else None


def check_usable(identity: Identity) -> None:
    """Fulcio refuses a GitLab token whose `ci_config_ref_uri` is null, without saying so: say it before (21)."""
    if dict(identity.claims).get("ci_config_ref_uri"):
        return
    raise ModelProvenanceError(
        "context.token_unusable",
        "GitLab put no `ci_config_ref_uri` into this job's identity token, so Sigstore would refuse it. "
        "GitLab leaves it empty when the pipeline's file is not in this project: in child pipelines, Auto DevOps, "
        "policy pipelines, and with a CI configuration path that points to another project",
        remedy="Release from a job of the project's own `.gitlab-ci.yml` (jobs that it includes are fine).",
    )
