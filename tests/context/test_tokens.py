"""Where identity tokens come from, and what is said where there is none."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from model_provenance.context.github_token import GitHubEndpoint
from model_provenance.context.tokens import GivenToken, find_token_source, identify, signing_token
from model_provenance.errors import ModelProvenanceError
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun

NOW = 1_800_000_000
SECRET = "runner-bearer-secret"


class Endpoint:
    """A token endpoint on loopback; `answers` are played in order, the last one for ever."""

    def __init__(self, make_token: Callable[..., str]) -> None:
        self.make_token = make_token
        self.claims: list[dict[str, Any]] = [GitHubRun().claims()]
        self.answers: list[tuple[int, bytes | None]] = [(200, None)]
        self.requests: list[tuple[str, dict[str, str]]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                endpoint.serve(self)

            def log_message(self, *args: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/idtoken?api-version=2.0"

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append((request.path, dict(request.headers)))
        number = len(self.requests) - 1
        status, body = self.answers[min(number, len(self.answers) - 1)]
        if body is None:
            audience = parse_qs(urlsplit(request.path).query)["audience"][0]
            claims = self.claims[min(number, len(self.claims) - 1)]
            body = json.dumps({"count": 1, "value": self.make_token(claims, audience=audience)}).encode()
        request.send_response(status)
        if status in (301, 302):
            request.send_header("Location", "http://127.0.0.1:9/elsewhere")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def endpoint(make_token: Callable[..., str]) -> Iterator[Endpoint]:
    """A running endpoint."""
    running = Endpoint(make_token)
    yield running
    running.close()


def _source(endpoint: Endpoint) -> GitHubEndpoint:
    return GitHubEndpoint(endpoint.url, SECRET, wait=lambda _: None)


def _github(
    endpoint: Endpoint | None, build: Callable[..., dict[str, str]], run: GitHubRun, **more: Any
) -> dict[str, str]:
    env = build(run, **more)
    if endpoint is None:
        return env
    return {**env, "ACTIONS_ID_TOKEN_REQUEST_URL": endpoint.url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET}


def test_the_github_runner_is_asked_for_the_audience_with_its_secret(endpoint: Endpoint) -> None:
    """The audience joins the query that the address already has; the secret goes as a bearer."""
    _source(endpoint).fetch("sigstore & more")
    path, headers = endpoint.requests[0]
    assert parse_qs(urlsplit(path).query) == {"api-version": ["2.0"], "audience": ["sigstore & more"]}
    assert headers["Authorization"] == f"bearer {SECRET}"


def test_github_claims_are_read_with_a_token_that_signs_nothing(
    endpoint: Endpoint, github_env: Callable[..., dict[str, str]]
) -> None:
    """Fulcio takes only the audience `sigstore`, and that token is asked for when signing starts."""
    source = find_token_source(_github(endpoint, github_env, GitHubRun()))
    identity = identify(source, now=NOW)
    assert identity.audience != "sigstore"
    assert signing_token(source, identity, now=NOW).count(".") == 2
    asked = [parse_qs(urlsplit(path).query)["audience"][0] for path, _ in endpoint.requests]
    assert asked == [identity.audience, "sigstore"]


def test_a_signing_token_of_another_run_is_refused(
    endpoint: Endpoint, github_env: Callable[..., dict[str, str]]
) -> None:
    """What was described and what would be signed are one run."""
    endpoint.claims = [GitHubRun().claims(), GitHubRun(run_id="2").claims()]
    source = find_token_source(_github(endpoint, github_env, GitHubRun()))
    identity = identify(source, now=NOW)
    with pytest.raises(ModelProvenanceError) as caught:
        signing_token(source, identity, now=NOW)
    assert caught.value.code == "context.token_mismatch"


def test_an_endpoint_that_recovers_is_asked_again(endpoint: Endpoint) -> None:
    """Overload and server errors are worth another attempt."""
    endpoint.answers = [(500, b""), (429, b""), (503, b""), (200, None)]
    assert _source(endpoint).fetch("sigstore")
    assert len(endpoint.requests) == 4


@pytest.mark.parametrize(
    ("answer", "code", "attempts"),
    [
        ((503, b"down"), "context.token_endpoint", 4),
        ((400, b""), "context.token_endpoint", 1),
        ((302, b""), "context.token_endpoint", 1),
        ((401, b""), "context.token_missing", 1),
        ((403, b""), "context.token_missing", 1),
        ((200, b"not json"), "context.token_endpoint", 1),
        ((200, b"[]"), "context.token_endpoint", 1),
        ((200, b'{"value": 7}'), "context.token_endpoint", 1),
        ((200, b'{"value": ""}'), "context.token_endpoint", 1),
        ((200, b"\xff"), "context.token_endpoint", 1),
        ((200, b" " * (1 << 20)), "context.token_endpoint", 4),
    ],
)
def test_an_endpoint_that_fails_ends_in_an_error(
    endpoint: Endpoint, answer: tuple[int, bytes], code: str, attempts: int
) -> None:
    """Every bad answer is bounded, named, and free of the secret; a redirect is not followed."""
    endpoint.answers = [answer]
    with pytest.raises(ModelProvenanceError) as caught:
        _source(endpoint).fetch("sigstore")
    assert caught.value.code == code
    assert len(endpoint.requests) == attempts
    assert SECRET not in caught.value.message + caught.value.remedy + repr(caught.value.__cause__)


def test_an_endpoint_that_is_not_there_ends_in_an_error() -> None:
    """Nobody listens; the message names the host, not the exception's text."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/?a=b"
        with pytest.raises(ModelProvenanceError) as caught:
            GitHubEndpoint(url, SECRET, wait=lambda _: None).fetch("sigstore")
    assert caught.value.code == "context.token_endpoint"
    assert caught.value.exit_status == 20
    assert "ConnectionError on the way to 127.0.0.1" in caught.value.message


def test_the_waits_between_attempts_grow_and_end(endpoint: Endpoint) -> None:
    """Patience is bounded."""
    endpoint.answers = [(500, b"")]
    waits: list[float] = []
    with pytest.raises(ModelProvenanceError):
        GitHubEndpoint(endpoint.url, SECRET, wait=waits.append).fetch("sigstore")
    assert waits == sorted(waits)
    assert 0 < sum(waits) < 15


def test_an_endpoint_that_never_ends_is_left(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither silence nor an answer in drops keeps the job waiting."""
    monkeypatch.setattr("model_provenance.context.github_token._READ", 0.05)
    gone = threading.Event()
    monkeypatch.setattr(endpoint, "serve", lambda _: gone.wait(5))
    with pytest.raises(ModelProvenanceError, match="ReadTimeout"):
        _source(endpoint).fetch("sigstore")
    gone.set()
    monkeypatch.undo()
    monkeypatch.setattr("model_provenance.context.github_token._WHOLE", -1)
    with pytest.raises(ModelProvenanceError, match="too long or too slow"):
        _source(endpoint).fetch("sigstore")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/token?x=1",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://[::1/",
        "127.0.0.1:80",
        "http://127.0.0.1.example.com/",
    ],
)
def test_the_secret_goes_over_https_or_loopback_only(url: str) -> None:
    """An address that a step put into the environment does not get the secret in clear text."""
    with pytest.raises(ModelProvenanceError) as caught:
        GitHubEndpoint(url, SECRET).fetch("sigstore")
    assert caught.value.code == "context.token_endpoint"


def test_a_netrc_does_not_replace_the_secret(
    endpoint: Endpoint, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`requests` would put the password of a .netrc in the place of our header."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    _source(endpoint).fetch("sigstore")
    assert endpoint.requests[0][1]["Authorization"] == f"bearer {SECRET}"


def test_gitlab_leaves_its_token_in_a_variable(
    make_token: Callable[..., str], gitlab_env: Callable[..., dict[str, str]]
) -> None:
    """SIGSTORE_ID_TOKEN is the one name, and its audience must be Sigstore's."""
    env = {**gitlab_env(GitLabRun()), "SIGSTORE_ID_TOKEN": make_token(GitLabRun().claims()) + "\n"}
    source = find_token_source(env)
    identity = identify(source, now=NOW)
    assert identity.issuer == "https://gitlab.com"
    assert signing_token(source, identity, now=NOW) == env["SIGSTORE_ID_TOKEN"].strip()
    wrong = {**env, "SIGSTORE_ID_TOKEN": make_token(GitLabRun().claims(), audience="https://gitlab.com")}
    with pytest.raises(ModelProvenanceError) as caught:
        identify(find_token_source(wrong), now=NOW)
    assert caught.value.code == "context.token_audience"


def test_a_given_token_comes_first(make_token: Callable[..., str], github_env: Callable[..., dict[str, str]]) -> None:
    """`--identity-token` is taken wherever this runs."""
    token = make_token({"iss": "https://accounts.google.com", "sub": "1", "email": "a@b.c"})
    for env in ({}, github_env(GitHubRun())):
        assert identify(find_token_source(env, token), now=NOW).personal


def test_a_token_that_expires_before_signing_is_refused(make_token: Callable[..., str]) -> None:
    """A long upload does not end with a signature that Fulcio refuses."""
    source = GivenToken(make_token({"iss": "i", "sub": "s"}))
    identity = identify(source, now=NOW)
    with pytest.raises(ModelProvenanceError) as caught:
        signing_token(source, identity, now=NOW + 301)
    assert caught.value.code == "context.token_expired"


def _missing(env: dict[str, str]) -> ModelProvenanceError:
    with pytest.raises(ModelProvenanceError) as caught:
        find_token_source(env)
    assert caught.value.code == "context.token_missing"
    assert caught.value.exit_status == 21
    return caught.value


def test_a_github_job_without_the_permission_is_shown_the_lines(github_env: Callable[..., dict[str, str]]) -> None:
    """The remedy can be pasted; half of the two variables is as good as none."""
    error = _missing(github_env(GitHubRun()))
    assert "permissions:\n" in error.remedy
    assert "id-token: write" in error.remedy
    _missing({**github_env(GitHubRun()), "ACTIONS_ID_TOKEN_REQUEST_URL": "https://runner.example/?x"})


@pytest.mark.parametrize(
    ("run", "author", "who"),
    [
        (GitHubRun(event_name="pull_request", head_repository="stranger/minilm"), "stranger", "a fork"),
        (GitHubRun(event_name="pull_request"), "dependabot[bot]", "Dependabot"),
    ],
)
def test_a_pull_request_of_a_stranger_is_explained(
    github_env: Callable[..., dict[str, str]], run: GitHubRun, author: str, who: str
) -> None:
    """Adding a permission would not help there, so it is not advised."""
    request = {**run.event()["pull_request"], "user": {"login": author}}
    error = _missing(github_env(run, event={"pull_request": request}))
    assert who in error.message
    assert "permissions:" not in error.remedy
    assert "--dry-run" in error.remedy


def test_a_gitlab_job_without_a_token_is_shown_the_lines(gitlab_env: Callable[..., dict[str, str]]) -> None:
    """The remedy can be pasted."""
    error = _missing(gitlab_env(GitLabRun()))
    assert "id_tokens:\n      SIGSTORE_ID_TOKEN:\n        aud: sigstore" in error.remedy


def test_elsewhere_the_other_ways_to_sign_are_named() -> None:
    """gitlab-ci-local says GITLAB_CI=false, and that is elsewhere."""
    for env in ({}, {"GITLAB_CI": "false"}, {"GITHUB_ACTIONS": "1"}):
        assert "--key" in _missing(env).remedy


def test_tokens_and_secrets_stand_in_no_repr() -> None:
    """A source that is printed shows nothing."""
    assert "hunter2" not in repr(GivenToken("hunter2"))
    assert SECRET not in repr(GitHubEndpoint("https://runner.example/", SECRET))
