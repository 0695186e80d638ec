"""A gate in CI vouches with the identity of its job, and a consumer pins that identity in the words of --signer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

from .command import Cli, Outcome

HEAD = "apiVersion: model-provenance/v1\nkind: Policy\n"
SIGNER = "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main"
GATE = "github:acme/deploy#42/.github/workflows/gate.yml@refs/heads/main"
ID = "https://acme.example/gate"
VERIFY = ("verify", "model", "--name", "minilm", "--version", "1.0.0", "--trusted-root", "root.json")
Job = Callable[..., Outcome]


@pytest.fixture(scope="module")
def sim() -> Iterator[SigstoreSim]:
    """A Sigstore for releases and gates."""
    with SigstoreSim() as simulator:
        yield simulator


@pytest.fixture
def job(sim: SigstoreSim, desk: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Job:
    """Run a command line in a GitHub job; the model has been released by `SIGNER` into `dist`."""
    (desk / "trust.json").write_text(sim.trust_config)
    (desk / "root.json").write_text(sim.trusted_root)
    (desk / "ours.yaml").write_text(
        f"{HEAD}metadata: {{name: ours}}\nspec: {{extends: baseline, signers: [{{signer: '{SIGNER}'}}],"
        " datasets: {requireDigest: true, effect: deny}, licenses: {allow: [Apache-2.0]}}\n"
    )
    (desk / "consumer.yaml").write_text(
        f"{HEAD}metadata: {{name: consumer}}\nspec: {{vsa: {{verifiers: [{{id: '{ID}', signer: '{GATE}'}}],"
        " maxAge: 1d, levels: [SLSA_BUILD_LEVEL_2, MODELPROV_TIME_PASS]}}\n"
    )
    (desk / "minilm.yaml").write_text(
        f"model_name: minilm\nversion: 1.0.0\nlicense: Apache-2.0\ndatasets: [{{name: snli, digest: 'sha256:{'ab' * 32}'}}]\n"
    )

    def call(*words: str, **run: str) -> Outcome:
        with monkeypatch.context() as patch:
            for name, value in RunnerEnv.github(sim, **run).items():
                patch.setenv(name, value)
            return cli(*words)

    named = ("--name", "minilm", "--version", "1.0.0", "--manifest", "minilm.yaml", "--sbom-engine", "native")
    outcome = call("release", "model", *named, "--trust-config", "trust.json", "--output", "dist/minilm")
    assert outcome.status == 0, outcome
    return call


DEPLOY = {"repository": "acme/deploy", "repository_id": "42", "workflow": ".github/workflows/gate.yml"}
VOUCH = ("verify", "model", "--name", "minilm", "--version", "1.0.0", "--evidence", "dist/minilm", "--trust-config", "trust.json",
         "--policy", "ours.yaml", "--vsa", "v.json", "--verifier-id", ID)  # fmt: skip


def test_a_gate_vouches_with_its_own_identity(job: Job, cli: Cli) -> None:
    """The consumer names workflow, ref and repository number of the gate; another repository's gate is a stranger."""
    outcome = job(*VOUCH, **DEPLOY)
    assert outcome.status == 0, outcome
    relied = cli(*VERIFY, "--policy", "consumer.yaml", "--accept-vsa", "v.json")
    assert relied.status == 0, relied
    assert "verifier  https://github.com/acme/deploy (ID 42) at refs/heads/main" in relied.out
    for other in ({"repository_id": "43"}, {"workflow": ".github/workflows/other.yml"}, {"ref": "refs/heads/x"}):
        assert job(*VOUCH, **{**DEPLOY, **other}).status == 0
        cli(*VERIFY, "--policy", "consumer.yaml", "--accept-vsa", "v.json").refused(2, "policy.vsa")


def test_the_workflow_that_released_does_not_vouch(job: Job) -> None:
    """Its own identity is that of the release, so nothing is written."""
    job(*VOUCH).refused(2, "policy.vsa", "who released the model", "another workflow")
    assert not Path("v.json").exists()


def test_a_run_that_strangers_steer_does_not_vouch(job: Job) -> None:
    """The same events that may not release a model."""
    job(*VOUCH, **DEPLOY, event_name="pull_request_target").refused(21, "context.event_refused")
    assert not Path("v.json").exists()
