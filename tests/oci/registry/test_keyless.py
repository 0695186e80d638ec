"""Releases of a CI job in a registry: what a second run takes over, and what lies there from another one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.oci.registry.workshop import REPOSITORY, Workshop, access_to

from model_provenance.domain.receipt import Receipt
from model_provenance.domain.result import Result
from model_provenance.domain.tree_head import TreeHead
from model_provenance.domain.verification import Report
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.expectation import SignerOptions
from model_provenance.flows.registry import discover
from model_provenance.flows.signing import KeylessSigning
from model_provenance.flows.tree_heads import KeptHeads
from model_provenance.formats.bundle import parse_bundle
from model_provenance.formats.checkpoint import parse_checkpoint
from model_provenance.testing.log import checkpoint
from model_provenance.testing.registry_sim import RegistrySim
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

Registries = Callable[..., RegistrySim]


@pytest.fixture(scope="module")
def sigstore() -> Iterator[SigstoreSim]:
    """One for all tests of this module."""
    with SigstoreSim() as sim:
        yield sim


class Job:
    """A repository, and runs of its workflow."""

    def __init__(self, workshop: Workshop, sigstore: SigstoreSim) -> None:
        self.workshop, self.sigstore = workshop, sigstore
        self.trust = workshop.folder / "trust.json"
        self.trust.write_text(sigstore.trust_config)
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(workshop.folder)]
        (workshop.folder / ".gitignore").write_text("*\n!.gitignore\n")
        for words in (["init", "-q", "-b", "main"], ["add", ".gitignore"], ["commit", "-q", "-m", "one"]):
            subprocess.run([*git, *words], check=True)
        self.sha = subprocess.run(
            [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
        ).stdout.strip()
        self.runs = 0

    def release(self, registry: RegistrySim, state: Path | None = None, **changes: Any) -> Receipt:
        """The next run of the workflow, whose machine keeps what is remembered in `state`."""
        self.runs += 1
        run = {"sha": self.sha, "run_id": str(1000 + self.runs), "repository": "acme/minilm"}
        kept = {} if state is None else {"XDG_STATE_HOME": str(state)}
        env = RunnerEnv.github(self.sigstore, variables=kept, **run)
        signing = KeylessSigning(self.trust, None, allow_public_log=True)
        return self.workshop.release(registry, signing=signing, env=env, **changes)

    def verify(self, registry: RegistrySim, what: str = ":1.0.0") -> Report:
        """By who releases, in which repository."""
        signer = SignerOptions(signer="github:acme/minilm@refs/heads/main")
        return self.workshop.verify(registry, what, signer=signer, trust_config=self.trust)


@pytest.fixture
def job(workshop: Workshop, sigstore: SigstoreSim) -> Job:
    """A repository that releases."""
    return Job(workshop, sigstore)


def test_a_second_run_takes_over_the_evidence_of_the_first(job: Job, registry: Registries) -> None:
    """The provenance tells of the run that signed; nothing is signed again, nothing is written, the log gets no entry."""
    sim = registry("distribution-2.8")
    first = job.release(sim)
    before = list(sim.store.writes)
    second = job.release(sim)
    assert sim.store.writes == before
    assert [bundle.data for bundle in second.bundles] == [bundle.data for bundle in first.bundles]
    assert second.signer == first.signer
    assert [entry.log_index for b in second.bundles for entry in b.log_entries] == [
        entry.log_index for b in first.bundles for entry in b.log_entries
    ]
    assert job.verify(sim).result is Result.PASS


def test_evidence_in_a_tree_that_contradicts_a_remembered_one_is_not_taken_over(
    job: Job, registry: Registries, tmp_path: Path
) -> None:
    """What the log has signed is remembered for who releases, too: a split view stops a second run, which signs nothing."""
    sim, state = registry(), tmp_path / "state"
    first = job.release(sim, state=state)
    entry = parse_bundle(first.bundles[0].data).entries[0]
    assert entry.proof is not None
    head = parse_checkpoint(entry.proof.checkpoint or "")
    log, other = job.sigstore.rekor_v1, bytes(32)
    note = checkpoint(head.origin, (log.HOST, log.log_id), head.size, other, log.key)
    theirs = TreeHead(log.log_id.hex(), head.origin, head.size, other.hex(), note, None, "elsewhere")
    KeptHeads(state / "model-provenance" / "log-heads").meet([theirs])
    before = list(sim.store.writes)
    with pytest.raises(ModelProvenanceError) as stopped:
        job.release(sim, state=state)
    assert stopped.value.code == "log.split_view"
    assert "log-heads" in stopped.value.message
    assert sim.store.writes == before


def test_evidence_of_two_runs_side_by_side_verifies(
    job: Job, registry: Registries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two complete sets of one package (two runs at once), and each is one release: the verification takes one whole."""
    sim = registry()
    monkeypatch.setattr("model_provenance.flows.reuse.reusable", lambda *_: None)
    first, second = job.release(sim), job.release(sim)
    assert {b.data for b in first.bundles}.isdisjoint({b.data for b in second.bundles})
    report = job.verify(sim)
    assert report.result is Result.PASS


def test_one_package_under_two_versions_has_two_releases(job: Job, registry: Registries) -> None:
    """The same files released as 1.0.0 and 1.0.1 are one package with two sets of evidence; each tag verifies as itself."""
    sim = registry()
    job.release(sim)
    job.release(sim, tag="1.0.1", version="1.0.1")
    for version in ("1.0.0", "1.0.1"):
        report = job.verify(sim, f":{version}")
        assert report.result is Result.PASS
        assert report.verified is not None
        assert report.verified.manifest["version"] == version
    sim.store.tags[REPOSITORY]["1.0.2"] = sim.store.tags[REPOSITORY]["1.0.1"]
    assert job.verify(sim, ":1.0.2").result is Result.FAIL


def test_a_run_that_died_while_attaching_leaves_nothing_in_the_way(
    job: Job, registry: Registries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements without their provenance are part of no release; the next run signs its own, and that set verifies."""
    from model_provenance.oci import publish

    sim = registry()
    true = publish.push_evidence
    monkeypatch.setattr(publish, "push_evidence", lambda r, p, bundles: true(r, p, bundles[:2]))
    monkeypatch.setattr(publish, "read_back", _die)
    with pytest.raises(KeyboardInterrupt):
        job.release(sim)
    monkeypatch.undo()
    job.release(sim)
    assert job.verify(sim).result is Result.PASS


def test_evidence_of_a_stranger_does_no_harm_and_no_good(job: Job, registry: Registries, sigstore: SigstoreSim) -> None:
    """Another repository releases the same files into the same repository of the registry: ours still verifies, theirs not."""
    sim = registry()
    job.release(sim)
    theirs = RunnerEnv.github(sigstore, sha=job.sha, repository="evil/minilm")
    signing = KeylessSigning(job.trust, None, allow_public_log=True)
    job.workshop.release(sim, signing=signing, env=theirs)
    assert job.verify(sim).result is Result.PASS
    alone = registry()
    job.workshop.release(alone, signing=signing, env=RunnerEnv.github(sigstore, sha=job.sha, repository="evil/minilm"))
    report = job.verify(alone)
    assert report.exit_status == 10


def _die(*_: Any) -> None:
    raise KeyboardInterrupt


def test_discover_says_when_each_statement_was_signed(job: Job, registry: Registries) -> None:
    """Rekor v2 promises no time, so it is that of the signed timestamp, the same as in the referrer's annotation."""
    sim = registry()
    job.release(sim)
    found = discover(f"oci://{sim.host}/{REPOSITORY}:1.0.0", access_to(sim))
    moments = {each.signed for subject in found.subjects for each in subject.attached}
    assert moments
    assert all(moment is not None and moment.startswith("20") and moment.endswith("Z") for moment in moments)
