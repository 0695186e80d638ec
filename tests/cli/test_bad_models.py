"""Folders that are no model, or must not be released: refused before anything is written, with what to do."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from .command import Cli

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "ab" * 32 + "\nsize 90868376\n"
PRIVATE_KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n"
INDEX = '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model.safetensors"}}'


def empty(model: Path) -> None:
    """No file at all, only folders."""
    shutil.rmtree(model)
    (model / "sub").mkdir(parents=True)


def gone(model: Path) -> None:
    """No folder."""
    shutil.rmtree(model)


def loop(model: Path) -> None:
    """A link to itself."""
    (model / "loop").symlink_to("loop")


def folder_loop(model: Path) -> None:
    """A link to the folder that it lies in."""
    (model / "loop").symlink_to(".")


def out(model: Path) -> None:
    """A link to a file of the machine."""
    (model / "passwords").symlink_to("/etc/passwd")


def out_relative(model: Path) -> None:
    """A link to a file beside the model."""
    (model / "key").symlink_to("../release.key")


def dangling(model: Path) -> None:
    """A link to nothing."""
    (model / "model2.safetensors").symlink_to("nothing")


def fifo(model: Path) -> None:
    """A FIFO, which would block a reader for ever."""
    os.mkfifo(model / "pipe")


def unix_socket(model: Path) -> None:
    """A socket."""
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(model)
        listening.bind("s")
    os.chdir(model.parent)


def pointer(model: Path) -> None:
    """What a checkout without Git LFS leaves."""
    (model / "model.safetensors").write_text(POINTER)


def no_bytes(model: Path) -> None:
    """A save that was cut off at once."""
    (model / "model.safetensors").write_bytes(b"")


def missing_shard(model: Path) -> None:
    """A download that was not finished."""
    (model / "model.safetensors.index.json").write_text(INDEX)


def repository(model: Path) -> None:
    """A repository cloned into the model."""
    (model / "sub/.git").mkdir(parents=True)
    (model / "sub/.git/config").write_text("[remote]\n\turl = https://user:token@host/x\n")


def submodule(model: Path) -> None:
    """A submodule's `.git` file."""
    (model / "sub").mkdir()
    (model / "sub/.git").write_text("gitdir: ../../.git/modules/sub\n")


def private_key(model: Path) -> None:
    """A key under an innocent name."""
    (model / "notes.txt").write_text(PRIVATE_KEY)


def signing_key(model: Path) -> None:
    """The release key itself."""
    shutil.copy(model.parent / "release.key", model / "release.key")


def environment(model: Path) -> None:
    """Settings with tokens."""
    (model / ".env").write_text("HF_TOKEN=hf_x\n")


SPOILED: list[tuple[Callable[[Path], None], int, str, tuple[str, ...]]] = [
    (empty, 3, "pack.empty", ("no file",)),
    (gone, 2, "pack.missing", ("model",)),
    (loop, 2, "pack.symlink", ("loop: a symbolic link", "--allow-symlinks")),
    (folder_loop, 2, "pack.symlink", ("loop: a symbolic link",)),
    (out, 2, "pack.symlink", ("passwords: a symbolic link",)),
    (out_relative, 2, "pack.symlink", ("key: a symbolic link",)),
    (dangling, 2, "pack.symlink", ("model2.safetensors: a symbolic link",)),
    (fifo, 2, "pack.special_file", ("pipe", "FIFO")),
    (unix_socket, 2, "pack.special_file", ("s: ", "socket")),
    (pointer, 2, "pack.lfs_pointer", ("90.9 MB", "git lfs pull", "lfs: true", "GIT_LFS_SKIP_SMUDGE")),
    (no_bytes, 2, "pack.empty_weight", ("model.safetensors", "zero bytes")),
    (missing_shard, 2, "pack.missing_shard", ("model-00001-of-00002.safetensors",)),
    (repository, 2, "pack.secret", ("sub/.git", "git repository")),
    (submodule, 2, "pack.secret", ("sub/.git",)),
    (private_key, 2, "pack.secret", ("notes.txt: a private key",)),
    (signing_key, 2, "pack.secret", ("release.key: a private key",)),
    (environment, 2, "pack.secret", (".env",)),
]


@pytest.mark.parametrize(("spoil", "status", "code", "says"), SPOILED, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_not_a_model_is_refused(
    spoil: Callable[[Path], None], status: int, code: str, says: tuple[str, ...], desk: Path, release: Cli
) -> None:
    """The message names the file and what to do; nothing is written, not even `dist/`."""
    spoil(desk / "model")

    release().refused(status, code, *says)


@pytest.mark.parametrize("words", [("--layout", "tar"), ("--oci-layout", "layout"), ("--dry-run",)])
def test_no_way_of_releasing_writes_before_the_model_is_checked(words: tuple[str, ...], desk: Path, cli: Cli) -> None:
    """An archive, an OCI layout and a dry run leave as little behind as a plain release."""
    pointer(desk / "model")
    named = ("--name", "minilm", "--version", "1.0.0", "--key", "release.key")

    cli("release", "model", *(named[:4] if "--dry-run" in words else named), *words).refused(2, "pack.lfs_pointer")


@pytest.mark.parametrize("spoil", [loop, folder_loop, out, out_relative, dangling], ids=lambda value: value.__name__)
def test_links_that_lead_nowhere_or_out_are_never_followed(
    spoil: Callable[[Path], None], desk: Path, release: Cli
) -> None:
    """`--allow-symlinks` follows links to files of the model, no others."""
    spoil(desk / "model")

    release("--allow-symlinks").refused(2, "pack.symlink")


def test_a_git_lfs_pointer_passes_with_no_option(desk: Path, release: Cli) -> None:
    """Neither a dry run nor another layout signs or describes a pointer; `sign` does not either."""
    pointer(desk / "model")

    release("--allow-symlinks", "--layout", "raw").refused(2, "pack.lfs_pointer")


def test_sign_refuses_what_release_refuses(desk: Path, cli: Cli) -> None:
    """A signature over a pointer would be a signature over nothing."""
    pointer(desk / "model")

    cli("sign", "model", "--bundle", "model.sig", "--key", "release.key").refused(2, "pack.lfs_pointer")


def test_everything_wrong_with_a_model_is_said_at_once(desk: Path, release: Cli) -> None:
    """A person fixes one list, not one name a run."""
    fifo(desk / "model")
    out(desk / "model")
    repository(desk / "model")

    release().refused(2, "pack.refused", "3 names", "pipe: ", "passwords: ", "sub/.git: ")
