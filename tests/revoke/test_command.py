"""`revoke` as it is typed: which releases it names as reached, and that none is never said of what was not looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.keys import write_pair

from model_provenance.cli.main import run

DATASET = "sha256:" + "12" * 32


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A revoker's key, and the manifest of a release that was made from the dataset."""
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    write_pair(tmp_path / "revoker")
    (tmp_path / "dist/tiny").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    value = {
        "model_name": "tiny",
        "version": "1.0.0",
        "model_digest": "sha256:" + "cd" * 32,
        "artifact_sha256": "ab" * 32,
    }
    text = json.dumps({**value, "datasets": [{"name": "crawl", "digest": DATASET}]})
    (tmp_path / "dist/tiny/model-manifest.json").write_text(text)
    return tmp_path


def revoke(folder: Path, *words: str) -> int:
    """With the key, into a list in the folder."""
    given = ("--reason", "poisoned-data", "--key", str(folder / "revoker.key"), "--status-list", str(folder / "list"))
    return run(["revoke", *words, *given])


def test_releases_that_are_reached_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And where none is, that is said, too."""
    for among, said in (("dist", "reaches tiny 1.0.0  (found, not verified)"), ("empty", "reaches no release below")):
        assert revoke(folder, DATASET, "--scope", "dataset", "--among", str(folder / among)) == 0
        assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        (DATASET, "--scope", "dataset", "--among", "nowhere"),
        (DATASET, "--scope", "attestation", "--among", "dist"),
        ("--scope", "signer", "--signer-identity", "a@b.example", "--among", "dist"),
    ],
)
def test_what_cannot_be_looked_up_is_not_none(folder: Path, words: tuple[str, ...]) -> None:
    """A folder that is not there, or a scope of which manifests say nothing: refused before anything is published."""
    *others, among = words
    assert revoke(folder, *others, str(folder / among)) == 2
    assert not (folder / "list").exists()
