"""Releases of a GitHub Enterprise Server, with a Sigstore of its own: the same words, and the instance by its token issuer."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model_provenance.testing.identities import ENTERPRISE, GITHUB_ISSUER
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

from .command import Cli, Outcome

ISSUER = f"{ENTERPRISE}/_services/token"
SIGNER = "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main"
BUILDER = "platform/builders/.github/workflows/model.yml@refs/tags/v2"
NAMED = ("--name", "minilm", "--version", "1.0.0")
Release = Callable[..., Outcome]


@pytest.fixture(scope="module")
def sim() -> Iterator[SigstoreSim]:
    """A Sigstore that takes tokens of github.com and of the Enterprise Server."""
    with SigstoreSim() as simulator:
        yield simulator


@pytest.fixture
def release(sim: SigstoreSim, desk: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Release:
    """Release the model in a job of the Enterprise Server, or of another."""
    (desk / "trust.json").write_text(sim.trust_config)

    def run(**job: str) -> Outcome:
        given = {"server_url": ENTERPRISE, "runner_environment": "self-hosted", **job}
        with monkeypatch.context() as patch:
            for name, value in RunnerEnv.github(sim, **given).items():
                patch.setenv(name, value)
            words = ("--sbom-engine", "native", "--trust-config", "trust.json", "--output", "dist/minilm")
            outcome = cli("release", "model", *NAMED, *words)
        assert outcome.status == 0, outcome
        return outcome

    return run


@pytest.fixture
def verify(cli: Cli) -> Callable[..., Outcome]:
    """Verify the release, with or without the issuer."""

    def run(*words: str, issuer: str | None = ISSUER) -> Outcome:
        instance = () if issuer is None else ("--certificate-oidc-issuer", issuer)
        expected = ("--evidence", "dist/minilm", "--trust-config", "trust.json", *NAMED)
        return cli("verify", "model", *expected, *words, *instance, "--format", "json")

    return run


def failures(outcome: Outcome) -> set[str]:
    """Codes of what failed."""
    return {finding["id"] for finding in json.loads(outcome.out)["findings"] if finding["severity"] == "error"}


def test_a_release_of_an_enterprise_server_verifies_by_its_issuer(
    release: Release, verify: Callable[..., Outcome]
) -> None:
    """The whole signer is held against addresses of the instance; runners there are a company's own, so the level is 1."""
    release()
    outcome = verify("--signer", SIGNER)
    assert outcome.status == 0, outcome
    report = json.loads(outcome.out)
    assert report["signer"]["issuer"] == ISSUER
    assert report["signer"]["subject"] == f"{ENTERPRISE}/acme/minilm/.github/workflows/release.yml@refs/heads/main"
    assert report["slsa_level"] == 1
    for other, code in (
        (SIGNER.replace("acme/minilm", "acme/other"), "signer.repository"),
        (SIGNER.replace("#718293041", "#1"), "signer.repository_id"),
        (SIGNER.replace("release.yml", "other.yml"), "signer.workflow"),
        (SIGNER.replace("heads/main", "heads/dev"), "signer.ref"),
    ):
        assert code in failures(verify("--signer", other))


@pytest.mark.parametrize(
    "issuer",
    [None, GITHUB_ISSUER, "https://github.other.example/_services/token", "https://token.actions.acme.ghe.com"],
)
def test_its_jobs_are_not_those_of_another_instance(
    release: Release, verify: Callable[..., Outcome], issuer: str | None
) -> None:
    """Above all not of github.com, which `github:` alone means: a repository of this name may be anybody's there."""
    release()
    outcome = verify("--signer", SIGNER, issuer=issuer)
    assert outcome.status == 10
    assert {"signer.issuer", "signer.repository", "signer.workflow", "signer.builder"} <= failures(outcome)


def test_a_job_of_github_com_is_none_of_the_enterprise_server(release: Release, verify: Callable[..., Outcome]) -> None:
    """The same repository name and number, in the same trusted Sigstore."""
    release(server_url="https://github.com")
    assert verify("--signer", SIGNER, issuer=None).status == 0
    outcome = verify("--signer", SIGNER)
    assert outcome.status == 10
    assert {"signer.issuer", "signer.repository"} <= failures(outcome)


def test_a_reusable_workflow_of_the_instance_signs_where_it_is_named(
    release: Release, verify: Callable[..., Outcome]
) -> None:
    """`--builder` is a workflow of the same instance."""
    release(job_workflow_ref=BUILDER)
    assert failures(verify("--signer", SIGNER)) == {"signer.builder"}
    assert verify("--signer", SIGNER, "--builder", BUILDER).status == 0
    assert verify("--signer", SIGNER, "--builder", BUILDER.replace("v2", "v3")).status == 10


def test_what_is_suggested_verifies(release: Release, cli: Cli, verify: Callable[..., Outcome]) -> None:
    """Whoever names nobody is shown the signer with its issuer, and the command that a release prints has both."""
    made = release(job_workflow_ref=BUILDER)
    outcome = cli("verify", "model", "--evidence", "dist/minilm", "--trust-config", "trust.json")
    assert outcome.status == 2
    words = shlex.split(outcome.err.splitlines()[-1].strip(), comments=True)
    assert words == ["--signer", SIGNER, "--builder", BUILDER, "--certificate-oidc-issuer", ISSUER]
    assert verify(*words, issuer=None).status == 0
    assert shlex.join(words) in made.out


def test_a_policy_names_signers_of_an_instance(release: Release, desk: Path, verify: Callable[..., Outcome]) -> None:
    """`issuer` beside `signer`; without it the same words mean github.com."""
    release()
    head = "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: ours}\n"
    for words, status in ((f"signer: '{SIGNER}', issuer: '{ISSUER}'", 0), (f"signer: '{SIGNER}'", 10)):
        (desk / "ours.yaml").write_text(f"{head}spec: {{extends: integrity, signers: [{{{words}}}]}}\n")
        outcome = verify("--policy", "ours.yaml", issuer=None)
        assert outcome.status == status, outcome


@pytest.mark.parametrize(
    "issuer",
    [
        "https://github.acme.example",
        "http://github.acme.example/_services/token",
        "https://github.acme.example/_services/token/",
        "https://u:p@github.acme.example/_services/token",
        "https://token.actions.githubusercontent.com.evil.example",
        "https://token.actions.githubusercontent.com/a/b",
        "https://token.actions.evil.example/acme.ghe.com",
        "",
    ],
)
def test_what_is_no_issuer_of_github_is_refused(release: Release, verify: Callable[..., Outcome], issuer: str) -> None:
    """With the words that would be one."""
    release()
    outcome = verify("--signer", SIGNER, issuer=issuer)
    assert outcome.status == 2
    assert "https://HOST/_services/token" in outcome.err
