"""What stops a signature before Sigstore is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from model_provenance.context import github
from model_provenance.context.collect import collect
from model_provenance.context.gates import check_may_sign, check_privacy, dry_run_reason
from model_provenance.context.run import run_of
from model_provenance.domain.context import Context, Identity, Visibility
from model_provenance.errors import ModelProvenanceError
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun


@pytest.fixture
def context_of(
    checkout: Any, github_env: Callable[..., dict[str, str]], identity_for: Callable[..., Identity]
) -> Callable[..., Context]:
    """The context of a job whose checkout is at its commit."""

    def build(**run: Any) -> Context:
        job = GitHubRun(**{"sha": checkout.git("rev-parse", "HEAD"), **run})
        env = github_env(job, checkout.root)
        return collect(checkout.root / "model", env=env, identity=identity_for(job.claims()))[0]

    return build


def _refused(context: Context) -> ModelProvenanceError:
    with pytest.raises(ModelProvenanceError) as caught:
        check_may_sign(context)
    assert caught.value.exit_status == 21
    return caught.value


@pytest.mark.parametrize("event", ["push", "release", "workflow_dispatch", "schedule", "merge_group", "pull_request"])
def test_ordinary_events_may_sign(context_of: Callable[..., Context], event: str) -> None:
    """Which of them a verifier accepts is the verifier's business."""
    check_may_sign(context_of(event_name=event))


@pytest.mark.parametrize("event", ["pull_request_target", "issue_comment", "workflow_run"])
def test_events_that_strangers_steer_may_not_sign(context_of: Callable[..., Context], event: str) -> None:
    """They run with the repository's identity on somebody else's word."""
    error = _refused(context_of(event_name=event))
    assert error.code == "context.event_refused"
    assert event in error.message


def test_a_checkout_of_another_commit_may_not_sign(
    checkout: Any,
    context_of: Callable[..., Context],
    gitlab_env: Callable[..., dict[str, str]],
    identity_for: Callable[..., Identity],
) -> None:
    """What is packed would not be what the certificate says; the message shows both commits and the line to write."""
    error = _refused(context_of(sha="0" * 40))
    assert error.code == "context.head_mismatch"
    assert checkout.git("rev-parse", "HEAD")[:12] in error.message
    assert "0" * 12 in error.message
    assert "ref: ${{ github.sha }}" in error.remedy
    job = GitLabRun(sha="0" * 40)
    context, _ = collect(checkout.root, env=gitlab_env(job, checkout.root), identity=identity_for(job.claims()))
    assert "github" not in _refused(context).remedy


def test_without_a_checkout_or_a_run_there_is_nothing_to_compare(context_of: Callable[..., Context]) -> None:
    """A signing job that only downloads the package has no checkout; a person's machine has no run."""
    check_may_sign(replace(context_of(), git=None))
    check_may_sign(replace(context_of(), run=None))


def _private(context: Context) -> ModelProvenanceError:
    with pytest.raises(ModelProvenanceError) as caught:
        check_privacy(context, private_instance=False, allow_public_log=False)
    assert (caught.value.code, caught.value.exit_status) == ("context.private", 21)
    check_privacy(context, private_instance=True, allow_public_log=False)
    check_privacy(context, private_instance=False, allow_public_log=True)
    return caught.value


def test_a_public_repository_may_use_the_public_log(context_of: Callable[..., Context]) -> None:
    """Nothing becomes public that is not."""
    check_privacy(context_of(), private_instance=False, allow_public_log=False)


@pytest.mark.parametrize("visibility", ["private", "internal"])
def test_a_private_repository_stops_and_lists_what_would_be_published(
    context_of: Callable[..., Context], visibility: str
) -> None:
    """Each fact that the certificate would carry is shown, and both ways on."""
    context = context_of(
        visibility=visibility, repository="acme/secret-project", environment="customer-x", ref="refs/heads/größe"
    )
    error = _private(context)
    assert context.run is not None
    for fact in (
        "https://github.com/acme/secret-project",
        ".github/workflows/release.yml@refs/heads/größe",
        context.run.commit,
        context.run.run_url,
        "customer-x",
        visibility,
    ):
        assert fact in error.message
    assert "--trust-config" in error.remedy
    assert "--allow-public-log" in error.remedy


def test_an_unknown_visibility_counts_as_private(context_of: Callable[..., Context]) -> None:
    """Nothing says that the repository is public."""
    assert "nothing says" in _private(replace(context_of(), visibility=Visibility.UNKNOWN)).message


def test_a_person_is_asked_even_for_a_public_repository(
    context_of: Callable[..., Context], identity_for: Callable[..., Identity], checkout: Any
) -> None:
    """The address would stand in the log for ever."""
    person = identity_for({"iss": "https://accounts.google.com", "sub": "1", "email": "jane@acme.example"})
    assert "jane@acme.example" in _private(replace(context_of(), identity=person)).message
    local = _private(collect(checkout.root, env={}, identity=person)[0])
    for fact in ("jane@acme.example", "https://accounts.google.com"):
        assert fact in local.message


def test_a_public_event_says_nothing_of_another_identity(
    github_env: Callable[..., dict[str, str]], identity_for: Callable[..., Identity], checkout: Any
) -> None:
    """A machine's token of another issuer would publish its own subject, not the public repository."""
    machine = identity_for({"iss": "https://cluster.acme.example", "sub": "system:serviceaccount:ml:train"})
    context, _ = collect(checkout.root, env=github_env(GitHubRun(), checkout.root), identity=machine)
    error = _private(context)
    assert "system:serviceaccount:ml:train" in error.message
    assert "acme/minilm" not in error.message


def test_a_reusable_workflow_is_listed_too(context_of: Callable[..., Context]) -> None:
    """The certificate names the workflow that signs beside the one that was started."""
    builder = "acme/builders/.github/workflows/release.yml@refs/tags/v1"
    assert builder in _private(context_of(visibility="private", job_workflow_ref=builder)).message


def _pull_request(run: GitHubRun, author: str, head: object) -> dict[str, Any]:
    event = run.event()
    event["pull_request"] |= {"user": {"login": author}, "head": {"repo": head}}
    return event


@pytest.mark.parametrize(
    ("author", "head", "actor", "untrusted"),
    [
        ("octo-dev", {"full_name": "acme/minilm"}, "octo-dev", False),
        ("stranger", {"full_name": "stranger/minilm"}, "stranger", True),
        ("stranger", {"full_name": "stranger/minilm"}, "octo-dev", True),
        ("stranger", None, "octo-dev", True),
        ("dependabot[bot]", {"full_name": "acme/minilm"}, "octo-dev", True),
        ("octo-dev", {"full_name": "acme/minilm"}, "dependabot[bot]", False),
    ],
)
def test_a_pull_request_is_judged_by_author_and_head_never_by_actor(
    github_env: Callable[..., dict[str, str]], author: str, head: object, actor: str, untrusted: bool
) -> None:
    """Whoever pressed a button last does not change whose code it is."""
    run = GitHubRun(event_name="pull_request", actor=actor)
    env = github_env(run, event=_pull_request(run, author, head))
    here = run_of(env)
    assert here is not None
    reason = dry_run_reason(here, github.event_of(env), "false")
    assert (reason is not None and "no identity" in reason) is untrusted


@pytest.mark.parametrize("event", ["pull_request_target", "push", "workflow_run"])
def test_only_pull_request_makes_a_dry_run(github_env: Callable[..., dict[str, str]], event: str) -> None:
    """Other events with the payload of a fork are not waved through as unsigned."""
    payload = _pull_request(GitHubRun(event_name="pull_request"), "stranger", {"full_name": "stranger/minilm"})
    run = run_of(github_env(GitHubRun(event_name=event), event=payload))
    assert run is not None
    assert dry_run_reason(run, payload, "auto") is None


@pytest.mark.parametrize(
    ("wish", "event", "dry"),
    [
        ("auto", "pull_request", True),
        ("false", "pull_request", False),
        ("auto", "merge_group", False),
        ("auto", "push", False),
        ("true", "push", True),
    ],
)
def test_the_repositorys_own_pull_request_signs_only_where_it_was_asked_for(
    github_env: Callable[..., dict[str, str]], wish: str, event: str, dry: bool
) -> None:
    """What a pull request signs is taken by no gate, so by default it shows what a release would be."""
    run = GitHubRun(event_name=event)
    env = github_env(run, event=run.event())
    here = run_of(env)
    assert here is not None
    assert (dry_run_reason(here, github.event_of(env), wish) is not None) is dry
