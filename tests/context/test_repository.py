"""What git says of a checkout: commit, time, tag, remote and dirt."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_provenance.context.git import GitCommand
from model_provenance.context.repository import Repository
from model_provenance.errors import ModelProvenanceError

COMMIT_TIME = 1_700_000_000


def _reading(checkout: Any, model: str = "model") -> Any:
    reading = Repository(checkout.root, {}).read(checkout.root / model)
    assert reading is not None
    return reading


def test_a_clean_checkout_says_commit_time_remote_and_tag(checkout: Any) -> None:
    """The state of a clean checkout is what git itself prints; the remote comes without credentials."""
    checkout.git("remote", "add", "origin", "https://oauth2:hunter2@github.com/acme/minilm.git")
    checkout.git("tag", "v1.2.3")
    reading = _reading(checkout)
    state = reading.state
    assert state.commit == checkout.git("rev-parse", "HEAD")
    assert (state.root, state.commit_time, state.dirty, state.shallow) == (
        str(checkout.root),
        COMMIT_TIME,
        False,
        False,
    )
    assert (state.remote, state.tag) == ("https://github.com/acme/minilm", "v1.2.3")
    assert reading.changed == reading.untracked == ()


def test_a_changed_tracked_file_anywhere_is_dirt(checkout: Any) -> None:
    """The script that made the model counts, not only the model."""
    checkout.write("train.py", "print('other')\n")
    reading = _reading(checkout)
    assert reading.state.dirty
    assert reading.changed == ("train.py",)


def test_staged_deleted_and_retyped_files_are_dirt(checkout: Any) -> None:
    """Every way to differ from HEAD counts, also what is only staged."""
    checkout.write("new file", "x")
    checkout.git("add", "new file")
    (checkout.root / "train.py").unlink()
    (checkout.root / "train.py").symlink_to("model")
    (checkout.root / "model" / "config.json").unlink()
    assert set(_reading(checkout).changed) == {"new file", "train.py", "model/config.json"}


def test_a_merge_conflict_is_dirt(checkout: Any) -> None:
    """Unmerged entries are changes."""
    checkout.git("checkout", "-q", "-b", "side")
    checkout.write("train.py", "side\n")
    checkout.commit()
    checkout.git("checkout", "-q", "main")
    checkout.write("train.py", "main\n")
    checkout.commit()
    with pytest.raises(AssertionError):
        checkout.git("merge", "side")
    assert _reading(checkout).changed == ("train.py",)


def test_new_files_count_inside_the_model_only(checkout: Any) -> None:
    """Untracked files of the model are dirt; those elsewhere, and ignored ones, are not."""
    checkout.write("notes.txt", "x")
    checkout.write(".gitignore", "*.log\n")
    checkout.commit()
    checkout.write("other.txt", "x")
    checkout.write("model/run.log", "x")
    assert not _reading(checkout).state.dirty
    checkout.write("model/ニュー\t.bin", "x")
    reading = _reading(checkout)
    assert reading.state.dirty
    assert reading.untracked == ("model/ニュー\t.bin",)


def test_a_model_folder_that_git_ignores_is_clean(checkout: Any) -> None:
    """Ignoring the output of training is how a project says that it is no source."""
    checkout.write(".gitignore", "out/\n")
    checkout.commit()
    checkout.write("out/model.safetensors", "x")
    assert not _reading(checkout, "out").state.dirty


def test_a_model_that_is_the_whole_repository_is_read(checkout: Any) -> None:
    """`release .` looks for new files everywhere."""
    checkout.write("new.bin", "x")
    assert _reading(checkout, ".").untracked == ("new.bin",)


def test_a_pathlike_pattern_is_taken_literally(checkout: Any) -> None:
    """A model folder named like a pattern matches only itself."""
    checkout.write("*/kept.bin", "x")
    checkout.commit()
    checkout.write("model/new.bin", "x")
    assert _reading(checkout, "*").untracked == ()


def test_before_the_first_commit_there_is_no_reading(tmp_path: Path, make_checkout: Callable[..., Any]) -> None:
    """A fresh `git init` has nothing to observe, which is no error."""
    checkout = make_checkout()
    empty = tmp_path / "empty"
    empty.mkdir()
    checkout.git("init", "-q", str(empty))
    assert Repository(empty.resolve(), {}).read(empty) is None


def test_the_tag_that_says_most_is_chosen(checkout: Any) -> None:
    """Moving tags on the same commit do not hide the version; the order of tags does not matter."""
    for tag in ("v1", "latest", "v1.2.9", "v1.2.10", "v1.2", "a,b"):
        checkout.git("tag", tag)
    assert _reading(checkout).state.tag == "v1.2.10"


def test_an_annotated_tag_is_a_tag_of_its_commit(checkout: Any) -> None:
    """The tag object stands between; a branch of the same name does not count."""
    checkout.git("tag", "-a", "release-one", "-m", "one")
    checkout.git("branch", "v9.9.9")
    assert _reading(checkout).state.tag == "release-one"


def test_the_only_remote_counts_and_one_of_several_does_not(checkout: Any) -> None:
    """Without an `origin`, several remotes are nobody's; a path on disk is no address."""
    checkout.git("remote", "add", "hub", "git@hub.example:acme/minilm.git")
    assert _reading(checkout).state.remote == "https://hub.example/acme/minilm"
    checkout.git("remote", "add", "other", "https://other.example/acme/minilm")
    assert _reading(checkout).state.remote is None
    checkout.git("remote", "add", "origin", "/srv/git/minilm")
    assert _reading(checkout).state.remote is None


def test_a_worktree_and_a_submodule_are_read_through_their_git_file(
    checkout: Any, make_checkout: Callable[..., Any]
) -> None:
    """Where `.git` is a file, the top is still the folder that holds it."""
    checkout.git("worktree", "add", "-q", "-b", "side", str(checkout.root.parent / "side"))
    side = Repository(checkout.root.parent / "side", {}).read(checkout.root.parent / "side" / "model")
    assert side is not None
    assert side.state.commit == checkout.git("rev-parse", "HEAD")
    outer = make_checkout("outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(checkout.root), "sub")
    outer.commit()
    inner = Repository(outer.root / "sub", {}).read(outer.root / "sub")
    assert inner is not None
    assert inner.state.commit == side.state.commit


def test_another_commit_in_a_submodule_is_dirt_and_a_changed_file_in_it_is_not(
    checkout: Any, make_checkout: Callable[..., Any]
) -> None:
    """A submodule counts by its commit: looking inside would read its own configuration."""
    outer = make_checkout("outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(checkout.root), "sub")
    outer.commit()
    outer.write("sub/train.py", "changed\n")
    assert not _reading(outer).state.dirty
    outer.git("-C", "sub", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "changed")
    assert _reading(outer).changed == ("sub",)


def test_a_shallow_clone_says_so_and_resolves_only_what_it_holds(checkout: Any, tmp_path: Path) -> None:
    """History that was cut off is not mistaken for history that is not there."""
    first = checkout.git("rev-parse", "HEAD")
    checkout.write("train.py", "second\n")
    second = checkout.commit()
    checkout.git("clone", "-q", "--depth", "1", f"file://{checkout.root}", str(tmp_path / "clone"))
    clone = Repository((tmp_path / "clone").resolve(), {})
    assert clone.shallow
    assert clone.resolve(second[:8]) == second
    assert clone.resolve(first[:8]) is None
    assert not Repository(checkout.root, {}).shallow


def test_short_ids_are_completed_and_names_are_not_followed(checkout: Any) -> None:
    """A branch whose name looks like an id is not taken for one; a tree's id is no commit."""
    head = checkout.git("rev-parse", "HEAD")
    repository = Repository(checkout.root, {})
    assert repository.resolve(head[:7]) == repository.resolve(head) == head
    other = "0" * 7 if not head.startswith("0" * 7) else "1" * 7
    checkout.git("branch", other)
    assert repository.resolve(other) is None
    assert repository.resolve(checkout.git("rev-parse", "HEAD^{tree}")) is None
    assert repository.resolve("f" * 40) is None


def test_a_file_is_read_as_a_commit_has_it(checkout: Any) -> None:
    """The work tree does not matter, and a file beyond the limit is not read."""
    head = checkout.git("rev-parse", "HEAD")
    checkout.write("train.py", "changed\n")
    repository = Repository(checkout.root, {})
    assert repository.blob(head, "train.py", 100) == b"print('trained')\n"
    assert repository.blob(head, "train.py", 5) is None
    assert repository.blob(head, "absent", 100) is None
    assert repository.blob(head, "model", 100) is None
    assert repository.blob("0" * 40, "train.py", 100) is None


def test_variables_that_git_sets_for_hooks_do_not_redirect(checkout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release started by a hook of another repository still describes its own."""
    for name, value in (("GIT_DIR", "/nowhere"), ("GIT_INDEX_FILE", "/nowhere/index"), ("GIT_WORK_TREE", "/nowhere")):
        monkeypatch.setenv(name, value)
    reading = Repository(checkout.root, dict(os.environ)).read(checkout.root / "model")
    assert reading is not None
    assert not reading.state.dirty


def test_the_index_is_not_written(checkout: Any) -> None:
    """Looking changes nothing, so that it can neither wait for a lock nor run a hook."""
    index = checkout.root / ".git" / "index"
    os.utime(checkout.root / "train.py", (1, 1))
    before = index.read_bytes()
    assert not _reading(checkout).state.dirty
    assert index.read_bytes() == before


def _pointer(data: bytes) -> str:
    return (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{hashlib.sha256(data).hexdigest()}\nsize {len(data)}\n"
    )


def test_a_large_file_is_clean_when_it_is_what_its_pointer_names(checkout: Any) -> None:
    """Git's filters are off, so LFS content is compared with the digest in the index, not by `git lfs`."""
    checkout.write(".gitattributes", "*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
    weights = b"weights " * 1000
    file = checkout.write("model/model.safetensors", _pointer(weights))
    checkout.commit()
    checkout.git("config", "filter.lfs.process", "false")
    checkout.git("config", "filter.lfs.required", "true")
    assert not _reading(checkout).state.dirty  # not pulled: still the pointer
    file.write_bytes(weights)
    assert not _reading(checkout).state.dirty
    file.write_bytes(weights[:-1] + b"!")
    assert _reading(checkout).changed == ("model/model.safetensors",)
    file.write_bytes(weights + b"!")
    assert _reading(checkout).state.dirty
    file.unlink()
    os.mkfifo(file)
    assert _reading(checkout).state.dirty


def test_many_changes_are_read_only_so_far(checkout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Output beyond the limit is cut at a whole entry, and cut means dirty."""
    for number in range(200):
        checkout.write(f"many/{number}", "x")
    checkout.commit()
    for number in range(200):
        checkout.write(f"many/{number}", "y")
        checkout.write(f"model/{number}", "y")
    monkeypatch.setitem(GitCommand.run.__kwdefaults__ or {}, "limit", 1000)
    reading = _reading(checkout)
    assert reading.state.dirty
    assert 0 < len(reading.changed) < 200
    assert 0 < len(reading.untracked) < 200
    assert set(reading.changed) < {f"many/{number}" for number in range(200)}


def test_a_repository_of_another_user_is_explained(checkout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's ownership check stays on; the message holds the exact command, and the command works."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(ModelProvenanceError) as caught:
        Repository(checkout.root, {})
    assert caught.value.code == "context.git_ownership"
    assert f"git config --global --add safe.directory {checkout.root}" in caught.value.remedy
    config = checkout.root.parent / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    checkout.git("config", "--file", str(config), "--add", "safe.directory", str(checkout.root))
    assert Repository(checkout.root, {}).read(checkout.root) is not None


def test_the_systems_safe_directories_count(checkout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that set `safe.directory` for everybody need nothing more."""
    config = checkout.write("../system", "[safe]\n\tdirectory = *\n")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(config))
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert Repository(checkout.root, {}).read(checkout.root) is not None


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".git/HEAD", "nonsense\n"),
        (".git/HEAD", "f" * 40 + "\n"),
        (".git/index", "DIRC nonsense"),
        (".git/config", "[core\n"),
        (".git/config", "[core]\n\trepositoryformatversion = 99\n"),
        (".git/config", "[core]\n\trepositoryformatversion = 0\n\tworktree = /tmp\n"),
    ],
)
def test_a_broken_repository_is_an_error(checkout: Any, file: str, text: str) -> None:
    """A repository that is there and cannot be read is never passed over for the one above, or for none."""
    checkout.write(file, text)
    with pytest.raises(ModelProvenanceError) as caught:
        Repository(checkout.root, {}).read(checkout.root / "model")
    assert caught.value.code == "context.git_unreadable"
    assert caught.value.location == str(checkout.root)


def test_a_git_file_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    """A worktree whose repository is gone."""
    (tmp_path / ".git").write_text("gitdir: /nowhere/at/all\n", encoding="utf-8")
    with pytest.raises(ModelProvenanceError) as caught:
        Repository(tmp_path.resolve(), {})
    assert caught.value.code == "context.git_unreadable"


def test_a_git_that_does_not_answer_is_stopped(checkout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration that makes git wait for ever ends in an error, not in a hanging job."""
    fifo = checkout.root.parent / "fifo"
    os.mkfifo(fifo)
    checkout.git("config", "core.excludesFile", str(fifo))
    monkeypatch.setattr("model_provenance.context.git._SECONDS", 0.3)
    with pytest.raises(ModelProvenanceError, match="did not answer"):
        Repository(checkout.root, {}).read(checkout.root / "model")


def test_without_git_the_tool_is_missing(checkout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No git on PATH is said as such (22)."""
    import git.cmd

    monkeypatch.setattr(git.cmd.Git, "GIT_PYTHON_GIT_EXECUTABLE", "/nowhere/git")
    with pytest.raises(ModelProvenanceError) as caught:
        Repository(checkout.root, {})
    assert caught.value.code == "context.git_missing"
    assert caught.value.exit_status == 22
