"""New key pairs on disk."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import cosign_key
from model_provenance.formats.public_key import load_public_key
from model_provenance.sign.keygen import keygen
from model_provenance.sign.keys import load_private_key


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least cost that cosign knows: the tests are about files."""
    monkeypatch.setattr(cosign_key, "_N", 32768)


def test_a_pair_belongs_together_and_opens_with_its_password(tmp_path: Path) -> None:
    """The private key opens with the given password, is on P-256, and its public half is the other file."""
    private, public = keygen(tmp_path / "release", b"horse")
    assert (private.name, public.name) == ("release.key", "release.pub")
    signer = load_private_key(private.read_bytes(), lambda: b"horse")
    assert signer.public_key.algorithm == "EC P-256"
    assert load_public_key(public.read_bytes()) == signer.public_key
    assert sorted(p.name for p in tmp_path.iterdir()) == ["release.key", "release.pub"]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_private_key_is_its_owners_alone(tmp_path: Path, umask: int) -> None:
    """Whatever the umask, the private key has mode 0600 and the public key can be read by all."""
    before = os.umask(umask)
    try:
        private, public = keygen(tmp_path / "release", b"x")
    finally:
        os.umask(before)
    assert (mode(private), mode(public)) == (0o600, 0o644)


def test_the_private_key_is_never_readable_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even its temporary file is created with mode 0600, under the widest umask."""
    seen: list[tuple[str, int]] = []
    real_open, real_sync = os.open, os.fsync

    def watched_open(path: str, flags: int, mode: int = 0o777, **more: int) -> int:
        if flags & os.O_CREAT:
            assert flags & os.O_EXCL
            seen.append(("open", mode))
        return real_open(path, flags, mode, **more)

    def watched_sync(descriptor: int) -> None:
        seen.append(("sync", stat.S_IMODE(os.fstat(descriptor).st_mode)))
        real_sync(descriptor)

    monkeypatch.setattr(os, "open", watched_open)
    monkeypatch.setattr(os, "fsync", watched_sync)
    before = os.umask(0)
    try:
        keygen(tmp_path / "release", b"x")
    finally:
        os.umask(before)
    assert seen == [("open", 0o600), ("sync", 0o600), ("open", 0o600), ("sync", 0o644)]


def test_an_empty_password_is_a_password(tmp_path: Path) -> None:
    """An explicitly empty password encrypts with the empty password, as cosign does."""
    private, _ = keygen(tmp_path / "release", b"")
    assert b"ENCRYPTED SIGSTORE PRIVATE KEY" in private.read_bytes()
    load_private_key(private.read_bytes(), lambda: b"")


@pytest.mark.parametrize("suffix", [".key", ".pub"])
def test_an_existing_file_is_not_overwritten(tmp_path: Path, suffix: str) -> None:
    """If either file exists, nothing is written, and the message says how to go on."""
    old = tmp_path / f"release{suffix}"
    old.write_text("mine")
    with pytest.raises(ModelProvenanceError) as caught:
        keygen(tmp_path / "release", b"x")
    assert caught.value.code == "key.exists"
    assert old.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [old]


def test_a_dangling_link_counts_as_existing(tmp_path: Path) -> None:
    """A symbolic link that leads nowhere would send the key elsewhere: it is refused."""
    (tmp_path / "release.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelProvenanceError) as caught:
        keygen(tmp_path / "release", b"x")
    assert caught.value.code == "key.exists"
    assert not (tmp_path / "elsewhere").exists()


def test_force_replaces_both_files(tmp_path: Path) -> None:
    """With `force` there is a new pair, and a link is replaced, not followed."""
    keygen(tmp_path / "release", b"x")
    (tmp_path / "release.pub").unlink()
    (tmp_path / "release.pub").symlink_to(tmp_path / "elsewhere")
    private, public = keygen(tmp_path / "release", b"y", force=True)
    assert load_private_key(private.read_bytes(), lambda: b"y").public_key == load_public_key(public.read_bytes())
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_appears_meanwhile_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's file of the same name is left alone, and the private key that was named first is taken back."""
    real = os.link

    def race(source: Path, target: Path) -> None:
        if Path(target).suffix == ".pub":
            Path(target).write_text("theirs")
        real(source, target)

    monkeypatch.setattr(os, "link", race)
    with pytest.raises(ModelProvenanceError) as caught:
        keygen(tmp_path / "release", b"x")
    assert caught.value.code == "key.exists"
    assert [p.name for p in tmp_path.iterdir()] == ["release.pub"]


def test_a_file_system_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where links are not supported the files are renamed into place, still without overwriting."""

    def no_links(_source: Path, _target: Path) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(os, "link", no_links)
    keygen(tmp_path / "release", b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["release.key", "release.pub"]
    with pytest.raises(ModelProvenanceError):
        keygen(tmp_path / "release", b"x")


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "machine.disk"), (errno.EROFS, "machine.disk"), (errno.EACCES, "machine.permission")],
)
def test_nothing_is_left_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, force: bool
) -> None:
    """A full or forbidden disk leaves no file, neither final nor temporary, and is told as what it is."""

    def full(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelProvenanceError) as caught:
        keygen(tmp_path / "release", b"x", force=force)
    assert caught.value.code == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["missing/release", "", ".", "a\0b"])
def test_a_place_that_is_none_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that does not exist and a path that is no file name are the caller's mistakes."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelProvenanceError) as caught:
        keygen(Path(name), b"x")
    assert caught.value.code == "usage.invalid"
