"""No credential that git, the runner or a token holds appears in a context or a message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from model_provenance.context.collect import collect
from model_provenance.context.gates import check_may_sign, check_privacy
from model_provenance.context.identity import identity_of
from model_provenance.context.tokens import find_token_source, identify
from model_provenance.errors import ModelProvenanceError
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun

NOW = 1_800_000_000
SECRET = "hunter2"
#: How the test's tokens end.
SIGNATURE = "VE9LRU4tU0lHTkFUVVJFLUlTLUEtU0VDUkVU"


def _chain(error: BaseException | None) -> Iterator[str]:
    """What any handler up the chain could print."""
    while error is not None:
        yield str(error)
        yield repr(error)
        if isinstance(error, ModelProvenanceError):
            yield f"{error.message} {error.remedy} {error.location}"
        error = error.__cause__ or error.__context__


def _secret_env(env: dict[str, str]) -> dict[str, str]:
    names = (
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_TOKEN", "CI_JOB_TOKEN", "CI_REGISTRY_PASSWORD", "COSIGN_PASSWORD",
        "GITHUB_TOKEN", "GH_TOKEN", "AWS_SECRET_ACCESS_KEY",
    )  # fmt: skip
    return {**env, **{name: f"{SECRET}-{name}" for name in names}, "CI_REPOSITORY_URL": f"https://u:{SECRET}@h/p.git"}


@pytest.fixture
def secretive(checkout: Any) -> Any:
    """A checkout as CI makes it: tokens in the remote, in an extra header and in a rewritten address."""
    checkout.git("remote", "add", "origin", f"https://x-access-token:{SECRET}@github.com/acme/minilm.git?t={SECRET}")
    checkout.git("config", "http.https://github.com/.extraheader", f"AUTHORIZATION: basic {SECRET}")
    checkout.git("config", f"url.https://u:{SECRET}@github.com/.insteadOf", "https://github.com/")
    checkout.git("config", "filter.lfs.clean", f"git-lfs clean --token={SECRET}")
    return checkout


def test_no_credential_is_in_a_context(
    secretive: Any,
    github_env: Callable[..., dict[str, str]],
    gitlab_env: Callable[..., dict[str, str]],
    make_token: Callable[..., str],
) -> None:
    """Whatever the job holds, context and findings show none of it; nor is the token in them."""
    head = secretive.git("rev-parse", "HEAD")
    secretive.write("model/new.bin", "x")
    jobs = ((GitHubRun(sha=head), github_env), (GitLabRun(sha=head), gitlab_env))
    for job, build in jobs:
        identity = identity_of(make_token(job.claims()), now=NOW)
        for given in (identity, None):
            context, findings = collect(
                secretive.root / "model", env=_secret_env(build(job, secretive.root)), identity=given
            )
            text = repr((context, findings))
            assert SECRET not in text
            assert SIGNATURE not in text
            check_may_sign(context)
    assert context.git is not None
    assert context.git.remote is None or SECRET not in context.git.remote


def test_no_credential_is_in_a_message(
    secretive: Any,
    github_env: Callable[..., dict[str, str]],
    gitlab_env: Callable[..., dict[str, str]],
    make_token: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every way to fail is silent about them, down the chain of causes."""
    env = _secret_env(github_env(GitHubRun(), secretive.root))
    token = make_token({**GitHubRun().claims(), "repository": "acme/other"})
    private = make_token(GitHubRun(visibility="private").claims())
    model = secretive.root / "model"

    def broken_config() -> None:
        secretive.write(".git/config", f'[remote "origin"]\n\turl = https://u:{SECRET}@h/p\n[core\n')
        collect(model, env=env)

    def different_owner() -> None:
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        collect(model, env=env)

    def leak() -> None:
        context, _ = collect(model, env=env, identity=identity_of(private, now=NOW))
        check_privacy(context, private_instance=False, allow_public_log=False)

    attempts: list[Callable[[], object]] = [
        lambda: collect(model, env=env, identity=identity_of(token, now=NOW)),
        lambda: check_may_sign(collect(model, env=env, identity=identity_of(private, now=NOW))[0]),
        leak,
        lambda: identity_of(token, now=NOW + 999),
        lambda: identity_of(token, now=NOW, audience="other"),
        lambda: identity_of(token + "." + SECRET, now=NOW),
        lambda: identity_of(f"a.{SECRET}!.{SECRET}", now=NOW),
        lambda: find_token_source(env),
        lambda: identify(find_token_source({**env, "ACTIONS_ID_TOKEN_REQUEST_URL": "http://h.example/?a"}), now=NOW),
        lambda: identify(find_token_source({**env, "ACTIONS_ID_TOKEN_REQUEST_URL": "https://127.0.0.1:1/?a"}), now=NOW),
        lambda: identify(find_token_source(gitlab_env(GitLabRun())), now=NOW),
        lambda: identify(find_token_source({"GITLAB_CI": "true", "SIGSTORE_ID_TOKEN": SECRET}), now=NOW),
        lambda: collect(model, env={**env, "GITHUB_SERVER_URL": f"https://u:{SECRET}@h"}),
        different_owner,
        broken_config,
    ]
    monkeypatch.setattr("model_provenance.context.github_token._PAUSES", ())
    for attempt in attempts:
        with pytest.raises(ModelProvenanceError) as caught:
            attempt()
        for text in _chain(caught.value):
            assert SECRET not in text
            assert SIGNATURE not in text
            assert token not in text
