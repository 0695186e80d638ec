"""Reading a repository runs nothing that the repository names."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_provenance.context.repository import Repository
from model_provenance.errors import ModelProvenanceError

_HOOKS = (
    "post-index-change",
    "fsmonitor-watchman",
    "pre-auto-gc",
    "reference-transaction",
    "post-checkout",
    "query-watchman",
)


class Trap:
    """Programs that leave a mark when they are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.marks = folder / "marks"
        folder.mkdir()

    def program(self, name: str, then: str = "cat") -> str:
        """A program that marks `name`, then lets its input through and succeeds, or does `then`."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(f"#!/bin/sh\necho {name} >> '{self.marks}'\n{then}\n", encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def sprung(self) -> set[str]:
        """The programs that ran since the last look."""
        ran = set(self.marks.read_text(encoding="utf-8").split()) if self.marks.exists() else set()
        self.marks.unlink(missing_ok=True)
        return ran


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    """One set of traps."""
    return Trap(tmp_path / "trap")


def _sign_head(checkout: Any) -> None:
    """A commit with a signature header, which `log.showSignature` has checked by a program."""
    raw = checkout.git("cat-file", "commit", "HEAD")
    head, _, message = raw.partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    id = checkout.git(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=f"{head}\n{signature}\n\n{message}\n".encode()
    )
    checkout.git("update-ref", "refs/heads/main", id)


def _boobytrap(checkout: Any, trap: Trap) -> None:
    """Everything in a configuration that makes git run a program while it reads a repository."""
    for name in _HOOKS:
        trap.program(f"hooks/{name}")
    settings = {
        "core.repositoryFormatVersion": "1",
        "core.hooksPath": str(trap.folder / "hooks"),
        "core.fsmonitor": trap.program("fsmonitor"),
        "core.sshCommand": trap.program("ssh"),
        "core.askPass": trap.program("askpass"),
        "core.pager": trap.program("pager"),
        "core.editor": trap.program("editor"),
        "core.gitProxy": trap.program("proxy"),
        "core.alternateRefsCommand": trap.program("alternates"),
        "credential.helper": trap.program("credential"),
        "gpg.program": trap.program("gpg"),
        "gpg.openpgp.program": trap.program("openpgp"),
        "log.showSignature": "true",
        "diff.external": trap.program("external"),
        "diff.evil.command": trap.program("diff"),
        "diff.evil.textconv": trap.program("textconv"),
        "filter.evil.clean": trap.program("clean"),
        "filter.evil.smudge": trap.program("smudge"),
        "filter.evil.required": "true",
        "filter.Evil.Two.process": trap.program("process"),
        "alias.status": "!" + trap.program("alias"),
        "pager.status": trap.program("statuspager"),
        "pager.log": trap.program("logpager"),
        "protocol.allow": "always",
        "protocol.ext.allow": "always",
        "remote.origin.url": f"ext::{trap.program('transport', 'exit 1')}",
        "remote.origin.promisor": "true",
        "remote.origin.partialclonefilter": "blob:none",
        "extensions.partialClone": "origin",
        "extensions.worktreeConfig": "true",
        "status.submoduleSummary": "true",
        "core.untrackedCache": "true",
    }
    for name, value in settings.items():
        checkout.git("config", name, value)
    checkout.git("config", "--worktree", "filter.third.clean", trap.program("worktreeclean"))
    included = checkout.write(".git/more", f'[filter "fourth"]\n\tclean = {trap.program("includedclean")}\n')
    checkout.git("config", "include.path", str(included))


@pytest.fixture
def hostile(checkout: Any, make_checkout: Callable[..., Any], trap: Trap) -> Any:
    """A checkout whose every path has a filter, whose files look changed, with a submodule as bad as itself."""
    lines = {"*": "evil", "b": "Evil.Two", "c": "third", "d": "fourth"}
    checkout.write(".gitattributes", "".join(f"{name} filter={it} diff=evil\n" for name, it in lines.items()))
    for name in ("a", "b", "c", "d", "model/weights.bin"):
        checkout.write(name, "content\n")
    inner = make_checkout("inner")
    checkout.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.root), "sub")
    checkout.commit()
    _sign_head(checkout)
    checkout.git("reset", "-q", "--hard")
    checkout.git("-C", "sub", "config", "core.fsmonitor", trap.program("subfsmonitor"))
    checkout.git("-C", "sub", "config", "filter.evil.clean", trap.program("subclean"))
    checkout.write("sub/.gitattributes", "* filter=evil\n")
    _boobytrap(checkout, trap)
    for name in ("a", "b", "c", "d", "model/weights.bin", "sub/train.py"):
        os.utime(checkout.root / name, (1, 1))  # git must look at the content again
    trap.sprung()
    return checkout


def test_the_traps_work(hostile: Any, trap: Trap) -> None:
    """Plain git runs these programs, so the next tests test something."""
    for command in (["status"], ["log", "-1"], ["cat-file", "blob", "1" * 40], ["update-index", "--refresh"]):
        subprocess.run(["git", *command], cwd=hostile.root, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    expected = {"fsmonitor", "clean", "process", "worktreeclean", "includedclean", "subfsmonitor", "gpg", "transport"}
    assert expected - {"gpg"} <= (ran := trap.sprung())
    assert ran & {"gpg", "openpgp"}
    assert ran & {"hooks/post-index-change"}


def test_nothing_of_a_hostile_repository_runs(hostile: Any, trap: Trap) -> None:
    """State, commits and files of a checkout whose configuration is full of programs are read without running one."""
    repository = Repository(hostile.root, {})
    reading = repository.read(hostile.root / "model")
    assert reading is not None
    assert reading.state.commit == hostile.git("-c", "core.fsmonitor=false", "rev-parse", "HEAD")
    assert not reading.state.dirty
    assert reading.state.remote is None
    hostile.write("a", "changed\n")
    again = repository.read(hostile.root)
    assert again is not None
    assert again.changed == ("a",)
    assert repository.resolve("1" * 40) is None
    assert repository.blob("1" * 40, "a", 100) is None
    assert repository.blob(reading.state.commit, "a", 100) == b"content\n"
    assert trap.sprung() == set()


def test_a_missing_object_is_not_fetched(hostile: Any, trap: Trap) -> None:
    """In a partial clone git would ask the remote, by any transport that the configuration names."""
    id = hostile.git("-c", "core.fsmonitor=false", "rev-parse", "HEAD:a")
    (hostile.root / ".git" / "objects" / id[:2] / id[2:]).unlink()
    hostile.write("a", "changed\n")
    repository = Repository(hostile.root, {})
    reading = repository.read(hostile.root)
    assert reading is not None
    assert repository.blob(reading.state.commit, "a", 100) is None
    assert trap.sprung() == set()


def test_a_replaced_commit_is_not_believed(hostile: Any) -> None:
    """`refs/replace` would put another commit in the place of HEAD."""
    hostile.git("config", "--unset", "core.fsmonitor")
    head = hostile.git("rev-parse", "HEAD")
    raw = hostile.git("cat-file", "commit", "HEAD").replace("1700000000", "1600000000")
    other = hostile.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.encode())
    hostile.git("replace", head, other)
    reading = Repository(hostile.root, {}).read(hostile.root)
    assert reading is not None
    assert (reading.state.commit, reading.state.commit_time) == (head, 1_700_000_000)


@pytest.mark.parametrize("name", ["a=b", "with space", 'quote\\"d', "ünï"])
def test_a_filter_that_cannot_be_switched_off_is_refused(checkout: Any, trap: Trap, name: str) -> None:
    """`-c` cannot spell every name; a filter that would stay on stops the reading."""
    checkout.write(".git/config", f'[core]\n\tbare = false\n[filter "{name}"]\n\tclean = {trap.program("odd")}\n')
    with pytest.raises(ModelProvenanceError) as caught:
        Repository(checkout.root, {}).read(checkout.root)
    assert caught.value.code == "context.git_unreadable"
    assert trap.sprung() == set()


def test_the_error_output_of_git_carries_no_terminal_codes_and_no_password(checkout: Any) -> None:
    """What git quotes of a hostile file is escaped before a person sees it."""
    checkout.write(".git/HEAD", "ref: refs/heads/\x1b[31mred\n")
    checkout.write(
        ".git/config", "[core]\n\trepositoryformatversion = 1\n[extensions]\n\t\x1b]0;x = https://u:hunter2@h/\n"
    )
    with pytest.raises(ModelProvenanceError) as caught:
        Repository(checkout.root, {}).read(checkout.root)
    assert "\x1b" not in caught.value.message
    assert "hunter2" not in caught.value.message
