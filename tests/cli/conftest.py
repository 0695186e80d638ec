"""A desk to work at: an empty folder with a key pair and a model, as somebody without CI has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.keys import write_pair

from model_provenance.cli.main import run

from .command import Cli, Outcome, plain_environment, tree, write_model

NAMED = ("--name", "minilm", "--version", "1.0.0")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `release.key`, `release.pub`, `other.key`, `other.pub` (without password)."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("release", "other"):
        write_pair(folder / name)
    return folder


@pytest.fixture(scope="session")
def shelf(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Releases by `release.key`: `minilm-1.0.0` of the desk's model, `minilm-0.9.0` of an older one, `other-1.0.0`."""
    folder = tmp_path_factory.mktemp("shelf")
    files = {"minilm-1.0.0": {}, "minilm-0.9.0": {"config.json": "{}"}, "other-1.0.0": {"vocab.txt": "a"}}
    for stem, changed in files.items():
        name, _, version = stem.rpartition("-")
        model = write_model(folder / stem / "model")
        for path, text in changed.items():
            (model / path).write_text(text)
        words = ("release", str(model), "--name", name, "--version", version, "--sbom-engine", "native")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COSIGN_PASSWORD", "")
            assert run([*words, "--key", str(keys / "release.key"), "--output", str(folder / "dist" / stem)]) == 0
    return folder / "dist"


@pytest.fixture
def desk(tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: `model/`, `release.key`, `release.pub`, `other.key`, `other.pub`."""
    for key in keys.iterdir():
        (tmp_path / key.name).write_bytes(key.read_bytes())
    write_model(tmp_path / "model")
    plain = plain_environment(tmp_path)
    for name in os.environ.keys() - plain.keys() - {"PYTEST_CURRENT_TEST"}:
        monkeypatch.delenv(name)
    for name, value in plain.items():
        monkeypatch.setenv(name, value)
    # What is remembered of lists and logs lies elsewhere: a run that fails leaves the desk as it was.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path.with_name(f"{tmp_path.name}-state")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cli(desk: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The program in this process, at the desk. A run that fails must leave the desk as it was.

    But for blobs that an OCI layout, which was there before, holds and does not list.
    """

    def call(*words: str | Path) -> Outcome:
        capsys.readouterr()
        before = tree(desk, without=desk / "model")
        status = run([str(word) for word in words])
        output = capsys.readouterr()
        outcome = Outcome(status, output.out, output.err)
        if status != 0:
            left = {name for name in tree(desk, without=desk / "model").items() if "/blobs/" not in name[0]}
            assert left == {name for name in before.items() if "/blobs/" not in name[0]}, outcome
        return outcome

    return call


@pytest.fixture
def release(cli: Cli) -> Cli:
    """`release model/` with the key, to `dist/minilm-1.0.0`; more words may follow and override."""

    def call(*words: str | Path) -> Outcome:
        return cli("release", "model", *NAMED, "--key", "release.key", "--sbom-engine", "native", *words)

    return call


@pytest.fixture
def verify(cli: Cli) -> Cli:
    """`verify model/` against `dist/minilm-1.0.0` with the key; more words may follow and override."""

    def call(*words: str | Path) -> Outcome:
        return cli("verify", "model", "--evidence", "dist/minilm-1.0.0", "--key", "release.pub", *NAMED, *words)

    return call
