"""`doctor`: a good environment is said to be one; each thing that is missing is named with what to add."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_provenance.domain.finding import Finding, Severity
from model_provenance.flows import doctor
from model_provenance.flows.doctor import DoctorRequest, examine, exit_status
from model_provenance.oci.access import Access
from model_provenance.testing.registry_sim import RegistrySim
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim


@pytest.fixture(scope="module")
def sim() -> Iterator[SigstoreSim]:
    """One Sigstore."""
    with SigstoreSim() as simulator:
        yield simulator


class Desk:
    """A checkout and its job."""

    def __init__(self, folder: Path, sim: SigstoreSim) -> None:
        self.folder, self.sim = folder, sim
        (folder / "trust.json").write_text(sim.trust_config)
        (folder / ".gitignore").write_text("*\n")
        for words in (["init", "-q", "-b", "main"], ["add", "-f", ".gitignore"], ["commit", "-q", "-m", "x"]):
            self._git(*words)
        self.commit = self._git("rev-parse", "HEAD")

    def _git(self, *words: str) -> str:
        who = {f"GIT_{r}_{p}": "dev@example.invalid" for r in ("AUTHOR", "COMMITTER") for p in ("NAME", "EMAIL")}
        env = {"PATH": "/usr/bin:/bin", "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": str(self.folder), **who}
        done = subprocess.run(["git", *words], cwd=self.folder, env=env, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def github(self, **run: Any) -> RunnerEnv:
        """A job of GitHub."""
        variables = {"GITHUB_WORKSPACE": str(self.folder)}
        directory = self.folder / "runner"
        return RunnerEnv.github(self.sim, directory=directory, variables=variables, **{"sha": self.commit, **run})

    def gitlab(self, **run: Any) -> RunnerEnv:
        """A job of GitLab."""
        variables = {"CI_PROJECT_DIR": str(self.folder)}
        directory = self.folder / "runner"
        return RunnerEnv.gitlab(self.sim, directory=directory, variables=variables, **{"sha": self.commit, **run})

    def examine(self, env: Any, **more: Any) -> tuple[Finding, ...]:
        """With the simulator's trust config."""
        return examine(DoctorRequest(self.folder, env, **{"trust_config": self.folder / "trust.json", **more}))


@pytest.fixture
def desk(tmp_path: Path, sim: SigstoreSim) -> Iterator[Desk]:
    """With a Sigstore that behaves again afterwards."""
    yield Desk(tmp_path, sim)
    sim.behave()


def problems(findings: tuple[Finding, ...]) -> set[str]:
    """Codes of what stands in the way."""
    return {finding.id for finding in findings if finding.severity is Severity.ERROR}


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_a_job_that_can_release_is_said_to_be_one(desk: Desk, service: str) -> None:
    """Everything passes, the services and the clock included."""
    findings = desk.examine(getattr(desk, service)())
    assert problems(findings) == set(), findings
    assert exit_status(findings) == 0
    said = {finding.id for finding in findings}
    assert {"versions", "run", "identity", "git", "event", "privacy", "sigstore", "clock", "trust"} <= said


def test_a_job_without_permission_is_shown_the_lines_to_add(desk: Desk) -> None:
    """GitHub: `id-token: write`."""
    findings = desk.examine(desk.github(id_token=False))
    assert problems(findings) == {"context.token_missing"}
    assert exit_status(findings) == 21
    assert "id-token: write" in next(f.remedy for f in findings if f.id == "context.token_missing")


def test_a_gitlab_job_without_token_is_shown_the_lines_to_add(desk: Desk) -> None:
    """GitLab: `id_tokens`."""
    findings = desk.examine(desk.gitlab(id_token=False))
    assert problems(findings) == {"context.token_missing"}
    assert "SIGSTORE_ID_TOKEN" in next(f.remedy for f in findings if f.id == "context.token_missing")


def test_outside_ci_a_missing_token_is_no_defect(desk: Desk) -> None:
    """A key signs there."""
    findings = desk.examine({"PATH": "/usr/bin:/bin", "HOME": str(desk.folder)})
    assert problems(findings) == set()
    assert any(f.id == "context.token_missing" and f.severity is Severity.WARNING for f in findings)


def test_an_event_that_may_not_sign_is_named(desk: Desk) -> None:
    """Before a release would be tried."""
    assert problems(desk.examine(desk.github(event_name="workflow_run"))) == {"context.event_refused"}


def test_another_commit_is_named(desk: Desk) -> None:
    """The run is of one commit, the checkout at another."""
    assert "context.head_mismatch" in problems(desk.examine(desk.github(sha="a" * 40)))


def test_a_private_repository_may_use_a_private_sigstore(desk: Desk) -> None:
    """Nothing is published."""
    env = desk.github(visibility="private")
    assert problems(desk.examine(env)) == set()


def test_a_wrong_token_is_named(desk: Desk) -> None:
    """Environment and token disagree."""
    env = desk.github(claims={"repository": "acme/other"})
    assert "context.token_mismatch" in problems(desk.examine(env))


@pytest.mark.parametrize("service", ["fulcio", "rekor", "tsa"])
def test_a_service_that_is_down_is_named(desk: Desk, service: str) -> None:
    """The others are said to answer."""
    desk.sim.misbehave(service, "down")
    findings = desk.examine(desk.github())
    assert problems(findings) == {"sign.service"}
    assert exit_status(findings) == 20


def test_a_trust_config_that_is_none_is_named(desk: Desk) -> None:
    """The rest is looked at all the same."""
    (desk.folder / "other.json").write_text("{}")
    findings = desk.examine(desk.github(), trust_config=desk.folder / "other.json")
    assert problems(findings) == {"sign.trust_config"}
    assert "trust" in {finding.id for finding in findings}


@pytest.mark.parametrize(("seconds", "word"), [(-3600, "ahead of"), (3600, "behind")])
def test_a_wrong_clock_is_named(seconds: int, word: str) -> None:
    """By how much; a few seconds are nothing."""
    [finding] = doctor._clock([int(time.time()) + seconds])
    assert finding.id == "doctor.clock"
    assert word in finding.message
    [good] = doctor._clock([int(time.time()) + 5])
    assert good.id == "clock"


def test_a_named_syft_must_be_there(desk: Desk) -> None:
    """Without a name, it is only told."""
    findings = desk.examine(desk.github(), syft=desk.folder / "nothing")
    assert problems(findings) == {"sbom.syft_missing"}


def test_a_registry_is_reached(desk: Desk) -> None:
    """And what is no reference is named."""
    access = Access({"HOME": str(desk.folder)}, None)
    with RegistrySim() as registry:
        where = f"{registry.host}/acme/minilm:1.0.0"
        findings = desk.examine(desk.github(), registry=where, access=access)
        assert problems(findings) == set(), findings
        assert "registry" in {finding.id for finding in findings}
    assert problems(desk.examine(desk.github(), registry="no reference", access=access)) == {"registry.reference"}
