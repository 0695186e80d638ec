"""`--sign-later`: what an outage leaves, and signing it later under the rules of the design (4.4, 13)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from model_provenance.domain.names import ModelName, Version
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.expectation import SignerOptions
from model_provenance.flows.push import PushRequest
from model_provenance.flows.release import release
from model_provenance.flows.request import ReleaseRequest
from model_provenance.flows.sign_spool import sign_spool
from model_provenance.flows.signing import KeylessSigning
from model_provenance.flows.verify import VerifyRequest, verify
from model_provenance.oci.access import Access
from model_provenance.sign.patience import Patience
from model_provenance.testing.registry_sim import RegistrySim
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

SERVICES = ["fulcio", "rekor", "tsa"]


@pytest.fixture(scope="module")
def sim() -> Iterator[SigstoreSim]:
    """One Sigstore."""
    with SigstoreSim() as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between attempts at a service that is down; how long they are is a matter of `tests/sign`."""
    monkeypatch.setattr("model_provenance.sign.keyless.Patience", partial(Patience, pause=0.001))


class Team:
    """A checkout with a model, and its CI."""

    def __init__(self, folder: Path, sim: SigstoreSim) -> None:
        self.folder, self.sim = folder, sim
        self.model = folder / "model"
        self.model.mkdir()
        header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
        (self.model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
        (self.model / "config.json").write_text('{"model_type": "bert"}')
        (self.model / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
        (folder / ".gitignore").write_text("dist/\nrunner*/\n*.json\n!model/*.json\n")
        self.commit = self._git("init", "-q", "-b", "main") or self._commit()
        (folder / "trust.json").write_text(sim.trust_config)
        (folder / "root.json").write_text(sim.trusted_root)

    def _git(self, *words: str) -> str:
        who = {f"GIT_{r}_{p}": "dev@example.invalid" for r in ("AUTHOR", "COMMITTER") for p in ("NAME", "EMAIL")}
        env = {"PATH": "/usr/bin:/bin", "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": str(self.folder), **who}
        done = subprocess.run(["git", *words], cwd=self.folder, env=env, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def _commit(self) -> str:
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "A model")
        return self._git("rev-parse", "HEAD")

    def job(self, number: str = "1", **more: Any) -> RunnerEnv:
        """A CI job; each is another run."""
        directory = self.folder / f"runner{number}"
        return RunnerEnv.github(self.sim, directory=directory, sha=self.commit, run_id=f"1630000000{number}", **more)

    @property
    def signing(self) -> KeylessSigning:
        """With the simulator."""
        return KeylessSigning(self.folder / "trust.json", None, False)

    @property
    def output(self) -> Path:
        """Where releases go."""
        return self.folder / "dist" / "minilm-1.0.0"

    @property
    def spool(self) -> Path:
        """Where one that is not signed waits."""
        return self.folder / "dist" / "minilm-1.0.0.unsigned"

    def release(self, *, sign_later: bool = True, push: PushRequest | None = None, **more: Any) -> Any:
        """The first job."""
        request = ReleaseRequest(
            self.model, ModelName.parse("minilm"), Version.parse("1.0.0"), self.signing, self.output,
            sbom_engine="native", env=self.job(), sign_later=sign_later,
            push=push, **more,
        )  # fmt: skip
        return release(request)

    def verify(self) -> Any:
        """As anybody else."""
        signer = SignerOptions(signer="github:acme/minilm#718293041@refs/heads/main")
        more = {
            "evidence": self.output,
            "name": "minilm",
            "version": "1.0.0",
            "trusted_root": self.folder / "root.json",
        }
        return verify(VerifyRequest(self.model, signer, **more))


@pytest.fixture
def team(tmp_path: Path, sim: SigstoreSim) -> Iterator[Team]:
    """With a Sigstore that behaves again afterwards."""
    yield Team(tmp_path, sim)
    sim.behave()


def outage(team: Team, service: str = "rekor", **more: Any) -> None:
    """A release while a service is down."""
    team.sim.misbehave(service, "down")
    with pytest.raises(ModelProvenanceError) as error:
        team.release(**more)
    assert (error.value.code, int(error.value.exit_status)) == ("spool.kept", 23)
    assert f"sign --spool {team.spool}" in error.value.remedy
    team.sim.behave()


@pytest.mark.parametrize("service", SERVICES)
def test_a_release_that_an_outage_left_is_signed_by_a_later_run(team: Team, service: str) -> None:
    """Nothing is published before; afterwards it is a release like any other, and the spool is gone."""
    outage(team, service)
    assert not team.output.exists()
    names = sorted(path.name for path in team.spool.iterdir())
    assert names == ["cyclonedx.statement.json", "manifest.statement.json", "oms.statement.json", "spdx.statement.json",
                     "spool.json"]  # fmt: skip
    request, receipt = sign_spool(team.spool, signing=team.signing, env=team.job("2"))
    assert (request.folder, receipt.result.value) == (team.output, "SIGNED")
    report = team.verify()
    assert report.result.value == "PASS", report.findings
    assert not team.spool.exists()


@pytest.mark.parametrize("value", ["0.82", "0.83"])
def test_evaluations_are_read_again_when_the_spool_is_signed(team: Team, value: str) -> None:
    """The test result waits with the others; a result file that says something else by then is a difference.

    What else somebody put beside them stays.
    """
    results = team.folder / "results.json"
    results.write_text('{"tests": [{"name": "sts-b", "value": 0.82}]}')
    team.sim.misbehave("rekor", "down")
    with pytest.raises(ModelProvenanceError):
        team.release(evaluations=(results,))
    team.sim.behave()
    assert (team.spool / "test-result.statement.json").exists()
    results.write_text(f'{{"tests": [{{"name": "sts-b", "value": {value}}}]}}')
    if value == "0.82":
        (team.spool / "notes").touch()
        _, receipt = sign_spool(team.spool, signing=team.signing, env=team.job("2"))
        assert [bundle.name for bundle in receipt.bundles][-2:] == ["test-result", "provenance"]
        assert team.verify().result.value == "PASS"
        assert [path.name for path in team.spool.iterdir()] == ["notes"]
        return
    with pytest.raises(ModelProvenanceError) as error:
        sign_spool(team.spool, signing=team.signing, env=team.job("2"))
    assert error.value.code == "spool.differs"
    assert "test-result" in error.value.message


def test_the_run_that_signs_is_the_run_that_is_named(team: Team) -> None:
    """Certificate and provenance tell of the second run; no run is in the spool."""
    outage(team)
    text = b"".join(path.read_bytes() for path in team.spool.iterdir())
    assert b"16300000001" not in text
    _, receipt = sign_spool(team.spool, signing=team.signing, env=team.job("2"))
    provenance = json.loads(next(s.payload for s in receipt.statements if s.name == "provenance"))
    assert "/runs/16300000002/" in provenance["predicate"]["runDetails"]["metadata"]["invocationId"]
    assert "/runs/16300000002/" in receipt.signer.extension(21)


def test_the_datasets_of_the_release_are_read_again(team: Team) -> None:
    """What was asked for waits, not what was found: other data gives other statements, the same data signs."""
    (team.folder / "data").mkdir()
    (team.folder / "data" / "a.csv").write_text("1\n")
    outage(team, datasets=(f"snli={team.folder}/data",))
    (team.folder / "data" / "a.csv").write_text("2\n")
    with pytest.raises(ModelProvenanceError) as error:
        sign_spool(team.spool, signing=team.signing, env=team.job("2"))
    assert error.value.code == "spool.differs"

    (team.folder / "data" / "a.csv").write_text("1\n")
    _, receipt = sign_spool(team.spool, signing=team.signing, env=team.job("2"))
    assert [entry["digest_known"] for entry in receipt.manifest["datasets"]] == ["observed"]


def test_what_was_to_be_pushed_is_pushed_once_it_is_signed(team: Team) -> None:
    """After the outage no tag names anything; whoever signs names the places again, and those alone."""
    with RegistrySim() as registry:
        place = f"{registry.host}/acme/minilm"
        push = PushRequest((place,), Access({}))
        team.sim.misbehave("rekor", "down")
        with pytest.raises(ModelProvenanceError) as error:
            team.release(push=push)
        team.sim.behave()
        assert (error.value.code, f"sign --spool {team.spool} --push {place}" in error.value.remedy) == (
            "spool.kept",
            True,
        )
        assert "1.0.0" not in registry.store.tags.get("acme/minilm", {})
        for other in (None, PushRequest((f"{registry.host}/other/minilm",), Access({}))):
            with pytest.raises(ModelProvenanceError) as refused:
                sign_spool(team.spool, signing=team.signing, env=team.job("2"), push=other)
            assert (refused.value.code, f"--push {place}" in refused.value.remedy) == ("usage.invalid", True)
        sign_spool(team.spool, signing=team.signing, env=team.job("2"), push=push)
        assert list(registry.store.tags["acme/minilm"]) == ["1.0.0"]
    assert not team.spool.exists()


def test_a_spool_that_was_not_to_be_pushed_is_not(team: Team) -> None:
    """A place that nobody asked for when it was released is not one now."""
    outage(team)
    with pytest.raises(ModelProvenanceError, match="kept without --push"):
        sign_spool(
            team.spool, signing=team.signing, env=team.job("2"), push=PushRequest(("127.0.0.1:1/a/b",), Access({}))
        )
    assert team.spool.exists()


def test_where_something_else_lies_no_spool_is_made(team: Team) -> None:
    """That is said before anything is read or sent."""
    team.spool.mkdir(parents=True)
    (team.spool / "precious").touch()
    with pytest.raises(ModelProvenanceError) as error:
        team.release()
    assert (error.value.code, error.value.location) == ("release.output", str(team.spool))
    assert [path.name for path in team.spool.iterdir()] == ["precious"]


def test_without_the_option_an_outage_fails(team: Team) -> None:
    """And keeps nothing."""
    team.sim.misbehave("rekor", "down")
    with pytest.raises(ModelProvenanceError) as error:
        team.release(sign_later=False)
    assert int(error.value.exit_status) == 20
    assert not team.spool.exists()
    assert not team.output.exists()


@pytest.mark.parametrize("what", ["a weight", "a new file", "a statement", "a missing statement", "the commit"])
def test_what_differs_is_not_signed(team: Team, what: str) -> None:
    """By name of the statements; the spool stays."""
    outage(team)
    if what == "a weight":
        with (team.model / "model.safetensors").open("r+b") as file:
            file.seek(-1, 2)
            file.write(b"\x01")
    elif what == "a new file":
        (team.model / "LICENSE").write_text("x")
    elif what == "a statement":
        path = team.spool / "manifest.statement.json"
        path.write_bytes(path.read_bytes().replace(b"minilm", b"maxilm"))
    elif what == "a missing statement":
        (team.spool / "spdx.statement.json").unlink()
    else:
        (team.folder / "more.txt").write_text("x")
        team.commit = team._commit()
    with pytest.raises(ModelProvenanceError) as error:
        sign_spool(team.spool, signing=team.signing, env=team.job("2"))
    assert (error.value.code, int(error.value.exit_status)) == ("spool.differs", 11)
    assert team.spool.exists()
    assert not team.output.exists()


def test_an_outage_that_lasts_leaves_the_spool(team: Team) -> None:
    """And can be tried again."""
    outage(team)
    team.sim.misbehave("rekor", "down")
    with pytest.raises(ModelProvenanceError) as error:
        sign_spool(team.spool, signing=team.signing, env=team.job("2"))
    assert int(error.value.exit_status) == 20
    assert team.spool.exists()


def test_who_may_not_sign_may_not_sign_later(team: Team) -> None:
    """The gates of the run that signs apply."""
    outage(team)
    with pytest.raises(ModelProvenanceError) as error:
        sign_spool(team.spool, signing=team.signing, env=team.job("2", event_name="workflow_run"))
    assert error.value.code == "context.event_refused"


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(schema="https://example.com/other"),
        lambda value: value.update(model=7),
        lambda value: value.update(model=None),
        lambda value: value.update(layout="cube"),
        lambda value: value.update(ignore="x"),
        lambda value: value.update(sboms=[1]),
        lambda value: value.update(allow_symlinks="yes"),
        lambda value: value.update(push="ghcr.io/acme/minilm"),
        lambda value: value.pop("push"),
    ],
)
def test_a_spool_of_another_form_is_a_usage_error(team: Team, change: Any) -> None:
    """Not a crash."""
    value: dict[str, Any] = {
        "schema": "https://model-provenance.dev/schemas/spool/v1",
        "model": str(team.model),
        "name": "minilm",
        "version": "1.0.0",
        "layout": "layers",
        "sbom_engine": "native",
        "ignore": [],
        "sboms": ["spdx-json"],
        "push": [],
    }
    change(value)
    team.spool.mkdir(parents=True)
    (team.spool / "spool.json").write_text(json.dumps(value))
    (team.spool / "oms.statement.json").write_text("{}")
    with pytest.raises(ModelProvenanceError) as error:
        sign_spool(team.spool, signing=team.signing, env=team.job("2"))
    assert error.value.code == "spool.malformed"


def test_a_folder_that_is_no_spool_is_a_usage_error(team: Team, tmp_path: Path) -> None:
    """Nor one that is not there."""
    with pytest.raises(ModelProvenanceError) as error:
        sign_spool(tmp_path / "nothing", signing=team.signing, env=team.job("2"))
    assert int(error.value.exit_status) == 2
