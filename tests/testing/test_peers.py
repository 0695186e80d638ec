"""Other programs against the simulator, as they are installed: sigstore's and model_signing's command lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

IDENTITY = f"https://github.com/{GitHubRun().workflow_ref}"
ISSUER = "https://token.actions.githubusercontent.com"


def run(*arguments: str, cwd: Path, env: RunnerEnv) -> subprocess.CompletedProcess[str]:
    """A program of this environment, in the environment of a CI step."""
    program = Path(sys.executable).parent / arguments[0]
    return subprocess.run(
        [str(program), *arguments[1:]], cwd=cwd, env=dict(env), capture_output=True, text=True, check=False
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A directory of two files."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.safetensors").write_bytes(b"\x00" * 64)
    (tmp_path / "model" / "config.json").write_text("{}")
    return tmp_path / "model"


def test_sigstores_command_line_signs_in_a_runner_and_verifies(either: SigstoreSim, tmp_path: Path) -> None:
    """With the ambient token, either Rekor and a trust config; a changed file is refused."""
    (tmp_path / "config.json").write_text(either.trust_config)
    (tmp_path / "file").write_text("content")
    env = RunnerEnv.github(either)
    signed = run("sigstore", "--trust-config", "config.json", "sign", "file", cwd=tmp_path, env=env)
    assert signed.returncode == 0, signed.stderr
    verify = ("sigstore", "--trust-config", "config.json", "verify", "github", "--cert-identity", IDENTITY, "file")
    verified = run(*verify, cwd=tmp_path, env=env)
    assert verified.returncode == 0, verified.stderr
    (tmp_path / "file").write_text("changed")
    assert run(*verify, cwd=tmp_path, env=env).returncode != 0


def test_model_signings_command_line_signs_and_verifies(either: SigstoreSim, model: Path) -> None:
    """OMS with keyless signing, no network but loopback; a changed weight is refused."""
    pytest.importorskip("model_signing")
    (model.parent / "config.json").write_text(either.trust_config)
    env = RunnerEnv.github(either)
    common = ("--signature", "model.sig", "--trust_config", "config.json")
    token = ("--identity_token", either.issue_github_token())
    signed = run("model_signing", "sign", "sigstore", "model", *common, *token, cwd=model.parent, env=env)
    assert signed.returncode == 0, signed.stdout + signed.stderr
    whom = ("--identity", IDENTITY, "--identity_provider", ISSUER)
    verify = ("model_signing", "verify", "sigstore", "model", *common, *whom)
    verified = run(*verify, cwd=model.parent, env=env)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    (model / "weights.safetensors").write_bytes(b"\x01" * 64)
    assert run(*verify, cwd=model.parent, env=env).returncode != 0
