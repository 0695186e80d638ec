"""Real repositories, runner environments of recorded shape, and tokens with any claims."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from model_provenance.context.identity import identity_of
from model_provenance.domain.context import Identity
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun

#: The clock of these tests.
NOW = 1_800_000_000
COMMIT_TIME = 1_700_000_000

_GIT = {
    "GIT_AUTHOR_NAME": "A U Thor",
    "GIT_AUTHOR_EMAIL": "author@example.com",
    "GIT_AUTHOR_DATE": f"{COMMIT_TIME} +0000",
    "GIT_COMMITTER_NAME": "C O Mitter",
    "GIT_COMMITTER_EMAIL": "committer@example.com",
    "GIT_COMMITTER_DATE": f"{COMMIT_TIME} +0000",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Checkout:
    """A work tree with a repository, handled by the git command."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Output of a git command that must succeed."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **_GIT},
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def write(self, path: str, text: str) -> Path:
        """A file of the work tree."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def commit(self, message: str = "change") -> str:
        """Commit everything; the id."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def _plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git as on a machine without settings."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


@pytest.fixture
def make_checkout(tmp_path: Path) -> Callable[..., Checkout]:
    """Makes a repository with one commit: a model in `model/` and a script."""

    def make(name: str = "project") -> Checkout:
        root = tmp_path / name
        root.mkdir(parents=True)
        checkout = Checkout(root.resolve())
        checkout.git("init", "-q", "-b", "main", ".")
        checkout.write("model/config.json", "{}")
        checkout.write("train.py", "print('trained')\n")
        checkout.commit("first")
        return checkout

    return make


@pytest.fixture
def checkout(make_checkout: Callable[..., Checkout]) -> Checkout:
    """One repository."""
    return make_checkout()


@pytest.fixture
def make_token() -> Callable[..., str]:
    """Makes a token with any claims; the signature is not one, which nothing here looks at."""

    def make(claims: Mapping[str, Any], *, audience: object = "sigstore") -> str:
        payload = {"aud": audience, "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 300, **claims}
        parts = (json.dumps({"alg": "RS256"}), json.dumps(payload), "TOKEN-SIGNATURE-IS-A-SECRET")
        return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)

    return make


@pytest.fixture
def identity_for(make_token: Callable[..., str]) -> Callable[..., Identity]:
    """The identity that a token with these claims gives."""

    def identify(claims: Mapping[str, Any]) -> Identity:
        return identity_of(make_token(claims), now=NOW)

    return identify


@pytest.fixture
def github_env(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """The environment of a job of GitHub Actions, with its event file; `event` changes the payload."""

    def build(run: GitHubRun, workspace: Path | None = None, event: Mapping[str, Any] | None = None) -> dict[str, str]:
        path = tmp_path / "event.json"
        path.write_text(json.dumps({**run.event(), **(event or {})}), encoding="utf-8")
        env = {**run.variables(), "GITHUB_EVENT_PATH": str(path)}
        return {**env, "GITHUB_WORKSPACE": str(workspace)} if workspace else env

    return build


@pytest.fixture
def gitlab_env() -> Callable[..., dict[str, str]]:
    """The environment of a GitLab job."""

    def build(run: GitLabRun, workspace: Path | None = None) -> dict[str, str]:
        env = run.variables()
        return {**env, "CI_PROJECT_DIR": str(workspace)} if workspace else env

    return build
