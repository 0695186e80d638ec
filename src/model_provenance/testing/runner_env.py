"""The environment of one step of a CI job, with a token source that says the same; or, on request, something else."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun
from model_provenance.testing.sigstore_sim import SigstoreSim

_DEPENDABOT = "dependabot[bot]"


class RunnerEnv(Mapping[str, str]):
    """Environment variables; `claims` are what the job's identity token says, None where the job gets none."""

    def __init__(self, variables: Mapping[str, str], claims: Mapping[str, Any] | None, directory: Path) -> None:
        self._variables = dict(variables)
        self.claims = claims
        #: The job's own folder: workspace, home, temporary files, command files, event payload.
        self.directory = directory

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    @classmethod
    def github(
        cls,
        sim: SigstoreSim,
        *,
        directory: Path | None = None,
        id_token: bool = True,
        claims: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
        **run: Any,
    ) -> RunnerEnv:
        """A step of the job `GitHubRun(**run)`.

        `id_token=False`: without `id-token: write`; a pull request of a fork or by Dependabot never gets a token.
        `claims` and `variables` change what the token or the environment says, so that the two disagree.
        """
        job = GitHubRun(**run)
        folder = _folder(sim, directory)
        environment = _common(folder) | job.variables() | _github_files(folder, job)
        token_claims = None
        if id_token and not job.from_fork and not (job.is_pull_request and job.actor == _DEPENDABOT):
            token_claims = {**job.claims(), **(claims or {})}
            url, secret = sim.token_endpoint(token_claims)
            environment |= {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": secret}
        return cls({**environment, **(variables or {})}, token_claims, folder)

    @classmethod
    def gitlab(
        cls,
        sim: SigstoreSim,
        *,
        directory: Path | None = None,
        id_token: bool = True,
        claims: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
        **run: Any,
    ) -> RunnerEnv:
        """The job `GitLabRun(**run)`; `id_token=False`: without `id_tokens: SIGSTORE_ID_TOKEN`."""
        job = GitLabRun(**run)
        folder = _folder(sim, directory)
        workspace = _made(folder / "builds" / job.project_path)
        environment = _common(folder) | job.variables()
        environment |= {"CI_PROJECT_DIR": str(workspace), "CI_BUILDS_DIR": str(folder / "builds")}
        token_claims = None
        if id_token:
            token_claims = {**job.claims(), **(claims or {})}
            environment["SIGSTORE_ID_TOKEN"] = sim.issue_token(token_claims)
        return cls({**environment, **(variables or {})}, token_claims, folder)


def _folder(sim: SigstoreSim, directory: Path | None) -> Path:
    return _made(directory) if directory else Path(tempfile.mkdtemp(dir=sim.scratch))


def _common(folder: Path) -> dict[str, str]:
    """What every runner's shell has; PATH is this machine's, so that git is found, and loopback needs no proxy."""
    loopback = "127.0.0.1,localhost"
    return {
        "CI": "true",
        "HOME": str(_made(folder / "home")),
        "LANG": "C.UTF-8",
        "NO_PROXY": loopback,
        "PATH": os.environ.get("PATH", os.defpath),
        "no_proxy": loopback,
    }


def _github_files(folder: Path, job: GitHubRun) -> dict[str, str]:
    """The runner's folders, its command files (empty) and the event payload."""
    name = job.repository.partition("/")[2]
    temporary = _made(folder / "_temp")
    commands = _made(temporary / "_runner_file_commands")
    event = _made(temporary / "_github_workflow") / "event.json"
    event.write_text(json.dumps(job.event(), indent=2), encoding="utf-8")
    paths = {
        "GITHUB_ACTION_PATH": _made(folder / "_actions"),
        "GITHUB_EVENT_PATH": event,
        "GITHUB_WORKSPACE": _made(folder / name / name),
        "RUNNER_TEMP": temporary,
        "RUNNER_TOOL_CACHE": _made(folder / "_tool"),
        "RUNNER_WORKSPACE": folder / name,
    }
    for variable in ("ENV", "OUTPUT", "PATH", "STATE", "STEP_SUMMARY"):
        file = commands / f"{variable.lower()}_1"
        file.touch()
        paths[f"GITHUB_{variable}"] = file
    return {variable: str(path) for variable, path in paths.items()}


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
