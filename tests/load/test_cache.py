"""The cache spares the reading and nothing else; whoever else writes there is as good as not there."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_provenance import load
from model_provenance.disk.mounts import file_system
from model_provenance.domain.verification import Report
from model_provenance.errors import ModelProvenanceError

from .models import BIG, COUNT, Released, safetensors_file

Load = Callable[..., Report]


@pytest.fixture
def again(settled: Released, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load with the cache and give the report, whose `cache` finding says whether the files were read."""

    def call(**change: Any) -> Report:
        arguments = {**settled.expected, "cache": settled.folder / "cache", **change}
        with load.verified(settled.model, **arguments) as model:
            assert model.report is not None
            assert model.safetensors(BIG)["w"].shape == (COUNT,)
            return model.report

    return call


def recalled(report: Report) -> bool:
    """Whether the files were known by their identity."""
    return any(finding.id == "cache" for finding in report.findings)


def codes(report: Report) -> set[str]:
    """The codes of a report."""
    return {finding.id for finding in report.findings}


def test_an_unchanged_model_is_not_read_again(again: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time no weight is hashed; the signature and the policy are decided again."""
    assert not recalled(again())
    monkeypatch.setattr("model_provenance.pack.read.read", lambda *_, **__: pytest.fail("it was read"))
    assert recalled(again(policy="integrity"))
    with pytest.raises(load.RefusedError) as error:
        again(policy="production")
    assert error.value.code == "policy.denied"
    with pytest.raises(load.RefusedError) as error:
        again(name="other")
    assert error.value.code == "expect.name"


@pytest.mark.parametrize("name", [BIG, "config.json"])
def test_a_file_that_changed_is_read_again(again: Load, settled: Released, name: str) -> None:
    """In place, with its old size and its old time: the time of the change itself cannot be set."""
    assert not recalled(again())
    place = settled.model / name
    before, data = place.stat(), bytearray(place.read_bytes())
    data[-1] ^= 1
    place.write_bytes(data)
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(load.RefusedError) as error:
        again()
    assert error.value.code == "files.changed"


def test_a_file_that_is_exchanged_added_or_removed_is_read_again(again: Load, settled: Released) -> None:
    """Another inode, another list of names."""
    again()
    shutil.copyfile(settled.model / BIG, settled.folder / "same")
    (settled.folder / "same").rename(settled.model / BIG)
    assert not recalled(again())
    (settled.model / "extra.bin").write_bytes(b"x")
    with pytest.raises(load.RefusedError) as error:
        again()
    assert error.value.code == "files.extra"
    (settled.model / "extra.bin").unlink()
    (settled.model / "config.json").unlink()
    with pytest.raises(load.RefusedError) as error:
        again()
    assert error.value.code == "files.missing"


def test_what_was_not_verified_is_not_remembered(again: Load, settled: Released) -> None:
    """No failure leaves an entry; what a policy denies was verified all the same."""
    (settled.model / BIG).write_bytes(safetensors_file(COUNT, first=1))
    with pytest.raises(load.RefusedError):
        again()
    assert list((settled.folder / "cache").iterdir()) == []
    (settled.model / BIG).write_bytes(safetensors_file(COUNT))
    with pytest.raises(load.RefusedError):
        again(policy="production")
    assert recalled(again())


def test_a_model_that_was_written_just_now_is_not_remembered(released: Released) -> None:
    """Within one tick of the clock a second write would leave the times as they are."""
    for _ in range(2):
        with load.verified(released.model, cache=released.folder / "cache", **released.expected) as model:
            assert model.report is not None
            assert not recalled(model.report)


def test_copies_in_memory_are_hashed_also_where_the_files_are_known(again: Load, settled: Released) -> None:
    """What the disk says of a file says nothing about what was copied from it."""
    again()
    report = again(memory=True)
    assert recalled(report)


# --- attacks


def entries(released: Released) -> list[Path]:
    """The files of the cache."""
    return sorted((released.folder / "cache").iterdir())


@pytest.mark.parametrize("attack", ["byte", "digest", "no code", "empty", "text", "other key"])
def test_a_poisoned_cache_does_not_let_a_changed_file_through(again: Load, settled: Released, attack: str) -> None:
    """An entry that says that the evil file has the good digest, in every way that does not need the key."""
    again()
    [entry] = entries(settled)
    good = entry.read_bytes()
    place = settled.model / BIG
    place.write_bytes(safetensors_file(COUNT, first=1))
    stamp = place.stat()
    # What the entry of the evil file would be called, from a verification that was made to believe in it.
    name = _entry_name(settled)
    code, _, value = good.partition(b"\n")
    forged = {
        "byte": code + b"\n" + value.replace(b'"files"', b'"files" '),
        "digest": good,
        "no code": b"\n" + value,
        "empty": b"",
        "text": b"nothing of ours",
        "other key": b"0" * 64 + b"\n" + value,
    }[attack]
    (settled.folder / "cache" / name).write_bytes(forged)
    with pytest.raises(load.RefusedError) as error:
        again()
    assert error.value.code == "files.changed"
    assert "cache.refused" in codes(error.value.report)
    assert place.stat().st_mtime_ns == stamp.st_mtime_ns


def _entry_name(released: Released) -> str:
    from model_provenance.cache.entries import _name
    from model_provenance.domain.package import Layout
    from model_provenance.flows.memory import _files_key
    from model_provenance.pack.walk import walk

    with walk(released.model, refuse_secrets=False) as inventory:
        return _name("files", _files_key(inventory, Layout.RAW))


def test_a_cache_that_was_brought_from_elsewhere_is_worth_nothing(again: Load, settled: Released) -> None:
    """CI restores caches that other branches wrote: without the key of this machine no entry counts."""
    again()
    assert recalled(again())
    (settled.folder.parent / ".local/state/model-provenance/cache.key").unlink()
    report = again()
    assert not recalled(report)
    assert "cache.refused" in codes(report)


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o772])
def test_a_cache_that_others_may_write_to_is_refused(again: Load, settled: Released, mode: int) -> None:
    """Before anything is verified."""
    (settled.folder / "cache").mkdir()
    (settled.folder / "cache").chmod(mode)
    with pytest.raises(ModelProvenanceError, match="others may write") as error:
        again()
    assert error.value.code == "cache.place"


@pytest.mark.skipif(os.geteuid() != 0, reason="this machine: only root can give a folder away")
def test_a_cache_of_another_user_is_refused(again: Load, settled: Released) -> None:
    """Whoever owns it may write what he likes."""
    (settled.folder / "cache").mkdir(mode=0o700)
    os.chown(settled.folder / "cache", 12345, 12345)
    with pytest.raises(ModelProvenanceError, match="another user") as error:
        again()
    assert error.value.code == "cache.place"


@pytest.mark.parametrize("place", ["model/cache", "dist/cache", "dist/evidence/cache"])
def test_a_cache_in_the_model_or_its_evidence_is_refused(again: Load, settled: Released, place: str) -> None:
    """Whoever makes the model writes there; and it would be a file of the model that nobody signed."""
    with pytest.raises(ModelProvenanceError) as error:
        again(cache=settled.folder / place)
    assert error.value.code == "cache.place"
    assert not (settled.folder / place).exists()


def test_a_cache_that_is_a_link_is_refused(again: Load, settled: Released, tmp_path: Path) -> None:
    """It may lead anywhere tomorrow."""
    (tmp_path / "real").mkdir(mode=0o700)
    (settled.folder / "cache").symlink_to(tmp_path / "real")
    with pytest.raises(ModelProvenanceError, match="not a folder") as error:
        again()
    assert error.value.code in ("cache.place", "machine.io")


def test_a_key_that_others_may_read_is_refused(again: Load, settled: Released) -> None:
    """Who has the key writes entries."""
    again()
    key = settled.folder.parent / ".local/state/model-provenance/cache.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    with pytest.raises(ModelProvenanceError, match="others may read") as error:
        again()
    assert error.value.code == "cache.place"


@pytest.mark.parametrize("what", ["folder", "fifo", "short", "long", "link"])
def test_what_is_no_key_is_not_taken_for_one(again: Load, settled: Released, what: str) -> None:
    """Whatever lies in its place: said, and nothing is verified with it."""
    key = settled.folder.parent / ".local/state/model-provenance/cache.key"
    key.parent.mkdir(parents=True, mode=0o700)
    if what == "folder":
        key.mkdir()
    elif what == "fifo":
        os.mkfifo(key, 0o600)
    elif what == "link":
        (settled.folder / "elsewhere").write_bytes(bytes(32))
        key.symlink_to(settled.folder / "elsewhere")
    else:
        key.write_bytes(bytes(31 if what == "short" else 33))
        key.chmod(0o600)
    with pytest.raises(ModelProvenanceError) as error:
        again()
    assert error.value.code in ("cache.place", "machine.io")


def test_no_byte_of_an_entry_can_be_changed(again: Load, settled: Released) -> None:
    """Each change makes it an entry of nobody: the model is read, and still right."""
    again()
    [entry] = entries(settled)
    good = entry.read_bytes()
    for at in range(0, len(good), 37):
        entry.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        report = again()
        assert not recalled(report)
        assert "cache.refused" in codes(report)
    entry.write_bytes(good[:-1])
    assert not recalled(again())
    entry.write_bytes(good)
    assert recalled(again())


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p", None])
def test_on_a_network_file_system_nothing_is_remembered(
    again: Load, settled: Released, monkeypatch: pytest.MonkeyPatch, kind: str | None
) -> None:
    """A model there is read each time, and that is said; a cache there is refused."""
    again()
    monkeypatch.setattr("model_provenance.flows.memory.file_system", lambda _: kind)
    report = again()
    assert not recalled(report)
    assert "cache.unused" in codes(report)
    monkeypatch.setattr("model_provenance.cache.entries.file_system", lambda _: kind)
    with pytest.raises(ModelProvenanceError) as error:
        again()
    assert error.value.code == "cache.place"


def test_the_file_system_is_that_of_the_open_file(tmp_path: Path) -> None:
    """By the mount that the kernel names for the descriptor; None where nothing says so."""
    for place, kind in (("/proc", "proc"), ("/dev/shm", "tmpfs")):
        descriptor = os.open(place, os.O_RDONLY)
        assert (file_system(descriptor), file_system(descriptor, tmp_path)) == (kind, None)
        os.close(descriptor)
