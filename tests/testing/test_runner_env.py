"""Runner environments: complete, of one piece with their token, and able to disagree with it on request."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import requests
from sigstore.oidc import IdentityError, detect_credential

from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

#: The names that the runner passes to a step (actions/runner, GitHubContext.cs), and GITHUB_ACTIONS.
_NAMES = (
    "ACTION ACTIONS ACTION_PATH ACTION_REF ACTION_REPOSITORY ACTOR ACTOR_ID API_URL BASE_REF ENV EVENT_NAME "
    "EVENT_PATH GRAPHQL_URL HEAD_REF JOB OUTPUT PATH REF REF_NAME REF_PROTECTED REF_TYPE REPOSITORY REPOSITORY_ID "
    "REPOSITORY_OWNER REPOSITORY_OWNER_ID RETENTION_DAYS RUN_ATTEMPT RUN_ID RUN_NUMBER SERVER_URL SHA STATE "
    "STEP_SUMMARY TRIGGERING_ACTOR WORKFLOW WORKFLOW_REF WORKFLOW_SHA WORKSPACE"
)
GITHUB_NAMES = frozenset(f"GITHUB_{name}" for name in _NAMES.split())


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unchecked."""
    body = token.split(".")[1]
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return value


def enter(monkeypatch: pytest.MonkeyPatch, environment: RunnerEnv) -> None:
    """Make it this process's environment."""
    for name in ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def test_a_github_step_has_every_variable_of_the_runner(sim: SigstoreSim) -> None:
    """38 GITHUB_* names, all files and folders there, the command files empty."""
    environment = RunnerEnv.github(sim)
    assert {name for name in environment if name.startswith("GITHUB_")} == GITHUB_NAMES
    assert len(GITHUB_NAMES) == 38
    for name in ("OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY"):
        assert Path(environment[f"GITHUB_{name}"]).read_bytes() == b""
    for name in ("GITHUB_WORKSPACE", "RUNNER_TEMP", "RUNNER_TOOL_CACHE", "RUNNER_WORKSPACE", "HOME"):
        assert Path(environment[name]).is_dir()
    assert {"RUNNER_OS", "RUNNER_ARCH", "RUNNER_NAME", "RUNNER_ENVIRONMENT"} <= set(environment)
    assert len(environment) == len(dict(environment))


def test_the_ambient_token_of_a_github_step_says_what_its_environment_says(
    sim: SigstoreSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sigstore-python finds it, and each fact is the same in both."""
    environment = RunnerEnv.github(sim, ref="refs/tags/v1.0.0", event_name="release", environment="production")
    enter(monkeypatch, environment)
    claims = claims_of(detect_credential() or "")
    assert claims["aud"] == "sigstore"
    assert claims["exp"] > claims["iat"]
    same = (
        "actor actor_id event_name ref ref_protected ref_type repository repository_id repository_owner "
        "repository_owner_id run_attempt run_id run_number sha workflow workflow_ref workflow_sha"
    )
    for name in same.split():
        assert claims[name] == environment[f"GITHUB_{name.upper()}"], name
    assert claims["runner_environment"] == environment["RUNNER_ENVIRONMENT"]
    assert environment["GITHUB_REF_NAME"] == "v1.0.0"
    assert claims["sub"] == "repo:acme/minilm:environment:production"
    assert environment.claims is not None
    assert environment.claims.items() <= claims.items()


def test_the_ambient_token_of_a_gitlab_job_says_what_its_environment_says(
    sim: SigstoreSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SIGSTORE_ID_TOKEN`, with the same project, commit, ref, pipeline and job."""
    environment = RunnerEnv.gitlab(sim, image="python@sha256:" + "ab" * 32)
    enter(monkeypatch, environment)
    claims = claims_of(detect_credential() or "")
    same = {
        "project_path": "CI_PROJECT_PATH",
        "project_id": "CI_PROJECT_ID",
        "namespace_path": "CI_PROJECT_NAMESPACE",
        "namespace_id": "CI_PROJECT_NAMESPACE_ID",
        "sha": "CI_COMMIT_SHA",
        "ref": "CI_COMMIT_REF_NAME",
        "ref_protected": "CI_COMMIT_REF_PROTECTED",
        "pipeline_source": "CI_PIPELINE_SOURCE",
        "pipeline_id": "CI_PIPELINE_ID",
        "job_id": "CI_JOB_ID",
        "project_visibility": "CI_PROJECT_VISIBILITY",
        "iss": "CI_SERVER_URL",
        "user_login": "GITLAB_USER_LOGIN",
    }
    for claim, name in same.items():
        assert claims[claim] == environment[name], claim
    assert claims["ci_config_ref_uri"] == "gitlab.com/acme/models/minilm//.gitlab-ci.yml@refs/heads/main"
    assert environment["CI_JOB_IMAGE"].startswith("python@sha256:")
    assert Path(environment["CI_PROJECT_DIR"]).is_dir()


def test_without_permission_there_is_no_token(sim: SigstoreSim, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub sets neither variable; GitLab has no SIGSTORE_ID_TOKEN."""
    environment = RunnerEnv.github(sim, id_token=False)
    assert environment.claims is None
    assert not any(name.startswith("ACTIONS_ID_TOKEN") for name in environment)
    enter(monkeypatch, environment)
    with pytest.raises(IdentityError):
        detect_credential()
    assert "SIGSTORE_ID_TOKEN" not in RunnerEnv.gitlab(sim, id_token=False)


def test_a_pull_request_of_a_fork_never_gets_a_token(sim: SigstoreSim) -> None:
    """The payload names the fork; the ref is the merge ref."""
    environment = RunnerEnv.github(sim, event_name="pull_request", head_repository="stranger/minilm", actor="stranger")
    assert environment.claims is None
    assert environment["GITHUB_REF"] == "refs/pull/7/merge"
    assert (environment["GITHUB_HEAD_REF"], environment["GITHUB_BASE_REF"]) == ("feature", "main")
    event = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_text())["pull_request"]
    assert event["head"]["repo"]["full_name"] == "stranger/minilm"
    assert event["head"]["repo"]["fork"] is True
    assert event["base"]["repo"]["id"] == 718293041


def test_a_pull_request_by_dependabot_never_gets_a_token(sim: SigstoreSim) -> None:
    """Its branch is in the repository itself, yet its rights are a fork's."""
    environment = RunnerEnv.github(sim, event_name="pull_request", actor="dependabot[bot]")
    assert environment.claims is None
    event = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_text())
    assert event["pull_request"]["head"]["repo"]["full_name"] == "acme/minilm"
    assert event["sender"]["type"] == "Bot"


def test_a_pull_request_of_the_repository_itself_gets_a_token(sim: SigstoreSim) -> None:
    """And its subject says so."""
    environment = RunnerEnv.github(sim, event_name="pull_request")
    assert environment.claims is not None
    assert environment.claims["sub"] == "repo:acme/minilm:pull_request"


def test_token_and_environment_can_be_made_to_disagree(sim: SigstoreSim) -> None:
    """Either side, one fact at a time."""
    other_claim = RunnerEnv.github(sim, claims={"sha": "f" * 40})
    assert other_claim.claims is not None
    assert other_claim.claims["sha"] != other_claim["GITHUB_SHA"]
    other_variable = RunnerEnv.gitlab(sim, variables={"CI_COMMIT_SHA": "f" * 40})
    assert claims_of(other_variable["SIGSTORE_ID_TOKEN"])["sha"] != other_variable["CI_COMMIT_SHA"]


@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        ({}, "repo:acme/minilm:ref:refs/heads/main"),
        ({"immutable_subject": True}, "repo:acme@9919001/minilm@718293041:ref:refs/heads/main"),
        (
            {"immutable_subject": True, "environment": "prod:eu"},
            "repo:acme@9919001/minilm@718293041:environment:prod%3Aeu",
        ),
        (
            {"immutable_subject": True, "event_name": "pull_request"},
            "repo:acme@9919001/minilm@718293041:pull_request",
        ),
    ],
)
def test_subjects_have_githubs_forms(fields: dict[str, Any], subject: str) -> None:
    """The old form, and the immutable one of repositories made since July 2026."""
    assert GitHubRun(**fields).claims()["sub"] == subject


def test_a_stranger_gets_no_token(sim: SigstoreSim) -> None:
    """The endpoint asks for the job's own bearer secret."""
    environment = RunnerEnv.github(sim)
    url = environment["ACTIONS_ID_TOKEN_REQUEST_URL"]
    assert "?" in url, "clients append &audience="
    assert requests.get(url, headers={"Authorization": "bearer guess"}, timeout=5).status_code == 403
    assert requests.get(url, timeout=5).status_code == 403


def test_without_an_audience_the_token_is_for_the_owner(sim: SigstoreSim) -> None:
    """GitHub's default, which Fulcio refuses."""
    environment = RunnerEnv.github(sim)
    headers = {"Authorization": f"bearer {environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    answer = requests.get(environment["ACTIONS_ID_TOKEN_REQUEST_URL"], headers=headers, timeout=5)
    assert claims_of(answer.json()["value"])["aud"] == "https://github.com/acme"


def test_each_environment_has_its_own_folder_and_they_end_with_the_simulator(tmp_path: Path) -> None:
    """Unless a folder is given, which is kept."""
    with SigstoreSim() as sim:
        first, second = RunnerEnv.github(sim), RunnerEnv.gitlab(sim)
        kept = RunnerEnv.github(sim, directory=tmp_path / "job")
        assert len({first.directory, second.directory, kept.directory}) == 3
        assert first.directory.is_dir()
    assert not first.directory.exists()
    assert not second.directory.exists()
    assert Path(kept["GITHUB_EVENT_PATH"]).is_file()


def test_a_gitlab_tag_and_a_merge_request_have_their_own_variables(sim: SigstoreSim) -> None:
    """CI_COMMIT_TAG and no branch; a merge request has neither."""
    tag = RunnerEnv.gitlab(sim, ref="v1.0.0", ref_type="tag")
    assert tag["CI_COMMIT_TAG"] == "v1.0.0"
    assert "CI_COMMIT_BRANCH" not in tag
    request = RunnerEnv.gitlab(sim, ref="main", pipeline_source="merge_request_event")
    assert "CI_COMMIT_BRANCH" not in request
    assert request["CI_MERGE_REQUEST_TARGET_BRANCH_NAME"] == "main"
    assert request.claims is not None
    assert request.claims["ref_path"] == "refs/heads/main"
