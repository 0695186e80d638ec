"""What a machine remembers of transparency logs, as a person, a program and a cluster meet it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model_provenance import load
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

from .command import Cli

SIGNER = "github:acme/minilm"
VERIFY = ("verify", "model", "--signer", SIGNER, "--name", "minilm", "--trusted-root", "root.json")


@pytest.fixture(scope="module", params=[1, 2])
def sim(request: pytest.FixtureRequest) -> Iterator[SigstoreSim]:
    """A Sigstore with either version of the log."""
    with SigstoreSim(rekor_version=request.param) as simulator:
        yield simulator


@pytest.fixture
def release(sim: SigstoreSim, desk: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Release the desk's model in this version, as a GitHub job does."""
    (desk / "trust.json").write_text(sim.trust_config)
    (desk / "root.json").write_text(sim.trusted_root)

    def make(version: str) -> None:
        words = ("release", "model", "--name", "minilm", "--version", version, "--sbom-engine", "native")
        with monkeypatch.context() as patch:
            for name, value in RunnerEnv.github(sim).items():
                patch.setenv(name, value)
            assert cli(*words, "--trust-config", "trust.json", "--output", f"dist/{version}").status == 0

    return make


@pytest.fixture
def two_views(release: Callable[[str], None], sim: SigstoreSim) -> None:
    """Version 1 is released, and then version 2 with another tree in place of the last one that version 1 was shown."""
    release("1.0.0")
    sim.misbehave("rekor", "split-view", times=1)
    release("2.0.0")
    sim.behave()


@pytest.fixture
def state(desk: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's state folder: not at the desk, which a run that fails leaves as it was."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder / "model-provenance" / "log-heads"


def version(number: str) -> tuple[str, ...]:
    """The words that ask for one of the releases."""
    return ("--version", number, "--evidence", f"dist/{number}")


def test_a_log_with_two_faces_is_noticed_by_who_meets_both(two_views: None, state: Path, cli: Cli) -> None:
    """Each release verifies on a machine that has seen nothing; the second one on the same machine does not."""
    assert cli(*VERIFY, *version("1.0.0")).status == 0
    [kept] = state.iterdir()
    cli(*VERIFY, *version("2.0.0")).failed(10, "log.split_view", "signed two trees of", str(kept))
    assert cli(*VERIFY, *version("2.0.0"), "--log-heads", state.with_name("elsewhere")).status == 0


def test_the_folder_can_be_named(two_views: None, state: Path, cli: Cli) -> None:
    """`--log-heads` takes the place of the folder of the user, which stays as it is."""
    named = state.with_name("named")
    assert cli(*VERIFY, *version("1.0.0"), "--log-heads", named).status == 0
    cli(*VERIFY, *version("2.0.0"), "--log-heads", named).failed(10, "log.split_view", str(named))
    assert not state.exists()


def test_programs_that_load_models_remember_the_same(two_views: None, state: Path, cli: Cli) -> None:
    """What `verify` has seen counts for `load`, and nothing is handed out."""
    assert cli(*VERIFY, *version("1.0.0")).status == 0
    wanted = {"signer": SIGNER, "name": "minilm", "version": "2.0.0", "trusted_root": "root.json"}
    with pytest.raises(load.RefusedError) as caught, load.verified("model", evidence="dist/2.0.0", **wanted):
        pytest.fail("it was handed out")
    assert caught.value.code == "log.split_view"
    with load.verified("model", evidence="dist/2.0.0", log_heads=state.with_name("named"), **wanted) as model:
        assert model.files


def test_a_policy_decides_about_nothing_that_a_log_contradicts(two_views: None, state: Path, cli: Cli) -> None:
    """The policy is asked about what was verified; this was not."""
    assert cli(*VERIFY, *version("1.0.0"), "--policy", "integrity").status == 0
    outcome = cli(*VERIFY, *version("2.0.0"), "--policy", "integrity", "--format", "json")
    assert outcome.status == 10
    value = json.loads(outcome.out)
    assert value["result"] == "FAIL"
    assert value.get("decision") is None


def test_a_machine_without_a_home_verifies_and_says_so(
    release: Callable[[str], None], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container may run as nobody in particular."""
    release("1.0.0")
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    outcome = cli(*VERIFY, *version("1.0.0"))
    assert outcome.status == 0
    assert "earlier tree heads: they could not be remembered, cannot" not in outcome.out
    assert "earlier tree heads: they could not be remembered, this user has no home" in " ".join(outcome.out.split())


def test_a_memory_that_somebody_wrote_to_stops_until_a_person_looks(
    release: Callable[[str], None], state: Path, cli: Cli
) -> None:
    """15 with the file's name and what to do; removing it is believing the log from now on."""
    release("1.0.0")
    assert cli(*VERIFY, *version("1.0.0")).status == 0
    [kept] = state.iterdir()
    kept.write_text("{}")
    cli(*VERIFY, *version("1.0.0")).failed(15, "log.memory", str(kept), "remove it")
    kept.unlink()
    assert cli(*VERIFY, *version("1.0.0")).status == 0


def test_a_signature_by_a_key_remembers_nothing(desk: Path, state: Path, cli: Cli, shelf: Path) -> None:
    """There is no log, so nothing is opened and nothing is said about one but that."""
    words = ("--key", "release.pub", "--name", "minilm", "--version", "1.0.0")
    outcome = cli("verify", "model", "--evidence", shelf / "minilm-1.0.0", *words)
    assert outcome.status == 0
    assert "tree heads" not in outcome.out
    assert not os.path.lexists(state)
