"""All hooks, installed once and run by pre-commit over a repository with real Git LFS; and what `autoupdate` lands on."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.hooks.conftest import copied

from .conftest import BIN, ROOT, commit, copy_of_the_tool, git

pytestmark = pytest.mark.ci_surface
CASES = sorted(path for path in (ROOT / "tests" / "cases" / "hooks").glob("*/*/*") if path.is_dir())
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


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Path]:
    """This checkout as a hook repository, its commit, and the place where pre-commit keeps what it installed of it."""
    base = tmp_path_factory.mktemp("hooks")
    tool = copy_of_the_tool(base / "tool")
    git(tool, "init", "-q", "-b", "main")
    return tool, commit(tool), base / "cache"


@pytest.mark.parametrize("case", CASES, ids=lambda case: "/".join(case.parts[-3:]))
def test_each_case_is_the_same_under_pre_commit(case: Path, installed: tuple[Path, str, Path], tmp_path: Path) -> None:
    """Silent and passed, or failed with exactly the lines of the case: what pre-commit hands over is what the hook expects."""
    tool, rev, home = installed
    id, kind = case.parts[-3], case.parts[-2]
    hook: dict[str, Any] = {"id": id}
    if (case / "arguments").exists():
        hook["args"] = (case / "arguments").read_text().split()
    copied(case / "tree", tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    config = {"repos": [{"repo": str(tool), "rev": rev, "hooks": [hook]}]}
    # Outside of the work tree: the file would be one more that a case does not know.
    (home.parent / "config.yaml").write_text(yaml.safe_dump(config))
    # As by somebody without Git LFS: the machine's own would mend what a case shows.
    off = ("-c", "filter.lfs.process=", "-c", "filter.lfs.clean=", "-c", "filter.lfs.required=false")
    git(tmp_path, *off, "add", "-A")

    done = pre_commit(tmp_path, home, "run", "--all-files", "--config", str(home.parent / "config.yaml"))

    assert (done.returncode == 0) == (kind == "pass"), done.stdout + done.stderr
    assert ("Passed" in done.stdout) == (kind == "pass"), done.stdout
    if kind == "fail":
        for line in (case / "expected").read_text().splitlines():
            assert line.rstrip() in done.stdout, done.stdout


def test_five_thousand_weights_in_git_lfs(installed: tuple[Path, str, Path], tmp_path: Path) -> None:
    """`pre-commit run --all-files` with pointers that real Git LFS made: passed; one weight exchanged, and it is named."""
    if shutil.which("git-lfs") is None:
        pytest.skip("git-lfs is not installed: apt-get install git-lfs; the hooks were NOT run against real Git LFS")
    tool, rev, home = installed
    folder = tmp_path / "repository"
    (folder / "model").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "lfs", "install", "--local")
    git(folder, "lfs", "track", "*.safetensors")
    for number in range(5000):
        (folder / "model" / f"model-{number:05}.safetensors").write_text(f"weights {number}\n")
    hooks: list[dict[str, Any]] = [{"id": id} for id in ("lfs-pointer-intact", "large-file-needs-checksum")]
    hooks.append({"id": "model-manifest-fresh", "args": ["--model", "model", "--fix"]})
    config = {"repos": [{"repo": str(tool), "rev": rev, "hooks": hooks}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    git(folder, "add", "-A")

    first = pre_commit(folder, home, "run", "--all-files")
    git(folder, "add", "-A")
    second = pre_commit(folder, home, "run", "--all-files")
    (folder / "model" / "model-03141.safetensors").write_text("other weights\n")
    git(folder, "add", "-A")
    config["repos"][0]["hooks"] = [{"id": "model-manifest-fresh"}]
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    git(folder, "add", "-A")
    third = pre_commit(folder, home, "run", "--all-files")

    assert git(folder, "cat-file", "-p", ":model/model-00000.safetensors").startswith("version https://git-lfs")
    assert first.returncode == 1
    assert len((folder / "model" / "MODEL.SHA256SUMS").read_text().splitlines()) == 5000
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count("Passed") == 3
    assert third.returncode == 1
    assert "model/model-03141.safetensors: changed: its SHA-256 is" in third.stdout
    assert third.stdout.count("safetensors") == 1


def test_all_hooks_pass_and_fail_on_a_repository_with_git_lfs(
    repository: Path, installed: tuple[Path, str, Path]
) -> None:
    """Weights in real Git LFS: silent when all fits; a changed weight, a raw weight and a bad pickle are named."""
    if shutil.which("git-lfs") is None:
        pytest.skip("git-lfs is not installed: apt-get install git-lfs; the hooks were NOT run against real Git LFS")
    tool, rev, home = installed
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
