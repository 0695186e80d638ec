"""The CI run by environment and by token, and what happens where they disagree."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_provenance.context import github
from model_provenance.context.run import SERVICES, bind, run_of, workspace_of
from model_provenance.domain.context import CiRun, Identity, Provider, Visibility
from model_provenance.errors import ModelProvenanceError
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun


def _run(env: dict[str, str]) -> CiRun:
    run = run_of(env)
    assert run is not None
    return run


def test_github_is_read_from_its_environment(github_env: Callable[..., dict[str, str]]) -> None:
    """Every field that the runner tells, in Fulcio's words."""
    run = _run(github_env(GitHubRun()))
    assert run.provider is Provider.GITHUB
    assert run.repository == "acme/minilm"
    assert run.config_uri == "acme/minilm/.github/workflows/release.yml@refs/heads/main"
    assert run.builder_uri is None
    assert run.run_url == "https://github.com/acme/minilm/actions/runs/16300000001/attempts/1"
    assert (run.ref, run.event, run.job) == ("refs/heads/main", "push", "release")
    assert run.visibility is Visibility.PUBLIC


def test_gitlab_is_read_from_its_environment(gitlab_env: Callable[..., dict[str, str]]) -> None:
    """The run is the job, whose page Fulcio names."""
    run = _run(gitlab_env(GitLabRun()))
    assert run.provider is Provider.GITLAB
    assert run.run_url == "https://gitlab.com/acme/models/minilm/-/jobs/7700000001"
    assert run.run_id == "7700000001"
    assert (run.ref, run.event, run.owner) == ("refs/heads/main", "push", "acme/models")
    assert _run(gitlab_env(GitLabRun(ref="v1.0.0", ref_type="tag"))).ref == "refs/tags/v1.0.0"


@pytest.mark.parametrize("env", [{}, {"GITHUB_ACTIONS": "True"}, {"GITLAB_CI": "false"}, {"CI": "true"}])
def test_only_the_exact_value_says_where_we_are(env: dict[str, str]) -> None:
    """gitlab-ci-local exports GITLAB_CI=false, and other CIs set CI."""
    assert run_of(env) is None
    assert workspace_of({**env, "GITHUB_WORKSPACE": "/w", "CI_PROJECT_DIR": "/w"}) is None


def test_the_first_service_that_is_here_speaks(
    github_env: Callable[..., dict[str, str]], gitlab_env: Callable[..., dict[str, str]]
) -> None:
    """The order is a visible tuple; two at once is decided by it."""
    assert [service.provider for service in SERVICES] == [Provider.GITHUB, Provider.GITLAB]
    assert _run({**gitlab_env(GitLabRun()), **github_env(GitHubRun())}).provider is Provider.GITHUB


def test_what_act_leaves_unset_comes_from_the_token(
    github_env: Callable[..., dict[str, str]], identity_for: Callable[..., Identity]
) -> None:
    """`act` sets no workflow ref, no ids and no runner environment."""
    env = github_env(GitHubRun())
    for name in ("WORKFLOW_REF", "WORKFLOW_SHA", "REPOSITORY_ID", "REPOSITORY_OWNER_ID"):
        del env[f"GITHUB_{name}"]
    del env["RUNNER_ENVIRONMENT"]
    bare = _run(env)
    assert (bare.config_uri, bare.repository_id, bare.runner_environment) == (None, None, None)
    run, findings = bind(bare, identity_for(GitHubRun().claims()))
    assert findings == ()
    assert run is not None
    assert (run.config_uri, run.repository_id) == (GitHubRun().workflow_ref, "718293041")
    assert run.builder_uri == GitHubRun().workflow_ref
    assert run.runner_environment == "github-hosted"


def test_the_tokens_visibility_outranks_the_events(
    github_env: Callable[..., dict[str, str]], identity_for: Callable[..., Identity]
) -> None:
    """A repository that was made private after the event is private."""
    run, _ = bind(_run(github_env(GitHubRun())), identity_for(GitHubRun(visibility="private").claims()))
    assert run is not None
    assert run.visibility is Visibility.PRIVATE


@pytest.mark.parametrize(
    ("event", "visibility"),
    [
        ({"repository": {"visibility": "internal", "private": True}}, Visibility.INTERNAL),
        ({"repository": {"private": True}}, Visibility.PRIVATE),
        ({"repository": {"private": False}}, Visibility.PUBLIC),
        ({"repository": {"private": "false"}}, Visibility.UNKNOWN),
        ({"repository": {"visibility": ["public"]}}, Visibility.UNKNOWN),
        ({"repository": {"visibility": "everyone", "private": False}}, Visibility.UNKNOWN),
        ({"repository": None}, Visibility.UNKNOWN),
        ({}, Visibility.UNKNOWN),
    ],
)
def test_visibility_is_unknown_unless_the_event_says_it(event: dict[str, Any], visibility: Visibility) -> None:
    """Odd payloads never make a repository public."""
    assert github.visibility_of(event) is visibility


_GITHUB_DIFFERENCES = [
    {"repository": "acme/other"},
    {"repository_id": "1"},
    {"repository_owner": "evil"},
    {"repository_owner_id": "1"},
    {"sha": "0" * 40},
    {"ref": "refs/heads/other"},
    {"event_name": "pull_request_target"},
    {"workflow_ref": "acme/minilm/.github/workflows/other.yml@refs/heads/main"},
    {"workflow_sha": "0" * 40},
    {"run_id": "2"},
    {"runner_environment": "self-hosted"},
]


@pytest.mark.parametrize("difference", _GITHUB_DIFFERENCES, ids=lambda d: next(iter(d)))
def test_a_github_token_that_disagrees_stops_signing(
    github_env: Callable[..., dict[str, str]], identity_for: Callable[..., Identity], difference: dict[str, str]
) -> None:
    """One fact of the run that differs is enough, and the message shows both values."""
    with pytest.raises(ModelProvenanceError) as caught:
        bind(_run(github_env(GitHubRun())), identity_for({**GitHubRun().claims(), **difference}))
    assert (caught.value.code, caught.value.exit_status) == ("context.token_mismatch", 21)
    assert next(iter(difference.values())) in caught.value.message


@pytest.mark.parametrize(
    "difference",
    [
        {"project_path": "acme/models/other"},
        {"project_id": "1"},
        {"namespace_path": "evil"},
        {"namespace_id": "1"},
        {"sha": "0" * 40},
        {"ref": "other"},
        {"ref_type": "tag"},
        {"pipeline_source": "merge_request_event"},
        {"job_id": "1"},
    ],
    ids=lambda d: next(iter(d)),
)
def test_a_gitlab_token_that_disagrees_stops_signing(
    gitlab_env: Callable[..., dict[str, str]], identity_for: Callable[..., Identity], difference: dict[str, str]
) -> None:
    """The same for GitLab, with the ref formed as Fulcio forms it."""
    with pytest.raises(ModelProvenanceError) as caught:
        bind(_run(gitlab_env(GitLabRun())), identity_for({**GitLabRun().claims(), **difference}))
    assert caught.value.code == "context.token_mismatch"


def test_another_attempt_is_no_disagreement(
    github_env: Callable[..., dict[str, str]], identity_for: Callable[..., Identity]
) -> None:
    """The attempt is informational; the token's is recorded, in the address too."""
    run, _ = bind(_run(github_env(GitHubRun())), identity_for(GitHubRun(run_attempt="3").claims()))
    assert run is not None
    assert run.run_attempt == "3"
    assert run.run_url.endswith("/attempts/3")


def test_a_token_of_another_service_stops_signing(
    github_env: Callable[..., dict[str, str]],
    gitlab_env: Callable[..., dict[str, str]],
    identity_for: Callable[..., Identity],
) -> None:
    """A run's token is used in that run, not on another service and not on somebody's machine."""
    for run, claims in (
        (_run(github_env(GitHubRun())), GitLabRun().claims()),
        (_run(gitlab_env(GitLabRun())), GitHubRun().claims()),
        (None, GitHubRun().claims()),
    ):
        with pytest.raises(ModelProvenanceError) as caught:
            bind(run, identity_for(claims))
        assert caught.value.code == "context.token_mismatch"


def test_a_token_without_a_run_leaves_the_run_unbacked(
    github_env: Callable[..., dict[str, str]], identity_for: Callable[..., Identity]
) -> None:
    """A service account may sign in CI, but a person is told what the certificate will not confirm."""
    claims = {"iss": "https://accounts.google.com", "sub": "1", "email": "bot@acme.example"}
    run, findings = bind(_run(github_env(GitHubRun())), identity_for(claims))
    assert run == _run(github_env(GitHubRun()))
    assert [finding.id for finding in findings] == ["context.run_unbacked"]
    assert bind(None, identity_for(claims)) == (None, ())


def test_a_gitlab_token_that_fulcio_would_refuse_is_explained(
    gitlab_env: Callable[..., dict[str, str]], identity_for: Callable[..., Identity]
) -> None:
    """`ci_config_ref_uri` is null in child pipelines; Fulcio's answer does not say so."""
    elsewhere = GitLabRun(config_path=None)
    with pytest.raises(ModelProvenanceError) as caught:
        bind(_run(gitlab_env(elsewhere)), identity_for(elsewhere.claims()))
    assert caught.value.code == "context.token_unusable"
    assert "child pipelines" in caught.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_REPOSITORY", ""),
        ("GITHUB_REPOSITORY", "acme"),
        ("GITHUB_REPOSITORY", "../.."),
        ("GITHUB_REPOSITORY", "acme/x\nevil"),
        ("GITHUB_SHA", "main"),
        ("GITHUB_SHA", "8F4B7C1D2E3A4B5C6D7E8F90A1B2C3D4E5F60718"),
        ("GITHUB_REF", "main"),
        ("GITHUB_REF", "refs/heads/\x1b[31m"),
        ("GITHUB_RUN_ID", "1; rm"),
        ("GITHUB_RUN_ID", "١٢"),
        ("GITHUB_EVENT_NAME", ""),
        ("GITHUB_SERVER_URL", "https://user:hunter2@github.com"),
        ("GITHUB_SERVER_URL", "https://github.com?token=hunter2"),
        ("GITHUB_SERVER_URL", "javascript:alert(1)"),
        ("GITHUB_SERVER_URL", "https://[::1"),
        ("GITHUB_ACTOR", "a" * 5000),
    ],
)
def test_a_runner_that_is_incomplete_is_an_error(
    github_env: Callable[..., dict[str, str]], name: str, value: str
) -> None:
    """Here but broken is not passed over for "local"; the message names the variable, never a credential."""
    with pytest.raises(ModelProvenanceError) as caught:
        run_of({**github_env(GitHubRun()), name: value})
    assert (caught.value.code, caught.value.exit_status) == ("context.runner", 21)
    assert name in caught.value.message + caught.value.remedy
    assert "hunter2" not in caught.value.message
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    "name", ["CI_PROJECT_PATH", "CI_COMMIT_SHA", "CI_COMMIT_REF_NAME", "CI_JOB_ID", "CI_SERVER_URL"]
)
def test_a_gitlab_job_that_is_incomplete_is_an_error(gitlab_env: Callable[..., dict[str, str]], name: str) -> None:
    """A variable that every job has is missing: a container was started without it."""
    env = gitlab_env(GitLabRun())
    del env[name]
    with pytest.raises(ModelProvenanceError, match=name):
        run_of(env)


def test_refs_may_hold_any_letters(
    github_env: Callable[..., dict[str, str]], identity_for: Callable[..., Identity]
) -> None:
    """Branches are named in every language, and with emoji."""
    job = GitHubRun(ref="refs/heads/größe/モデル-🚀@x")
    run, _ = bind(_run(github_env(job)), identity_for(job.claims()))
    assert run is not None
    assert run.ref == job.ref


@pytest.mark.parametrize("data", [b"[]", b"{", b"\xff", b'{"a":1,"a":2}', b"[" * 100_000])
def test_a_broken_event_file_is_an_error(
    github_env: Callable[..., dict[str, str]], tmp_path: Path, data: bytes
) -> None:
    """The event decides whose pull request it is; one that cannot be read decides nothing."""
    env = github_env(GitHubRun())
    Path(env["GITHUB_EVENT_PATH"]).write_bytes(data)
    with pytest.raises(ModelProvenanceError) as caught:
        run_of(env)
    assert caught.value.code == "context.event"


def test_an_event_file_that_is_absent_or_no_file_says_nothing(
    github_env: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    """Then the visibility is unknown, which counts as private."""
    env = github_env(GitHubRun())
    for path in (tmp_path / "absent", tmp_path):
        assert _run({**env, "GITHUB_EVENT_PATH": str(path)}).visibility is Visibility.UNKNOWN


def test_an_event_file_is_read_only_so_far(
    github_env: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file beyond GitHub's own limit is not taken into memory."""
    env = github_env(GitHubRun())
    Path(env["GITHUB_EVENT_PATH"]).write_text(json.dumps({"x": "y" * 3000}), encoding="utf-8")
    monkeypatch.setattr(github, "_LARGEST_EVENT", 1000)
    with pytest.raises(ModelProvenanceError, match="more than the 1000"):
        run_of(env)


def test_odd_pull_request_payloads_are_nobodys(github_env: Callable[..., dict[str, str]]) -> None:
    """Only a payload that names both repositories can make a stranger of its author."""
    run = _run(github_env(GitHubRun(event_name="pull_request")))
    odd: tuple[dict[str, Any], ...] = (
        {},
        {"pull_request": 7},
        {"pull_request": {"head": {}}},
        {"repository": {"full_name": "acme/minilm"}},
        {"pull_request": {"head": {"repo": {"full_name": "a/b"}}}, "repository": {"full_name": 7}},
    )
    for event in odd:
        assert github.stranger_of(run, event) is None


def test_a_job_without_event_file_has_no_payload(github_env: Callable[..., dict[str, str]]) -> None:
    """Nothing is read outside GitHub Actions either."""
    env = github_env(GitHubRun())
    assert github.event_of({**env, "GITHUB_ACTIONS": "false"}) == {}
    del env["GITHUB_EVENT_PATH"]
    assert github.event_of(env) == {}
