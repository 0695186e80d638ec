"""Every hook, tried by pre-commit itself on a folder that passes and one that fails; and what its environment weighs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.hooks.conftest import copied

from .conftest import BIN, ROOT, commit, copy_of_the_tool, git

pytestmark = pytest.mark.ci_surface
TRIED = ROOT / "tests" / "cases" / "try-repo"
HOOKS = [hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())]


@pytest.fixture(scope="session")
def hook_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout as a repository that pre-commit can clone."""
    tool = copy_of_the_tool(tmp_path_factory.mktemp("hook") / "tool")
    git(tool, "init", "-q", "-b", "main")
    commit(tool)
    return tool


def try_repo(repository: Path, hooks: Path, scratch: Path) -> subprocess.CompletedProcess[str]:
    """`pre-commit try-repo` without the name of a hook: all of them, in one environment that it makes and removes."""
    command = [str(BIN / "pre-commit"), "try-repo", str(hooks), "--all-files"]
    env = {**os.environ, "TMPDIR": str(scratch), "PRE_COMMIT_COLOR": "never"}
    return subprocess.run(command, cwd=repository, env=env, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("kind", ["pass", "fail"])
def test_every_hook_tried_on_its_folder(kind: str, hook_repository: Path, tmp_path: Path) -> None:
    """tests/cases/try-repo has a folder a hook that passes and one that fails, in one repository with real Git LFS each.

    What pre-commit prints is the golden file, word for word: no hook finds anything in the folder of another.
    """
    if shutil.which("git-lfs") is None:
        pytest.skip("git-lfs is not installed: apt-get install git-lfs; `pre-commit try-repo` was NOT run")
    folder = tmp_path / "repository"
    planted(kind, folder)

    done = try_repo(folder, hook_repository, tmp_path)

    hooks = done.stdout.split("=" * 79 + "\n")[-1]
    hooks = "".join(line for line in hooks.splitlines(keepends=True) if not line.startswith("[INFO]"))
    golden = TRIED / f"{kind}.expected"
    if os.environ.get("MODEL_PROVENANCE_GOLDEN") == "write":
        golden.write_text(hooks)
    assert hooks == golden.read_text(), done.stderr
    assert done.returncode == (0 if kind == "pass" else 1)
    assert hooks.count("Passed\n" if kind == "pass" else "Failed\n") == len(HOOKS)


@pytest.mark.parametrize("kind", ["pass", "fail"])
def test_no_hook_is_without_a_folder_to_be_tried_on(kind: str) -> None:
    """A new hook needs a folder that passes and one that fails."""
    assert {path.name for path in (TRIED / kind).iterdir() if path.is_dir()} == set(HOOKS)


def planted(kind: str, folder: Path) -> None:
    """The repository of this kind: weights went into Git LFS by its own filter, but for the one that a case is about."""
    copied(TRIED / kind, folder)
    # Large by the default of the hook, and not in this repository.
    (folder / "large-file-needs-checksum" / "embeddings.dat").write_bytes(bytes(2**20))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "lfs", "install", "--local")
    raw = "lfs-pointer-intact/raw.safetensors"
    git(folder, "add", "-A", "--", f":!{raw}")
    if (folder / raw).exists():
        off = ("-c", "filter.lfs.process=", "-c", "filter.lfs.clean=", "-c", "filter.lfs.required=false")
        git(folder, *off, "add", raw)
    git(folder, "commit", "-q", "-m", "Models")
    weights = git(folder, "show", "HEAD:model-manifest-fresh/model/model.safetensors")
    assert weights.startswith("version https://git-lfs.github.com/spec/v1\noid sha256:")


def test_the_environment_of_the_hooks_stays_small(repository: Path, hook_repository: Path, tmp_path: Path) -> None:
    """What everybody who commits pays once a version, with pip: 16 distributions and 30 MB; `bench/hooks.py` prints them."""
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
    assert 10 < len(packages) <= 16, sorted(packages)
    assert 10_000_000 < size <= 30_000_000, size
    for command in (("python", "-m", "model_provenance"), ("model-provenance", "--help")):
        tool = subprocess.run([environment / "bin" / command[0], *command[1:]], capture_output=True, text=True)
        assert (tool.returncode, tool.stdout) == (22, "")
        assert tool.stderr.startswith(
            "error usage.hooks_only this installation has the hooks and nothing else\n  fix Install"
        )
    assert not {name for name in packages if name.startswith(("sigstore", "cryptography", "zstandard", "pydantic"))}
