"""What the bytes are kept by: the ladder's words, on the real kernel where it has them."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.verify.test_oms_older import Desk, payload, predicate

from model_provenance import load
from model_provenance.disk.aside import MARK
from model_provenance.domain.holding import TOCTOU_MEANING, Toctou
from model_provenance.errors import ModelProvenanceError
from model_provenance.hold import lease, seal
from model_provenance.hold.holder import Holder
from model_provenance.hold.verity import has_verity

from .models import BIG, Released, open_files


@pytest.fixture
def holder() -> Iterator[Holder]:
    """A holder that copies nothing."""
    one = Holder(seal_up_to=-1)
    yield one
    one.close()


def opened(path: Path) -> int:
    """A descriptor."""
    return os.open(path, os.O_RDONLY)


def test_a_file_with_fs_verity_is_the_best_protected(holder: Holder, tmp_path: Path) -> None:
    """The kernel measures it: a write is impossible, so nothing is copied and nothing can have changed."""
    place = tmp_path / "file"
    place.write_bytes(b"x" * 10_000)
    descriptor = opened(place)
    # struct fsverity_enable_arg: version 1, SHA-256, blocks of 4096 bytes; FS_IOC_ENABLE_VERITY.
    arguments = struct.pack("<IIIIQIIQ", 1, 1, 4096, 0, 0, 0, 0, 0) + bytes(88)
    try:
        fcntl.ioctl(descriptor, 0x40806685, arguments)
    except OSError as error:
        os.close(descriptor)
        pytest.skip(f"this machine has no fs-verity: {error.strerror}")
    for keeper in (holder, Holder()):
        keeper.keep("file", os.dup(descriptor))
        assert keeper.protection("file") is Toctou.VERITY
        assert keeper.changed() == ()
        keeper.close()
    os.close(descriptor)
    with pytest.raises(PermissionError):
        os.open(place, os.O_WRONLY)


def test_a_file_without_fs_verity_is_not_taken_for_one(tmp_path: Path) -> None:
    """Whatever the file system answers to the question."""
    place = tmp_path / "file"
    place.write_bytes(b"x")
    descriptor = opened(place)
    assert not has_verity(descriptor)
    os.close(descriptor)


def test_small_files_are_copied_and_bigger_ones_are_leased(released: Released) -> None:
    """The whole is as protected as the weakest."""
    with load.verified(released.model, **released.expected) as model:
        assert {name: file.toctou.value for name, file in model.files.items()} == {
            BIG: "leased",
            "config.json": "sealed",
            "README.md": "sealed",
        }
        assert model.toctou == "leased"


def test_a_sandbox_that_forbids_sealed_memory_costs_protection_and_says_so(
    released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file is then an open file under a lease; who asked for memory gets nothing."""

    def forbidden(*_: object) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "memfd_create", forbidden)
    seal.can_seal.cache_clear()
    try:
        with load.verified(released.model, **released.expected) as model:
            assert {file.toctou.value for file in model.files.values()} == {"leased"}
        with pytest.raises(ModelProvenanceError) as error:
            load.verified(released.model, memory=True, **released.expected).__enter__()
    finally:
        seal.can_seal.cache_clear()
    assert error.value.code == "load.unprotected"


def test_a_lease_is_given_back(holder: Holder, tmp_path: Path) -> None:
    """Writers wait no longer than the files are held."""
    place = tmp_path / "file"
    place.write_bytes(b"x")
    holder.keep("file", opened(place))
    assert holder.protection("file") is Toctou.LEASED
    with pytest.raises(BlockingIOError):
        os.open(place, os.O_WRONLY | os.O_NONBLOCK)
    holder.close()
    os.close(os.open(place, os.O_WRONLY | os.O_NONBLOCK))


def test_what_does_not_touch_the_content_of_a_leased_file_is_no_change(holder: Holder, tmp_path: Path) -> None:
    """A rename, a second name, another mode: the times differ, and nobody opened it for writing."""
    place = tmp_path / "file"
    place.write_bytes(b"x")
    holder.keep("file", opened(place))
    os.link(place, tmp_path / "second")
    place.chmod(0o600)
    place.rename(tmp_path / "third")
    assert holder.changed() == ()


def test_a_lease_that_was_broken_and_a_time_that_moved_are_a_change(holder: Holder, tmp_path: Path) -> None:
    """Somebody opened it for writing, and something is different: that is enough."""
    place = tmp_path / "file"
    place.write_bytes(b"x")
    holder.keep("file", opened(place))
    with pytest.raises(BlockingIOError):
        os.open(place, os.O_WRONLY | os.O_NONBLOCK)
    assert holder.changed() == ()
    place.chmod(0o600)
    assert holder.changed() == ("file",)


def test_without_leases_any_difference_is_a_change(
    holder: Holder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then nobody can tell a rename from a write."""
    monkeypatch.setattr(lease, "take", lambda descriptor: lease.Lease.UNAVAILABLE)
    place = tmp_path / "file"
    place.write_bytes(b"x")
    holder.keep("file", opened(place))
    assert holder.protection("file") is Toctou.HELD
    assert holder.changed() == ()
    place.chmod(0o600)
    assert holder.changed() == ("file",)


def test_a_file_that_cannot_be_kept_is_closed(holder: Holder, tmp_path: Path) -> None:
    """No descriptor is lost on the way to an error."""
    place = tmp_path / "file"
    place.write_bytes(b"x")
    before = open_files()
    with place.open("r+b"), pytest.raises(ModelProvenanceError) as error:
        holder.keep("file", opened(place))
    assert error.value.code == "load.writer"
    assert open_files() == before


def test_every_word_has_a_meaning_and_an_order() -> None:
    """The strongest first, as the page lists them."""
    assert [toctou.value for toctou in Toctou] == ["fs-verity", "sealed", "leased", "held", "unprotected"]
    assert set(TOCTOU_MEANING) == set(Toctou)


@pytest.mark.parametrize(("hash_type", "shard"), [("sha256", 1000), ("blake2b", None)])
def test_older_signatures_are_read_from_the_held_files_too(tmp_path: Path, hash_type: str, shard: int | None) -> None:
    """Shards and other hashes take another way through the files; it leads through the same descriptors."""
    desk = Desk(tmp_path)
    desk.sign(payload(predicate(hash_type, shard)))
    with load.verified(desk.model, bundle=tmp_path / "model.sig", key=tmp_path / "key.pub") as model:
        assert sorted(model.files) == ["a.bin", "b/c.txt", "b/exact"]
        assert model.read("b/c.txt") == b"hi"
    (desk.model / "a.bin").write_bytes(b"y" * 2500)
    with (
        pytest.raises(load.RefusedError),
        load.verified(desk.model, bundle=tmp_path / "model.sig", key=tmp_path / "key.pub"),
    ):
        pytest.fail("nothing is handed out")


def test_a_model_that_is_being_written_is_not_handed_out_by_a_bypass_either(
    released: Released, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Files that cannot be held cannot be handed out; the attempt is recorded, and no descriptor is lost."""
    monkeypatch.setenv("MODEL_PROVENANCE_BYPASS", "please")
    receipt = tmp_path / "receipts.jsonl"
    before = open_files()
    with (released.model / BIG).open("r+b"), pytest.raises(ModelProvenanceError) as error:
        load.verified(released.model, receipt=receipt, **released.expected).__enter__()
    assert error.value.code == "load.writer"
    assert '"model_provenance.result":"ERROR"' in receipt.read_text()
    with load.verified(released.model, receipt=receipt, **{**released.expected, "name": "other"}) as model:
        assert model.result == "BYPASSED"
    assert open_files() == before


def test_a_folder_of_somebody_who_runs_is_left_alone_and_strange_names_harm_nobody(
    released: Released, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Only what is ours and leads nowhere is removed; links are removed, never what they lead to."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with load.verified(released.model, **released.expected) as model:
        start = Path(model.directory()).parent.name.rpartition(f"-{os.getpid()}-")[0]
    (tmp_path / "precious").write_text("x")
    names = {"1": True, str(os.getpid()): True, "9999999999": True, "0": True, "4194303": False, "4194301": True}
    for process in names:
        (tmp_path / f"{start}-{process}-left").mkdir(mode=0o700)
        # Without it the folder is one that somebody gave such a name.
        (tmp_path / f"{start}-{process}-left" / (MARK if process != "4194301" else "thesis")).touch()
        (tmp_path / f"{start}-{process}-left/link").symlink_to(tmp_path / "precious")
    (tmp_path / f"{start}-4194302-link").symlink_to(tmp_path)
    with load.verified(released.model, **released.expected) as model:
        model.directory()
    assert {process: (tmp_path / f"{start}-{process}-left").exists() for process in names} == names
    assert (tmp_path / "precious").exists()
    assert (tmp_path / f"{start}-4194302-link").is_symlink()
