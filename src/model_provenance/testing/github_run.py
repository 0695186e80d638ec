"""One GitHub Actions job: the claims of its identity token, its environment, its event payload; all of one piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from model_provenance.testing.identities import GITHUB_ISSUER

GITHUB = "https://github.com"
_API = "https://api.github.com"


@dataclass(frozen=True)
class GitHubRun:
    """What is true of the job. Defaults: a push to main of a public repository on GitHub's own runner."""

    repository: str = "acme/minilm"
    repository_id: str = "718293041"
    owner_id: str = "9919001"
    ref: str = "refs/heads/main"
    sha: str = "8f4b7c1d2e3a4b5c6d7e8f90a1b2c3d4e5f60718"
    event_name: str = "push"
    workflow: str = ".github/workflows/release.yml"
    workflow_name: str = "Release"
    #: `OWNER/REPO/PATH@REF` of the reusable workflow that the job comes from; None for a job of `workflow` itself.
    job_workflow_ref: str | None = None
    job_workflow_sha: str | None = None
    job: str = "release"
    environment: str | None = None
    runner_environment: str = "github-hosted"
    visibility: str = "public"
    run_id: str = "16300000001"
    run_number: str = "42"
    run_attempt: str = "1"
    actor: str = "octo-dev"
    actor_id: str = "583231"
    ref_protected: bool = True
    #: `https://github.com`, or that of an Enterprise Server.
    server_url: str = GITHUB
    #: `sub` as repositories made or renamed since July 2026 have it: names with their never recycled numbers.
    immutable_subject: bool = False
    #: Pull requests only: `OWNER/REPO` whose branch `head_ref` is to be merged into `base_ref`.
    head_repository: str | None = None
    head_ref: str = "feature"
    base_ref: str = "main"
    pull_request: int = 7

    @property
    def owner(self) -> str:
        """The repository's owner."""
        return self.repository.partition("/")[0]

    @property
    def issuer(self) -> str:
        """Who issues the token: Actions of github.com, or the Enterprise Server itself."""
        return GITHUB_ISSUER if self.server_url == GITHUB else f"{self.server_url}/_services/token"

    @property
    def api_url(self) -> str:
        """The REST API."""
        return _API if self.server_url == GITHUB else f"{self.server_url}/api/v3"

    @property
    def workflow_ref(self) -> str:
        """`OWNER/REPO/PATH@REF` of the workflow that was started."""
        return f"{self.repository}/{self.workflow}@{self.git_ref}"

    @property
    def builder_ref(self) -> str:
        """`OWNER/REPO/PATH@REF` of the workflow that signs."""
        return self.job_workflow_ref or self.workflow_ref

    @property
    def builder_sha(self) -> str:
        """The commit of the workflow that signs."""
        return self.job_workflow_sha or (self.sha if self.job_workflow_ref is None else "c" * 40)

    @property
    def is_pull_request(self) -> bool:
        """Whether the event is about a pull request and runs on its merge commit."""
        return self.event_name == "pull_request"

    @property
    def git_ref(self) -> str:
        """The ref that runs: of a pull request always its merge ref."""
        return f"refs/pull/{self.pull_request}/merge" if self.is_pull_request else self.ref

    @property
    def ref_name(self) -> str:
        """The short name of the ref."""
        for prefix in ("refs/heads/", "refs/tags/", "refs/pull/"):
            if self.git_ref.startswith(prefix):
                return self.git_ref.removeprefix(prefix)
        return self.git_ref

    @property
    def ref_type(self) -> str:
        """`tag` or `branch`."""
        return "tag" if self.git_ref.startswith("refs/tags/") else "branch"

    @property
    def from_fork(self) -> bool:
        """Whether the change comes from another repository; such a run never gets an identity token."""
        return self.is_pull_request and self.head_repository not in (None, self.repository)

    @property
    def subject(self) -> str:
        """The token's `sub`; colons in names are escaped."""
        owner, _, name = self.repository.partition("/")
        repository = self.repository
        if self.immutable_subject:
            repository = f"{owner}@{self.owner_id}/{name}@{self.repository_id}"
        if self.environment is not None:
            return f"repo:{repository}:environment:{self.environment.replace(':', '%3A')}"
        if self.is_pull_request:
            return f"repo:{repository}:pull_request"
        return f"repo:{repository}:ref:{self.git_ref.replace(':', '%3A')}"

    def claims(self) -> dict[str, Any]:
        """The identity token's claims, without audience and times."""
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "actor": self.actor,
            "actor_id": self.actor_id,
            "base_ref": self.base_ref if self.is_pull_request else "",
            "check_run_id": "46000000001",
            "event_name": self.event_name,
            "head_ref": self.head_ref if self.is_pull_request else "",
            "job_workflow_ref": self.builder_ref,
            "job_workflow_sha": self.builder_sha,
            "ref": self.git_ref,
            "ref_protected": str(self.ref_protected).lower(),
            "ref_type": self.ref_type,
            "repository": self.repository,
            "repository_id": self.repository_id,
            "repository_owner": self.owner,
            "repository_owner_id": self.owner_id,
            "repository_visibility": self.visibility,
            "run_attempt": self.run_attempt,
            "run_id": self.run_id,
            "run_number": self.run_number,
            "runner_environment": self.runner_environment,
            "sha": self.sha,
            "workflow": self.workflow_name,
            "workflow_ref": self.workflow_ref,
            "workflow_sha": self.sha,
        }
        if self.environment is not None:
            claims["environment"] = self.environment
        return claims

    def variables(self) -> dict[str, str]:
        """The GITHUB_* variables that hold facts; those that hold paths are the environment's."""
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION": "__run",
            "GITHUB_ACTION_REF": "",
            "GITHUB_ACTION_REPOSITORY": "",
            "GITHUB_ACTOR": self.actor,
            "GITHUB_ACTOR_ID": self.actor_id,
            "GITHUB_API_URL": self.api_url,
            "GITHUB_BASE_REF": self.base_ref if self.is_pull_request else "",
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_GRAPHQL_URL": f"{self.api_url.removesuffix('/v3')}/graphql",
            "GITHUB_HEAD_REF": self.head_ref if self.is_pull_request else "",
            "GITHUB_JOB": self.job,
            "GITHUB_REF": self.git_ref,
            "GITHUB_REF_NAME": self.ref_name,
            "GITHUB_REF_PROTECTED": str(self.ref_protected).lower(),
            "GITHUB_REF_TYPE": self.ref_type,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_REPOSITORY_ID": self.repository_id,
            "GITHUB_REPOSITORY_OWNER": self.owner,
            "GITHUB_REPOSITORY_OWNER_ID": self.owner_id,
            "GITHUB_RETENTION_DAYS": "90",
            "GITHUB_RUN_ATTEMPT": self.run_attempt,
            "GITHUB_RUN_ID": self.run_id,
            "GITHUB_RUN_NUMBER": self.run_number,
            "GITHUB_SERVER_URL": self.server_url,
            "GITHUB_SHA": self.sha,
            "GITHUB_TRIGGERING_ACTOR": self.actor,
            "GITHUB_WORKFLOW": self.workflow_name,
            "GITHUB_WORKFLOW_REF": self.workflow_ref,
            "GITHUB_WORKFLOW_SHA": self.sha,
            "RUNNER_ARCH": "X64",
            "RUNNER_ENVIRONMENT": self.runner_environment,
            "RUNNER_NAME": "GitHub Actions 1000000042",
            "RUNNER_OS": "Linux",
        }

    def event(self) -> dict[str, Any]:
        """The webhook payload, as far as a job reads it."""
        payload: dict[str, Any] = {
            "repository": self._repository(self.repository, self.repository_id),
            "sender": {"login": self.actor, "id": int(self.actor_id), "type": self._sender_type()},
        }
        if self.is_pull_request:
            head = self.head_repository or self.repository
            head_id = self.repository_id if head == self.repository else "899999999"
            payload |= {
                "action": "synchronize",
                "number": self.pull_request,
                "pull_request": {
                    "number": self.pull_request,
                    "user": {"login": self.actor, "type": self._sender_type()},
                    "head": {"ref": self.head_ref, "sha": "d" * 40, "repo": self._repository(head, head_id)},
                    "base": {"ref": self.base_ref, "sha": "b" * 40, "repo": payload["repository"]},
                },
            }
        elif self.event_name == "push":
            payload |= {"ref": self.git_ref, "before": "0" * 40, "after": self.sha, "head_commit": {"id": self.sha}}
        elif self.event_name == "release":
            payload |= {"action": "published", "release": {"tag_name": self.ref_name, "draft": False}}
        return payload

    def _repository(self, full_name: str, number: str) -> dict[str, Any]:
        owner, _, name = full_name.partition("/")
        return {
            "id": int(number),
            "name": name,
            "full_name": full_name,
            "private": self.visibility != "public",
            "visibility": self.visibility,
            "fork": full_name != self.repository,
            "html_url": f"{self.server_url}/{full_name}",
            "default_branch": "main",
            "owner": {"login": owner, "id": int(self.owner_id) if owner == self.owner else 1},
        }

    def _sender_type(self) -> str:
        return "Bot" if self.actor.endswith("[bot]") else "User"
