"""Which repository a model is released from: paths only, git itself is not asked here.

A model may carry repositories of others: a clone from a hub, a submodule, an unpacked download with a `.git` that says
whatever its author liked. What lies below the model directory is therefore never the source, and the model's own top
is only where nothing else can be:

- In CI, the outermost repository between the runner's workspace and the model directory. The runner made that checkout
  for this run; clones and submodules inside it are its contents. A model outside the workspace belongs to the
  workspace's own checkout.
- Elsewhere, the nearest repository strictly above the model directory, so that a hub clone inside a project does not
  speak for the project. Not the outermost: home directories under git are common and know nothing of the projects in
  them.
- In both, the model directory itself when it is the top of its checkout (`release .` in a model repository) and no
  repository encloses it.
"""

from __future__ import annotations

from pathlib import Path


def source_root(model_dir: Path, workspace: Path | None) -> Path | None:
    """The top of the repository that `model_dir` is released from, resolved; None where there is none.

    `workspace` is the runner's checkout folder, None outside CI.
    """
    model = model_dir.resolve()
    tops = [folder for folder in (model, *model.parents) if _is_repository(folder)]
    if workspace is None:
        above = [top for top in tops if top != model]
        return next(iter(above or tops), None)
    bound = workspace.resolve()
    within = [top for top in tops if top.is_relative_to(bound)]
    if within:
        return within[-1]
    return bound if _is_repository(bound) else None


def _is_repository(folder: Path) -> bool:
    """As git looks for one: a `.git` folder with a HEAD, or a `.git` file (worktrees and submodules)."""
    entry = folder / ".git"
    try:
        return entry.is_file() or (entry / "HEAD").exists() or (entry / "HEAD").is_symlink()
    except OSError:  # a folder above that may not be searched cannot be the checkout
        return False
