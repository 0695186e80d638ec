"""All hooks, installed once and run by pre-commit over a repository with real Git LFS; and what `autoupdate` lands on."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from .conftest import BIN, ROOT, commit, copy_of_the_tool, git

pytestmark = pytest.mark.ci_surface
HOOKS = [hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())]


def pre_commit(folder: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pre-commit in a repository."""
    env = {**os.environ, "PRE_COMMIT_HOME": str(home), "PRE_COMMIT_COLOR": "never"}
    command = [str(BIN / "pre-commit"), *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)


def configured(folder: Path, hooks: Path, rev: str, ids: list[str]) -> None:
    """Write the configuration of a user."""
    config = {"repos": [{"repo": str(hooks), "rev": rev, "hooks": [{"id": id} for id in ids]}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))


def test_all_hooks_pass_and_fail_on_a_repository_with_git_lfs(repository: Path, tmp_path: Path) -> None:
    """Weights in real Git LFS: silent when all fits; a changed weight, a raw weight and a bad pickle are named."""
    if shutil.which("git-lfs") is None:
        pytest.skip("git-lfs is not installed: apt-get install git-lfs; the hooks were NOT run against real Git LFS")
    tool, home = copy_of_the_tool(tmp_path / "tool"), tmp_path / "cache"
    git(tool, "init", "-q", "-b", "main")
    rev = commit(tool)
    git(repository, "lfs", "install", "--local")
    git(repository, "lfs", "track", "*.safetensors")
    git(repository, "rm", "-q", "--cached", "model/model.safetensors")
    (repository / "model-manifest.yaml").write_text("license: Apache-2.0\n")
    git(repository, "add", "-A")
    ids = [id for id in HOOKS if id != "model-sbom-fresh"]
    configured(repository, tool, rev, ids)
    sums = "".join(
        subprocess.run(["sha256sum", name], cwd=repository / "model", check=True, capture_output=True, text=True).stdout
        for name in ("README.md", "config.json", "model.safetensors")
    )
    (repository / "model" / "MODEL.SHA256SUMS").write_text(sums)
    git(repository, "add", "-A")

    good = pre_commit(repository, home, "run", "--all-files")
    (repository / "model" / "model.safetensors").write_bytes(b"\x80\x02cos\nsystem\n(S'true'\ntR.")
    git(repository, "add", "-A")
    bad = pre_commit(repository, home, "run", "--all-files")

    assert git(repository, "cat-file", "-p", ":model/model.safetensors").startswith("version https://git-lfs")
    assert good.returncode == 0, good.stdout + good.stderr
    assert good.stdout.count("Passed") == len(ids)
    assert bad.returncode == 1
    assert "model/model.safetensors: changed: its SHA-256 is" in bad.stdout
    assert "loading model/model.safetensors can run code: it imports os.system" in bad.stdout


def test_autoupdate_lands_on_the_full_version_and_never_on_a_moving_tag(tmp_path: Path) -> None:
    """With `vX.Y.Z` and the moving `v1` on one commit, pre-commit writes `vX.Y.Z`; why no `v1.2` may ever be pushed."""
    hooks, user = tmp_path / "hooks", tmp_path / "user"
    for folder in (hooks, user):
        folder.mkdir()
        git(folder, "init", "-q", "-b", "main")
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    first = commit(hooks)
    for tag in ("v1.2.3", "v1"):
        git(hooks, "tag", tag)
    configured(user, hooks, first, ["lfs-pointer-intact"])

    done = pre_commit(user, tmp_path / "cache", "autoupdate")

    assert done.returncode == 0, done.stdout + done.stderr
    assert yaml.safe_load((user / ".pre-commit-config.yaml").read_text())["repos"][0]["rev"] == "v1.2.3"
