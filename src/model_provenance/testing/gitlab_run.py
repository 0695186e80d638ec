"""One GitLab CI/CD job: the claims of its identity token and its predefined variables; all of one piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_REFS = {"branch": "refs/heads/", "tag": "refs/tags/"}


@dataclass(frozen=True)
class GitLabRun:
    """What is true of the job. Defaults: a push to the protected main branch of a public project on gitlab.com."""

    project_path: str = "acme/models/minilm"
    project_id: str = "48151623"
    namespace_id: str = "4242001"
    ref: str = "main"
    ref_type: str = "branch"
    sha: str = "8f4b7c1d2e3a4b5c6d7e8f90a1b2c3d4e5f60718"
    pipeline_source: str = "push"
    #: The project's CI file; None when the pipeline is defined elsewhere: the token then names no configuration.
    config_path: str | None = ".gitlab-ci.yml"
    job: str = "release"
    stage: str = "deploy"
    job_id: str = "7700000001"
    pipeline_id: str = "1500000001"
    pipeline_iid: str = "42"
    environment: str | None = None
    ref_protected: bool = True
    runner_environment: str = "gitlab-hosted"
    visibility: str = "public"
    user: str = "octo-dev"
    image: str | None = None
    server_url: str = "https://gitlab.com"

    @property
    def namespace_path(self) -> str:
        """The group."""
        return self.project_path.rpartition("/")[0]

    @property
    def full_ref(self) -> str:
        """`refs/heads/…` or `refs/tags/…`; a merge request pipeline's is its source branch."""
        return _REFS[self.ref_type] + self.ref

    @property
    def config_ref_uri(self) -> str | None:
        """`host/group/project//.gitlab-ci.yml@refs/heads/main`; the double slash is right."""
        if self.config_path is None:
            return None
        return f"{self.host}/{self.project_path}//{self.config_path}@{self.full_ref}"

    @property
    def host(self) -> str:
        """The instance's name, with its port."""
        return urlsplit(self.server_url).netloc

    def claims(self) -> dict[str, Any]:
        """The identity token's claims, without audience and times."""
        claims: dict[str, Any] = {
            "iss": self.server_url,
            "sub": f"project_path:{self.project_path}:ref_type:{self.ref_type}:ref:{self.ref}",
            "ci_config_ref_uri": self.config_ref_uri,
            "ci_config_sha": self.sha if self.config_path else None,
            "groups_direct": [self.namespace_path],
            "job_id": self.job_id,
            "job_project_id": self.project_id,
            "job_project_path": self.project_path,
            "namespace_id": self.namespace_id,
            "namespace_path": self.namespace_path,
            "pipeline_id": self.pipeline_id,
            "pipeline_source": self.pipeline_source,
            "project_id": self.project_id,
            "project_path": self.project_path,
            "project_visibility": self.visibility,
            "ref": self.ref,
            "ref_path": self.full_ref,
            "ref_protected": str(self.ref_protected).lower(),
            "ref_type": self.ref_type,
            "runner_environment": self.runner_environment,
            "runner_id": 12270831,
            "sha": self.sha,
            "user_email": f"{self.user}@example.com",
            "user_id": "583231",
            "user_login": self.user,
        }
        if self.environment is not None:
            claims |= {
                "environment": self.environment,
                "environment_protected": "true",
                "environment_action": "start",
                "deployment_tier": "production",
            }
        return claims

    def variables(self) -> dict[str, str]:
        """The predefined variables that hold facts; those that hold paths are the environment's."""
        about = (self._about_server(), self._about_project(), self._about_job(), self._about_ref(), self._optional())
        return {name: value for variables in about for name, value in variables.items()}

    def _about_server(self) -> dict[str, str]:
        url = urlsplit(self.server_url)
        return {
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_SERVER": "yes",
            "CI_API_V4_URL": f"{self.server_url}/api/v4",
            "CI_SERVER_FQDN": self.host,
            "CI_SERVER_HOST": url.hostname or "",
            "CI_SERVER_NAME": "GitLab",
            "CI_SERVER_PORT": str(url.port or 443),
            "CI_SERVER_PROTOCOL": url.scheme,
            "CI_SERVER_URL": self.server_url,
            "CI_SERVER_VERSION": "18.5.0",
        }

    def _about_project(self) -> dict[str, str]:
        return {
            "CI_CONFIG_PATH": self.config_path or f"ci.yml@{self.namespace_path}/pipelines",
            "CI_DEFAULT_BRANCH": "main",
            "CI_PROJECT_ID": self.project_id,
            "CI_PROJECT_NAME": self.project_path.rpartition("/")[2],
            "CI_PROJECT_NAMESPACE": self.namespace_path,
            "CI_PROJECT_NAMESPACE_ID": self.namespace_id,
            "CI_PROJECT_PATH": self.project_path,
            "CI_PROJECT_ROOT_NAMESPACE": self.project_path.partition("/")[0],
            "CI_PROJECT_URL": f"{self.server_url}/{self.project_path}",
            "CI_PROJECT_VISIBILITY": self.visibility,
            "CI_REPOSITORY_URL": f"https://gitlab-ci-token:[MASKED]@{self.host}/{self.project_path}.git",
        }

    def _about_job(self) -> dict[str, str]:
        project_url = f"{self.server_url}/{self.project_path}"
        return {
            "CI_JOB_ID": self.job_id,
            "CI_JOB_NAME": self.job,
            "CI_JOB_STAGE": self.stage,
            "CI_JOB_STATUS": "running",
            "CI_JOB_URL": f"{project_url}/-/jobs/{self.job_id}",
            "CI_PIPELINE_ID": self.pipeline_id,
            "CI_PIPELINE_IID": self.pipeline_iid,
            "CI_PIPELINE_SOURCE": self.pipeline_source,
            "CI_PIPELINE_URL": f"{project_url}/-/pipelines/{self.pipeline_id}",
            "CI_RUNNER_DESCRIPTION": "1-blue.saas-linux-small-amd64.runners-manager.gitlab.com/default",
            "CI_RUNNER_EXECUTABLE_ARCH": "linux/amd64",
            "CI_RUNNER_ID": "12270831",
            "CI_RUNNER_TAGS": '["saas-linux-small-amd64"]',
            "CI_RUNNER_VERSION": "18.5.0",
            "GITLAB_USER_EMAIL": f"{self.user}@example.com",
            "GITLAB_USER_ID": "583231",
            "GITLAB_USER_LOGIN": self.user,
            "GITLAB_USER_NAME": "Octo Dev",
        }

    def _about_ref(self) -> dict[str, str]:
        commit = {
            "CI_COMMIT_BEFORE_SHA": "0" * 40,
            "CI_COMMIT_REF_NAME": self.ref,
            "CI_COMMIT_REF_PROTECTED": str(self.ref_protected).lower(),
            "CI_COMMIT_REF_SLUG": self.ref.lower().replace("/", "-").replace(".", "-"),
            "CI_COMMIT_SHA": self.sha,
            "CI_COMMIT_SHORT_SHA": self.sha[:8],
        }
        if self.ref_type == "tag":
            return {**commit, "CI_COMMIT_TAG": self.ref}
        if self.pipeline_source == "merge_request_event":
            return commit | {
                "CI_MERGE_REQUEST_IID": "7",
                "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": self.ref,
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
                "CI_MERGE_REQUEST_PROJECT_PATH": self.project_path,
                "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": self.project_path,
            }
        return {**commit, "CI_COMMIT_BRANCH": self.ref}

    def _optional(self) -> dict[str, str]:
        found = {"CI_JOB_IMAGE": self.image, "CI_ENVIRONMENT_NAME": self.environment}
        return {name: value for name, value in found.items() if value is not None}
