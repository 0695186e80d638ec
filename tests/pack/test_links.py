"""Symbolic links: refused, or followed exactly as far as they may lead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.pack.conftest import MakeModel

from model_provenance.domain.package import Layout
from model_provenance.errors import ModelProvenanceError
from model_provenance.pack.read import read
from model_provenance.pack.walk import walk

SHA = "0123456789abcdef" * 4


def refused(root: Path, *, allow: bool = True) -> str:
    """The message that a walk ends with."""
    with pytest.raises(ModelProvenanceError) as caught:
        walk(root, allow_symlinks=allow)
    assert caught.value.code == "pack.symlink"
    return caught.value.message


def test_links_are_refused_by_name_unless_allowed(make_model: MakeModel) -> None:
    """Also harmless ones; the remedy names the option."""
    root = make_model()
    (root / "alias.json").symlink_to("config.json")
    with pytest.raises(ModelProvenanceError) as caught:
        walk(root)
    assert caught.value.message == "alias.json: a symbolic link"
    assert "--allow-symlinks" in caught.value.remedy


@pytest.mark.parametrize(
    "target", ["config.json", "./config.json", "../model/config.json", "ABS/config.json", "second"]
)
def test_a_link_to_a_file_of_the_model_is_followed_and_recorded(make_model: MakeModel, target: str) -> None:
    """Directly, over another link, absolute: the record names the file, the same on every machine."""
    root = make_model()
    (root / "second").symlink_to("config.json")
    (root / "alias.json").symlink_to(target.replace("ABS", str(root)))
    with walk(root, allow_symlinks=True) as inventory:
        assert inventory.links == (("alias.json", "config.json"), ("second", "config.json"))
        entry = next(entry for entry in inventory.entries if entry.path == "alias.json")
        assert entry.link_target == "config.json"
        package = read(inventory, layout=Layout.LAYERS)
    files = {file.path: file for file in package.files}
    assert files["alias.json"].digest == files["config.json"].digest
    assert files["alias.json"].size == files["config.json"].size
    assert package.links == (("alias.json", "config.json"), ("second", "config.json"))


def hub_cache(root: Path) -> Path:
    """A snapshot as a hub client leaves it."""
    repository = root / "models--acme--minilm"
    snapshot = repository / "snapshots" / ("a" * 40)
    (snapshot / "onnx").mkdir(parents=True)
    (repository / "blobs").mkdir()
    (repository / "blobs" / SHA).write_bytes(b"weights")
    (repository / "blobs" / ("b" * 40)).write_bytes(b"{}")
    (snapshot / "model.safetensors").symlink_to(f"../../blobs/{SHA}")
    (snapshot / "config.json").symlink_to("../../blobs/" + "b" * 40)
    (snapshot / "onnx" / "model.onnx").symlink_to(f"../../../blobs/{SHA}")
    return snapshot


def test_a_hub_cache_snapshot_is_a_model(tmp_path: Path) -> None:
    """Links into the cache's own blobs folder are followed, also from subfolders and for one file."""
    snapshot = hub_cache(tmp_path)
    with walk(snapshot, allow_symlinks=True) as inventory:
        assert inventory.links == (
            ("config.json", "blobs/" + "b" * 40),
            ("model.safetensors", f"blobs/{SHA}"),
            ("onnx/model.onnx", f"blobs/{SHA}"),
        )
        package = read(inventory, layout=Layout.RAW)
    assert [file.size for file in package.files] == [2, 7, 7]
    for part in (snapshot / "onnx", snapshot / "model.safetensors"):
        with walk(part, allow_symlinks=True) as inventory:
            assert [entry.size for entry in inventory.entries] == [7]


def test_an_unfinished_hub_download_is_said(tmp_path: Path) -> None:
    """A link to a blob that is not there yet."""
    snapshot = hub_cache(tmp_path)
    (snapshot / "late.bin").symlink_to("../../blobs/" + "c" * 64)
    assert "not complete" in refused(snapshot)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/etc/hostname", "out of the model"),
        ("../outside", "out of the model"),
        ("../../blobs/" + SHA, "out of the model"),
        ("nothing", "leads to nothing"),
        ("nowhere/nothing", "leads to nothing"),
        ("loop", "leads to itself"),
        ("ring1", "leads to itself"),
        ("folder", "does not lead to a file"),
        (".", "out of the model"),
        ("pipe", "does not lead to a file"),
        ("around/config.json", "through another link"),
        ("folder/../config.json", "not normalised"),
        (".git/config", "not part of the model"),
        ("sub/.env", "not part of the model"),
        ("left/out", "not part of the model"),
    ],
)
def test_links_that_lead_elsewhere_are_refused(make_model: MakeModel, target: str, reason: str) -> None:
    """Out of the model, in circles, to nothing, through links, or to what a release leaves out."""
    root = make_model({"config.json": b"{}", "folder/x": b"", ".git/config": b"token", "left/out": b""})
    (root.parent / "outside").write_bytes(b"secret")
    (root / "ring1").symlink_to("ring2")
    (root / "ring2").symlink_to("ring1")
    (root / "around").symlink_to(".")
    os.mkfifo(root / "pipe")
    (root / "sub").mkdir()
    (root / "sub" / ".env").write_bytes(b"TOKEN=1")
    (root / "loop").symlink_to(target)
    with pytest.raises(ModelProvenanceError) as caught:
        walk(root, allow_symlinks=True, ignore=["left"])
    line = next(line for line in caught.value.message.splitlines() if line.strip().startswith("loop: "))
    assert reason in line


def test_a_fake_hub_cache_does_not_open_the_machine(tmp_path: Path) -> None:
    """Only plain files with a blob's name, directly in the blobs folder, which itself is no link to elsewhere."""
    snapshot = hub_cache(tmp_path)
    blobs = snapshot.parent.parent / "blobs"
    (blobs / ("d" * 64)).symlink_to("/etc/hostname")
    (blobs / "passwd").write_bytes(b"")
    (snapshot / "a").symlink_to("../../blobs/" + "d" * 64)
    (snapshot / "b").symlink_to("../../blobs/passwd")
    message = refused(snapshot)
    assert "a: a symbolic link to a blob of the hub cache that cannot be opened" in message
    assert "b: a symbolic link that leads out of the model" in message


def test_a_single_file_behind_a_link_needs_permission_too(make_model: MakeModel) -> None:
    """The rule for one file is that for a folder."""
    root = make_model()
    (root / "m.gguf").symlink_to("model.safetensors")
    assert refused(root / "m.gguf", allow=False) == "m.gguf: a symbolic link"
    with walk(root / "m.gguf", allow_symlinks=True) as inventory:
        assert inventory.links == (("m.gguf", "model.safetensors"),)


def test_a_link_as_the_model_itself_is_followed(make_model: MakeModel) -> None:
    """The folder is what the caller named; links count inside it."""
    root = make_model()
    link = root.parent / "latest"
    link.symlink_to(root)
    with walk(link) as inventory:
        assert len(inventory.entries) == 3
