"""No mutant of a signed release passes: any number of them, each reproducible from its number."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from model_provenance.cli.main import run
from model_provenance.sign.key import KeySigner
from model_provenance.sign.keys import load_private_key
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

from .mutations import MUTATIONS, Release

MUTANTS = int(os.environ.get("MODEL_PROVENANCE_MUTANTS", "300"))
#: Statuses of a refusal; anything else is a pass or a crash of ours.
REFUSALS = {10, 11, 12, 15}

Expect = Callable[[Release], list[str]]


@pytest.fixture(scope="module")
def sim() -> Iterator[SigstoreSim]:
    """A Sigstore for the keyless release."""
    with SigstoreSim() as simulator:
        yield simulator


@pytest.fixture(scope="module", params=["key", "keyless"])
def original(
    request: pytest.FixtureRequest, sim: SigstoreSim, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Release, list[str]]:
    """Two releases of one signer, and the options that verify the first."""
    base = tmp_path_factory.mktemp(request.param)
    model = base / "model"
    _write_model(model)
    # One evaluation passes in one release and fails in the other, so that an exchange of test results would mean something.
    (base / "declared.yaml").write_text("tests: [{name: sts-b, metric: spearman, min: 0.8}]\n")
    words = ["--name", "minilm", "--sbom-engine", "native", "--manifest", str(base / "declared.yaml")]
    patch = pytest.MonkeyPatch()
    signer: KeySigner | None = None
    if request.param == "key":
        patch.setenv("COSIGN_PASSWORD", "")
        assert run(["keygen", "--output", str(base / "release")]) == 0
        signing = ["--key", str(base / "release.key")]
        expected = ["--key", str(base / "release.pub")]
        signer = load_private_key((base / "release.key").read_bytes(), lambda: b"")
    else:
        (base / "trust.json").write_text(sim.trust_config)
        (base / "root.json").write_text(sim.trusted_root)
        for name, value in RunnerEnv.github(sim).items():
            patch.setenv(name, value)
        signing = ["--trust-config", str(base / "trust.json")]
        signer_text = "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main"
        expected = ["--signer", signer_text, "--trusted-root", str(base / "root.json")]
    for version in ("1.0.0", "0.9.0"):
        output = ["--output", str(base / f"minilm-{version}"), "--version", version]
        results = base / "results.json"
        results.write_text('{"tests": [{"name": "sts-b", "metric": "spearman", "value": 0.%s}]}' % (version[0] * 2))
        output += ["--evaluation", str(results)]
        if version == "0.9.0":
            (model / "config.json").write_text('{"model_type": "bert", "old": true}')
        assert run(["release", str(model), *words, *output, *signing]) == 0
    _write_model(model)
    patch.undo()
    release = Release(model, base / "minilm-1.0.0", base / "minilm-0.9.0", signer)
    return release, [*expected, "--name", "minilm", "--version", "1.0.0"]


def _write_model(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(range(16)))
    (folder / "config.json").write_text('{"architectures": ["BertModel"], "model_type": "bert"}')
    (folder / "tokenizer.json").write_text('{"model": {"type": "WordPiece", "vocab": {"a": 0}}}')
    (folder / "README.md").write_text("---\nlicense: apache-2.0\ndatasets: [snli]\n---\n# MiniLM\n")
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling/config.json").write_text('{"word_embedding_dimension": 384}')


def test_the_original_passes(original: tuple[Release, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """The release that the mutants are made from verifies, so a refusal of a mutant means something."""
    release, expected = original

    status = run(["verify", str(release.model), "--evidence", str(release.folder), *expected])

    assert status == 0, capsys.readouterr()


@pytest.mark.parametrize("part", range(6))
def test_no_mutant_passes(
    part: int, original: tuple[Release, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every mutant is refused with a status that says why, and with a finding."""
    release, expected = original
    # Half of the mutants on each kind of release, in six parts so that workers share them.
    for number in range(part, MUTANTS // 2, 6):
        random = Random(number)
        copy = _copy(release, tmp_path / str(number))
        mutation = MUTATIONS[number % len(MUTATIONS)]
        what = mutation(copy, random)

        status = run(["verify", str(copy.model), "--evidence", str(copy.folder), *expected])

        output = capsys.readouterr()
        assert status in REFUSALS, (
            f"mutant {number}, {mutation.__name__} ({what}): status {status}\n{output.out}{output.err}"
        )
        assert "failed" in output.out or "error" in output.out + output.err
        shutil.rmtree(tmp_path / str(number))


def _copy(release: Release, folder: Path) -> Release:
    shutil.copytree(release.model, folder / "model")
    shutil.copytree(release.folder, folder / "release")
    return Release(folder / "model", folder / "release", release.other, release.signer)
