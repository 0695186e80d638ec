"""`manifest dataset`: the digest of local data, as an entry that `manifest check` accepts."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
import yaml

from model_provenance.cli.main import run
from model_provenance.flows.dataset import dataset


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> Path:
    folder = tmp_path / "train é"
    (folder / "part").mkdir(parents=True)
    (folder / "a.csv").write_text("1,2\n")
    (folder / "part" / "b.csv").write_text("3,4\n")
    return folder


def test_the_entry_is_one_that_a_manifest_takes(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """YAML as printed is a source manifest that `manifest check` has nothing against; the files stand in comments."""
    assert run(["manifest", "dataset", str(data)]) == 0
    text = capsys.readouterr().out
    (tmp_path / "manifest.yaml").write_text(text)

    assert run(["manifest", "check", str(tmp_path / "manifest.yaml")]) == 0
    assert yaml.safe_load(text) == {"datasets": [{"name": "train é", "digest": str(dataset(data).digest)}]}
    assert f"# {hashlib.sha256(b'1,2' + os.linesep.encode()).hexdigest()}  a.csv" in text


def test_names_and_contents_decide_the_digest_and_nothing_else(data: Path, tmp_path: Path) -> None:
    """Another content, another name and another file give another digest; time, mode and the folder's name do not."""
    before = dataset(data).digest
    os.utime(data / "a.csv", (1, 1))
    (data / "a.csv").chmod(0o600)
    moved = data.rename(tmp_path / "elsewhere")
    assert dataset(moved).digest == before

    (moved / "a.csv").rename(moved / "c.csv")
    renamed = dataset(moved).digest
    (moved / "c.csv").write_text("1,3\n")
    changed = dataset(moved).digest
    assert len({before, renamed, changed}) == 3
    assert dataset(moved, ignore=["part"]).digest not in (before, renamed, changed)


def test_one_file_has_the_digest_that_sha256sum_prints(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So the entry can be compared with what a data portal says."""
    assert run(["manifest", "dataset", str(data / "a.csv"), "--name", "acme/a", "--format", "json"]) == 0
    value = json.loads(capsys.readouterr().out)

    digest = "sha256:" + hashlib.sha256((data / "a.csv").read_bytes()).hexdigest()
    assert value["datasets"] == [{"name": "acme/a", "digest": digest}]
    assert value["files"] == [{"path": "a.csv", "size": 4, "digest": digest}]


def test_what_cannot_be_read_is_an_error(tmp_path: Path, data: Path) -> None:
    """Nothing there, an empty folder, a link that leads elsewhere: never a digest of less than the data."""
    assert run(["manifest", "dataset", str(tmp_path / "nothing")]) != 0
    (tmp_path / "empty").mkdir()
    assert run(["manifest", "dataset", str(tmp_path / "empty")]) != 0
    (data / "link").symlink_to("/etc/hostname")
    assert run(["manifest", "dataset", str(data)]) != 0
