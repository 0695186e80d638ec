"""The action, run by act in host mode against a loopback Sigstore."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from model_provenance.cli.main import run as model_provenance
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

from .conftest import BIN, commit, copy_of_the_tool

pytestmark = pytest.mark.ci_surface

WORKFLOW = """\
on: [push, pull_request]
permissions: {id-token: write, contents: read}
jobs:
  release:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: model
        uses: org/model-provenance@v1
        with:
          model: model
          trust-config: trust-config.json
          sbom-engine: native
      - if: always()
        run: cp -r dist "$KEEP"/ || true
      - if: always()
        env:
          RESULT: ${{ steps.model.outputs.result }}
          DIGEST: ${{ steps.model.outputs.digest }}
          BUNDLE: ${{ steps.model.outputs.bundle-path }}
        run: echo "result=$RESULT digest=$DIGEST bundle=$BUNDLE"
"""


@dataclass
class Job:
    """What one run of act did."""

    status: int
    log: str
    summary: str = ""
    annotations: list[str] = field(default_factory=list)


def act(repository: Path, env: dict[str, str], keep: Path, event: str = "push") -> Job:
    """Run the workflow of the repository as GitHub would, with `org/model-provenance@v1` served from this checkout."""
    tool = copy_of_the_tool(keep / "tool")
    command = [
        *(str(BIN / "act"), event, "--json", "-P", "ubuntu-latest=-self-hosted", "--no-cache-server", "--pull=false"),
        *("--artifact-server-addr", "127.0.0.1", "--action-offline-mode", "--action-cache-path", str(keep / "cache")),
        *("--local-repository", f"org/model-provenance@v1={tool}", "-s", "GITHUB_TOKEN=not-a-token-but-long-enough"),
        *("-e", env["GITHUB_EVENT_PATH"]),
    ]
    for name in ("GITHUB_WORKFLOW_REF", "GITHUB_WORKFLOW_SHA", "GITHUB_REPOSITORY_ID", "GITHUB_RUN_ID", "GITHUB_REF",
                 "GITHUB_REPOSITORY", "GITHUB_REPOSITORY_OWNER", "RUNNER_ENVIRONMENT", "GITHUB_SHA"):  # fmt: skip
        if name in env:
            command += ["--env", f"{name}={env[name]}"]
    host = {k: v for k, v in env.items() if k.startswith("ACTIONS_")}
    home = {
        "HOME": str(keep / "home"),
        "PATH": os.environ["PATH"],
        "KEEP": str(keep),
        "XDG_CACHE_HOME": str(keep / "cache"),
    }
    (keep / "home").mkdir(exist_ok=True)
    pip = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_", "SSL_", "REQUESTS_"))}
    answer = subprocess.run(
        command, cwd=repository, env={**pip, **host, **home}, capture_output=True, text=True, timeout=300, check=False
    )
    job = Job(answer.returncode, answer.stdout + answer.stderr)
    for line in answer.stdout.splitlines():
        try:
            event_ = json.loads(line)
        except ValueError:
            continue
        if event_.get("command") == "summary":
            job.summary += event_.get("content", "")
        elif event_.get("command") in ("error", "warning", "notice"):
            job.annotations.append(event_.get("arg") or event_.get("msg") or "")
    return job


@pytest.fixture
def github(repository: Path, sim: SigstoreSim, tmp_path: Path) -> tuple[Path, str]:
    """The repository with the workflow and the trust config of the loopback Sigstore."""
    workflow = repository / ".github/workflows/release.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(WORKFLOW)
    (repository / "trust-config.json").write_text(sim.trust_config)
    return repository, commit(repository)


def test_three_lines_of_yaml_make_a_release_that_verifies(
    github: tuple[Path, str], sim: SigstoreSim, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A push releases the model keyless; the summary says so, the outputs are set, and `verify` accepts the release."""
    repository, sha = github
    env = RunnerEnv.github(sim, directory=tmp_path / "runner", sha=sha)

    job = act(repository, dict(env), tmp_path)

    assert job.status == 0, job.log
    assert "result=SIGNED digest=sha256:" in job.log
    assert "SIGNED: minilm" in job.summary
    root = tmp_path / "trusted-root.json"
    root.write_text(sim.trusted_root)
    release = tmp_path / "dist" / f"minilm-0.0.0-{sha[:12]}"
    signer = "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main"
    status = model_provenance(
        [
            *("verify", str(repository / "model"), "--evidence", str(release), "--signer", signer),
            *("--name", "minilm", "--version", f"0.0.0-{sha[:12]}", "--trusted-root", str(root)),
        ]
    )
    assert status == 0, capsys.readouterr()


def test_without_permission_the_job_fails_and_shows_the_lines_to_add(
    github: tuple[Path, str], sim: SigstoreSim, tmp_path: Path
) -> None:
    """No `id-token: write`: the job is red, `result` stays ERROR, and the summary shows the exact permission."""
    repository, sha = github
    env = RunnerEnv.github(sim, directory=tmp_path / "runner", sha=sha, id_token=False)

    job = act(repository, dict(env), tmp_path)

    assert job.status != 0
    assert "result=ERROR digest= bundle=" in job.log
    assert "id-token: write" in job.summary
    assert not (tmp_path / "dist").exists()


def test_a_pull_request_of_a_fork_is_an_unsigned_dry_run(
    github: tuple[Path, str], sim: SigstoreSim, tmp_path: Path
) -> None:
    """A fork's pull request stays green, says UNSIGNED, and leaves the digest output empty."""
    repository, sha = github
    env = RunnerEnv.github(
        sim, directory=tmp_path / "runner", sha=sha, event_name="pull_request", head_repository="stranger/minilm"
    )

    job = act(repository, dict(env), tmp_path, event="pull_request")

    assert job.status == 0, job.log
    assert "result=UNSIGNED digest= " in job.log
    assert "UNSIGNED: minilm" in job.summary
