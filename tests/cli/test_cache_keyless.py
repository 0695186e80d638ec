"""The cache and keyless signatures: the second verifier is spared, our own is not, and nothing it refused is remembered."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim
from model_provenance.verify import library

from .command import SOURCE, Cli, Outcome, plain_environment

SIGNER = "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main"
NAMED = ("--name", "minilm", "--version", "1.0.0")
VERIFY = ("verify", "model", "--evidence", "dist/minilm", "--signer", SIGNER, *NAMED)
LOADED = """
import sys
from model_provenance.cli.main import run
status = run(sys.argv[1:])
print("sigstore.verify" in sys.modules, status)
"""


@pytest.fixture(scope="module")
def sim() -> Iterator[SigstoreSim]:
    """A Sigstore for releases."""
    with SigstoreSim() as simulator:
        yield simulator


@pytest.fixture
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where cache and key lie: not at the desk, which a run that fails leaves as it was."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def verify(sim: SigstoreSim, desk: Path, kept: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`verify --cache` of a model that a GitHub job has released."""
    monkeypatch.setenv("XDG_STATE_HOME", str(kept / "state"))
    (desk / "trust.json").write_text(sim.trust_config)
    (desk / "root.json").write_text(sim.trusted_root)
    with monkeypatch.context() as patch:
        for name, value in RunnerEnv.github(sim).items():
            patch.setenv(name, value)
        words = ("release", "model", *NAMED, "--sbom-engine", "native", "--trust-config", "trust.json")
        assert cli(*words, "--output", "dist/minilm").status == 0
    return lambda *words: cli(*VERIFY, "--cache", kept / "cache", *(words or ("--trusted-root", "root.json")))


def alone(desk: Path, kept: Path) -> str:
    """Whether a process of its own loaded the library, and its status."""
    env = {**plain_environment(desk), "PYTHONPATH": str(SOURCE), "XDG_STATE_HOME": str(kept / "state")}
    words = (*VERIFY, "--cache", str(kept / "cache"), "--trusted-root", "root.json")
    ran = subprocess.run([sys.executable, "-c", LOADED, *words], cwd=desk, env=env, capture_output=True, text=True)
    return ran.stdout.splitlines()[-1]


def test_the_second_verifier_is_asked_once_about_the_same_bundle(verify: Cli, desk: Path, kept: Path) -> None:
    """The library is not even loaded again; our own seventeen checks are carried out all the same."""
    assert alone(desk, kept) == "True 0"
    assert alone(desk, kept) == "False 0"
    first, second = (json.loads(verify("--trusted-root", "root.json", "--format", "json").out) for _ in range(2))
    # Whether the files were old enough to be remembered by then is another matter.
    ours = [[f for f in report["findings"] if f["id"] not in ("files", "cache")] for report in (first, second)]
    assert ours[0] == ours[1]
    assert len(ours[0]) > 30


def test_what_the_second_verifier_refuses_is_not_remembered(
    verify: Cli, desk: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked again, and its acceptance afterwards is one of these very bytes."""
    with monkeypatch.context() as patch:
        patch.setattr(library, "second_opinion", lambda _: lambda *_: "no")
        verify().failed(10, "bundle.verification")
        verify().failed(10, "bundle.verification")
    assert list((kept / "cache").iterdir()) == []
    assert verify().status == 0
    path = desk / "dist/minilm/evidence/oms.sigstore.json"
    path.write_bytes(json.dumps(json.loads(path.read_bytes())).encode() + b" ")
    with monkeypatch.context() as patch:
        patch.setattr(library, "second_opinion", lambda _: lambda *_: "no")
        verify().failed(10, "bundle.verification")


def test_an_acceptance_under_one_root_says_nothing_under_another(verify: Cli, desk: Path) -> None:
    """Another Sigstore's root is asked anew, by both verifiers."""
    assert verify().status == 0
    with SigstoreSim() as other:
        (desk / "other.json").write_text(other.trusted_root)
    outcome: Outcome = verify("--trusted-root", "other.json")
    outcome.failed(10, "log.unknown")


def test_our_own_checks_are_not_spared(verify: Cli, desk: Path) -> None:
    """A remembered acceptance does not make up for an expectation, a signature or a set that does not hold."""
    assert verify().status == 0
    verify("--trusted-root", "root.json", "--version", "2.0.0").failed(11, "expect.version")
    verify("--trusted-root", "root.json", "--signer", "github:acme/other").failed(10, "signer.repository")
    (desk / "dist/minilm/evidence/spdx.sigstore.json").unlink()
    verify().failed(12, "evidence.missing")
