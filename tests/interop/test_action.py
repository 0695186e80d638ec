"""The action and the gate, run by act against the real Sigstore and a real registry; cosign reads what came out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.ci_surface.act import act, fetched, with_defaults
from tests.ci_surface.jobs import run_step
from tests.interop.peers import Peers
from tests.interop.registries import RealRegistry, start
from tests.interop.releasing import git, repository
from tests.interop.stack import Stack

from model_provenance.testing.github_api import GitHubApi
from model_provenance.testing.runner_env import RunnerEnv

ROOT = Path(__file__).resolve().parents[2]
SIGNER = "https://github.com/acme/minilm/.github/workflows/gate.yml@refs/tags/v1.0.0"


@pytest.fixture
def olareg(tools: ModuleType, tmp_path: Path) -> Iterator[RealRegistry]:
    """A registry with the referrers API."""
    registry = start("olareg", tmp_path / "olareg", tools)
    assert registry is not None
    yield registry
    registry.stop()


@pytest.mark.matrix("the action under act", "keyless, olareg, cosign verify, the gate", "releases")
def test_released_by_the_action_verified_by_cosign_and_the_gate(
    stack: Stack, olareg: RealRegistry, peers: Peers, tmp_path: Path
) -> None:
    """examples/github/gate.yml: signed as GitHub, pushed, checked, deployed by digest; the same tag with another model is not."""
    repository(tmp_path)
    place = tmp_path / "minilm"
    workflow = place / ".github/workflows/gate.yml"
    workflow.parent.mkdir(parents=True)
    example = (ROOT / "examples/github/gate.yml").read_text().replace("ghcr.io/", f"{olareg.host}/")
    workflow.write_text(example.replace("check-run: never", "check-run: always, allow-tag-move: true"))
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "A workflow")
    tool = with_defaults(fetched(tmp_path / "fetched"), tmp_path / "tool", stack.trust_config)
    with GitHubApi() as api:
        env = RunnerEnv.github(
            stack,  # type: ignore[arg-type]  # the real servers in the simulator's place
            directory=tmp_path / "runner",
            sha=git(place, "rev-parse", "HEAD"),
            ref="refs/tags/v1.0.0",
            workflow=".github/workflows/gate.yml",
            variables={"GITHUB_API_URL": api.url},
        )
        job = act(place, env, tmp_path, tool, token=api.token)

    assert job.status == 0, job.log
    assert [check["conclusion"] for check in api.checks] == ["success"]
    deployed = re.search(rf"deploying ({re.escape(olareg.host)}/acme/minilm@sha256:[0-9a-f]{{64}})", job.log)
    assert deployed is not None
    root = tmp_path / "trusted-root.json"
    root.write_text(stack.trusted_root)
    identity = [
        "--certificate-identity",
        SIGNER,
        "--certificate-oidc-issuer",
        "https://token.actions.githubusercontent.com",
    ]
    done = peers.cosign("verify", "--trusted-root", str(root), "--use-signed-timestamps", *identity, deployed[1])
    assert done.returncode == 0, done.stdout + done.stderr

    (place / "model/config.json").write_text('{"model_type": "gpt2"}')
    git(place, "commit", "-q", "-a", "-m", "Another model")
    attack = RunnerEnv.github(
        stack,  # type: ignore[arg-type]
        directory=tmp_path / "attack",
        sha=git(place, "rev-parse", "HEAD"),
        ref="refs/heads/attack",
        workflow=".github/workflows/gate.yml",
        variables={"GITHUB_WORKSPACE": str(place)},
    )
    trust = str(tool / "trust-config.json")
    tag = f"{olareg.host}/acme/minilm:1.0.0"
    moved = {"push": tag, "allow_tag_move": "true", "output": "dist/attack", "check_run": "never"}
    made = run_step("release", place, attack, model="model", version="1.0.0", trust_config=trust, **moved)
    assert made.status == 0, made.log
    pinned = {"name": "minilm", "version": "1.0.0", "trust_config": trust}
    signer = "github:acme/minilm#718293041/.github/workflows/gate.yml@refs/tags/v1.0.0"
    gate = run_step("verify", place, attack, reference=tag, signer=signer, **pinned)
    still = run_step("verify", place, attack, reference=deployed[1], signer=signer, **pinned)
    assert (gate.outputs, gate.status) == ({"result": "FAIL"}, 10), gate.log
    assert still.outputs["reference"] == deployed[1], still.log
