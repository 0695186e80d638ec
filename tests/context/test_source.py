"""Which repository a model is released from."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_provenance.context.source import source_root


def _repository(folder: Path, *, gitfile: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if gitfile:
        (folder / ".git").write_text("gitdir: ../elsewhere\n", encoding="utf-8")
    else:
        (folder / ".git").mkdir()
        (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder that no repository encloses."""
    return tmp_path.resolve()


@pytest.mark.parametrize("gitfile", [False, True])
def test_the_repository_above_the_model_is_the_source(base: Path, gitfile: bool) -> None:
    """A model in a folder of a project is released from the project, also where its `.git` is a file (a worktree)."""
    project = _repository(base / "project", gitfile=gitfile)
    (project / "models" / "minilm").mkdir(parents=True)
    assert source_root(project / "models" / "minilm", None) == project


def test_the_model_itself_is_the_source_when_nothing_encloses_it(base: Path) -> None:
    """`release .` in a model repository is released from that repository."""
    model = _repository(base / "minilm")
    assert source_root(model, None) == model
    assert source_root(model, model) == model


def test_a_git_folder_inside_the_model_is_not_the_source_of_a_project(base: Path) -> None:
    """A hub clone inside a project is released from the project: its own `.git` says what its author liked."""
    project = _repository(base / "project")
    clone = _repository(project / "clone")
    assert source_root(clone, None) == project
    assert source_root(clone, project) == project


def test_a_git_folder_below_the_model_is_never_the_source(base: Path) -> None:
    """A repository nested in the model speaks for nobody."""
    _repository(base / "model" / "nested")
    assert source_root(base / "model", None) is None


def test_in_ci_the_outermost_repository_of_the_workspace_is_the_source(base: Path) -> None:
    """A model in a submodule is released from the checkout that the run is of."""
    workspace = _repository(base / "work")
    submodule = _repository(workspace / "models", gitfile=True)
    (submodule / "minilm").mkdir()
    assert source_root(submodule / "minilm", workspace) == workspace


def test_in_ci_a_checkout_into_a_folder_of_the_workspace_is_found(base: Path) -> None:
    """`actions/checkout` with `path: src` puts the repository one level deeper."""
    source = _repository(base / "work" / "src")
    (source / "model").mkdir()
    assert source_root(source / "model", base / "work") == source


def test_in_ci_a_repository_above_the_workspace_is_not_the_source(base: Path) -> None:
    """What encloses the runner's own folders is the machine's business."""
    _repository(base)
    (base / "work" / "model").mkdir(parents=True)
    assert source_root(base / "work" / "model", base / "work") is None


def test_in_ci_a_model_outside_the_workspace_is_released_from_the_workspace(base: Path) -> None:
    """A clone in a temporary folder is not the source; the run's checkout is."""
    workspace = _repository(base / "work")
    clone = _repository(base / "temporary" / "clone")
    assert source_root(clone, workspace) == workspace


def test_links_are_followed_before_looking_up(base: Path) -> None:
    """A link to a model elsewhere does not make the link's surroundings its source."""
    project = _repository(base / "project")
    (project / "model").mkdir()
    (base / "link").symlink_to(project / "model")
    assert source_root(base / "link", None) == project


def test_an_empty_git_folder_is_no_repository(base: Path) -> None:
    """As for git itself, `.git` without a HEAD does not count."""
    project = _repository(base / "project")
    (project / "model" / "x" / ".git").mkdir(parents=True)
    assert source_root(project / "model" / "x", None) == project
    assert source_root(base / "nowhere", None) is None
