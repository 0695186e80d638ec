"""Attacks between the check of a model and its use, each by name, with real files, leases and processes."""

from __future__ import annotations

import json
import mmap
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from model_provenance import load
from model_provenance.domain.verification import Report
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.verify import verify
from model_provenance.hold import lease

from .models import BIG, COUNT, Released, safetensors_file

EVIL = safetensors_file(COUNT, first=0x43A68000)


def exchanged(place: Path, data: bytes = EVIL) -> None:
    """Another file under the name, whole at once."""
    other = place.with_name("other")
    other.write_bytes(data)
    other.rename(place)


@pytest.fixture
def without_leases(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file of another user, or a file system without leases."""
    monkeypatch.setattr(lease, "take", lambda descriptor: lease.Lease.UNAVAILABLE)
    return


@contextmanager
def noticed(name: str = BIG) -> Iterator[None]:
    """The block ends well, and the check on leaving says that this file changed."""
    with pytest.raises(ModelProvenanceError) as error:
        yield
    assert error.value.code == "load.changed"
    assert name in error.value.message


# --- another file under the name


def test_a_file_that_is_swapped_between_verification_and_load_is_not_what_is_loaded(released: Released) -> None:
    """The name leads to another file; the path that is handed out leads to the verified one."""
    with load.verified(released.model, **released.expected) as model:
        exchanged(released.model / BIG)
        exchanged(released.model / "config.json", b"{}")
        assert (released.model / BIG).read_bytes() == EVIL
        assert model.safetensors(BIG)["w"][0] == 0
        assert "BertModel" in (Path(model.directory()) / "config.json").read_text()
        assert model.toctou == "leased"


def test_a_symbolic_link_that_is_swapped_in_is_not_followed(released: Released, tmp_path: Path) -> None:
    """In place of a file, and in place of the whole folder."""
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / BIG).write_bytes(EVIL)
    with load.verified(released.model, **released.expected) as model:
        (released.model / BIG).unlink()
        (released.model / BIG).symlink_to(tmp_path / "evil" / BIG)
        assert model.safetensors(BIG)["w"][0] == 0
        released.model.rename(tmp_path / "aside")
        released.model.symlink_to(tmp_path / "evil")
        assert model.safetensors(BIG)["w"][0] == 0
        assert Path(model.directory(), BIG).read_bytes() == safetensors_file(COUNT)


def test_a_symbolic_link_in_the_model_is_refused_before_anything_is_read(released: Released, tmp_path: Path) -> None:
    """A release without links has none when it is loaded."""
    (tmp_path / "evil").write_bytes((released.model / "config.json").read_bytes())
    (released.model / "config.json").unlink()
    (released.model / "config.json").symlink_to(tmp_path / "evil")
    with pytest.raises(ModelProvenanceError) as error, load.verified(released.model, **released.expected):
        pytest.fail("nothing is handed out")
    assert error.value.code == "pack.symlink"


def test_a_file_that_is_swapped_while_the_model_is_verified_is_refused(
    released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was hashed is not what lies there at the end: the model is being changed, and is not handed out."""
    from model_provenance.pack import read as reading

    real = reading._read_blobs

    def then_swapped(inventory: object, *rest: object) -> object:
        exchanged(released.model / BIG)
        return real(inventory, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "_read_blobs", then_swapped)
    with pytest.raises(ModelProvenanceError) as error, load.verified(released.model, **released.expected):
        pytest.fail("nothing is handed out")
    assert error.value.code == "pack.changed"


# --- another content in the file


def test_a_writer_that_comes_after_the_verification_has_to_wait(released: Released) -> None:
    """Under a lease the verified bytes stay while they are used; the writer goes on when they are given back."""
    place = released.model / BIG
    write = "import sys; f = open(sys.argv[1], 'r+b'); f.seek(90); f.write(b'EVIL'); f.close()"
    with load.verified(released.model, **released.expected) as model:
        with pytest.raises(BlockingIOError):
            os.open(place, os.O_WRONLY | os.O_NONBLOCK)
        writer = subprocess.Popen([sys.executable, "-c", write, str(place)])
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(1)
        assert model.read(BIG) == safetensors_file(COUNT)
    assert writer.wait(60) == 0
    assert b"EVIL" in place.read_bytes()


@pytest.mark.usefixtures("without_leases")
def test_a_file_that_is_written_while_the_policy_decides_is_not_handed_out(
    released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes were hashed before; rules may take seconds, and somebody only has to wait for them."""
    from model_provenance.flows import load as flow

    def decides(*words: Any, **more: Any) -> Report:
        report = verify(*words, **more)
        with (released.model / BIG).open("r+b") as file:
            file.write(b"changed")
        return report

    monkeypatch.setattr(flow, "verify", decides)
    receipt = released.folder / "receipts.jsonl"
    with noticed(), load.verified(released.model, **released.expected, receipt=receipt):
        pytest.fail("it was handed out")
    [line] = [json.loads(line)["Attributes"] for line in receipt.read_text().splitlines()]
    assert (line["model_provenance.result"], line["error.type"]) == ("FAIL", "load.changed")


@pytest.mark.usefixtures("without_leases")
def test_a_file_that_is_written_in_place_after_the_verification_is_noticed(released: Released) -> None:
    """The open file is the file on disk: the write is seen by the loader, and said when the block is left."""
    receipt = released.folder / "receipts.jsonl"
    expected = {**released.expected, "receipt": receipt}
    with noticed(), load.verified(released.model, **expected) as model:
        assert model.toctou == "held"
        with (released.model / BIG).open("r+b") as file:
            file.write(EVIL)
        assert model.safetensors(BIG)["w"][0] != 0
    results = [json.loads(line)["Attributes"] for line in receipt.read_text().splitlines()]
    assert [one["model_provenance.result"] for one in results] == ["PASS", "FAIL"]
    assert results[1]["error.type"] == "load.changed"


@pytest.mark.usefixtures("without_leases")
def test_setting_the_time_of_a_file_back_hides_no_write(released: Released) -> None:
    """Whoever owns a file sets its mtime as he likes; the time of the change itself he cannot set."""
    place = released.model / BIG
    before = place.stat()
    with noticed(), load.verified(released.model, **released.expected):
        with place.open("r+b") as file:
            file.write(EVIL)
        os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert place.stat().st_mtime_ns == before.st_mtime_ns


def test_a_writer_that_has_the_file_mapped_already_is_refused(released: Released) -> None:
    """A page that is mapped is written to without a trace in the file's times, so the model is not loaded at all."""
    place = released.model / BIG
    with place.open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0)
    before = place.stat()
    mapped[-1] = 0
    with pytest.raises(ModelProvenanceError) as error, load.verified(released.model, **released.expected):
        pytest.fail("nothing is handed out")
    assert error.value.code == "load.writer"
    assert place.stat().st_size == before.st_size
    mapped.close()
    with load.verified(released.model, **released.expected) as model:
        assert model.toctou == "leased"


def test_what_was_copied_into_memory_cannot_be_changed_by_anybody(released: Released) -> None:
    """Neither through the file on disk nor through the open copy."""
    with load.verified(released.model, memory=True, **released.expected) as model:
        assert model.toctou == "sealed"
        (released.model / BIG).write_bytes(EVIL)
        with pytest.raises(PermissionError), Path(model.path(BIG)).open("r+b") as file:
            file.write(EVIL)
        with pytest.raises(PermissionError), Path(model.path(BIG)).open("r+b") as file:
            file.truncate()
        assert model.safetensors(BIG)["w"][0] == 0


def test_a_loader_that_resolves_links_finds_nothing_where_the_files_are_in_memory(released: Released) -> None:
    """A name that is looked up again would open what lies there now; a copy has none."""
    with load.verified(released.model, memory=True, **released.expected) as model:
        resolved = (Path(model.directory()) / BIG).resolve()
        assert not resolved.exists()


def test_who_demands_more_protection_than_there_is_gets_nothing(
    released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where memory was asked for and this system has none."""
    with (
        pytest.raises(ModelProvenanceError) as error,
        load.verified(released.model, toctou="sealed", **released.expected),
    ):
        pytest.fail("nothing is handed out")
    assert error.value.code == "load.unprotected"
    monkeypatch.setattr("model_provenance.hold.seal.can_seal", lambda: False)
    with pytest.raises(ModelProvenanceError) as error, load.verified(released.model, memory=True, **released.expected):
        pytest.fail("nothing is handed out")
    assert error.value.code == "load.unprotected"


def test_where_only_paths_can_be_given_that_is_said(
    released: Released, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without `/proc` the file is its name, and whoever can write there decides: `unprotected`, and noticed afterwards."""
    defaults = {"seal_up_to": 0, "descriptors": tmp_path / "nothing"}
    monkeypatch.setattr("model_provenance.hold.holder.Holder.__init__.__kwdefaults__", defaults)
    with noticed(), load.verified(released.model, **released.expected) as model:
        assert model.toctou == "unprotected"
        assert model.path(BIG) == str(released.model / BIG)
        assert model.read("config.json") == (released.model / "config.json").read_bytes()
        assert Path(model.directory(), BIG).resolve() == released.model / BIG
        exchanged(released.model / BIG)


# --- what decides


def test_a_policy_from_the_model_directory_is_refused(released: Released) -> None:
    """Whoever makes the model does not write the policy."""
    policy = "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: mine}\nspec: {extends: integrity}\n"
    for place in (released.model / "policy.yaml", released.folder / "dist/policy.yaml"):
        place.write_text(policy)
        with (
            pytest.raises(ModelProvenanceError) as error,
            load.verified(released.model, policy=place, **released.expected),
        ):
            pytest.fail("nothing is handed out")
        assert error.value.code == "policy.place"
        place.unlink()


def test_what_the_policy_denies_is_not_handed_out(released: Released) -> None:
    """With the whole report, as `verify` gives it."""
    with (
        pytest.raises(load.RefusedError) as error,
        load.verified(released.model, policy="production", **released.expected),
    ):
        pytest.fail("nothing is handed out")
    assert (int(error.value.exit_status), error.value.report.exit_status) == (13, 13)
    assert error.value.report.decision is not None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "other"}, "expect.name"),
        ({"version": "0.9.0"}, "expect.version"),
        ({"key": None}, "usage.invalid"),
        ({"evidence": None}, "usage.invalid"),
    ],
)
def test_nothing_that_does_not_verify_is_handed_out(released: Released, change: dict[str, object], code: str) -> None:
    """Another model, an older one, nobody who signed, no evidence."""
    with (
        pytest.raises(ModelProvenanceError) as error,
        load.verified(released.model, **{**released.expected, **change}),  # type: ignore[arg-type]
    ):
        pytest.fail("nothing is handed out")
    assert error.value.code == code


def test_a_package_is_no_folder_of_files(released: Released, tmp_path: Path) -> None:
    """An archive or a layout is unpacked first: what a loader would open in it was not verified as such."""
    shutil.copytree(released.folder / "dist", tmp_path / "dist")
    (tmp_path / "dist/model.tar").write_bytes(b"")
    with (
        pytest.raises(ModelProvenanceError) as error,
        load.verified(tmp_path / "dist/model.tar", **released.expected),
    ):
        pytest.fail("nothing is handed out")
    assert error.value.code == "load.target"
