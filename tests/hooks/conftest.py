"""Hooks run as pre-commit runs them: the entry line of `.pre-commit-hooks.yaml`, in a scratch repository, as a process."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HOOKS: dict[str, dict[str, Any]] = {h["id"]: h for h in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


class Scratch:
    """A repository whose index holds what a test wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        """Run git without anybody's configuration."""
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        done = subprocess.run(["git", *words], cwd=self.folder, env=env, check=True, capture_output=True)
        return os.fsdecode(done.stdout)

    def add(self) -> None:
        """Stage everything byte by byte; a filter for Git LFS that a case names does not run."""
        self.git("-c", "filter.lfs.clean=", "-c", "filter.lfs.required=false", "add", "-A")

    def hook(self, id: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a hook over every file of the index, chosen by its `files` pattern."""
        hook = HOOKS[id]
        paths = self.git("ls-files", "-z").split("\0")[:-1]
        chosen = [
            path for path in paths if re.search(hook.get("files", ""), path) and not (self.folder / path).is_symlink()
        ]
        files = chosen if hook.get("pass_filenames", True) else []
        env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PRE_COMMIT": "1"}
        command = [*program(hook["entry"]), *arguments, *files]
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)


def program(entry: str) -> list[str]:
    """The entry line with its console script replaced by what pyproject.toml says that it runs."""
    name, *rest = shlex.split(entry)
    text = (ROOT / "pyproject.toml").read_text()
    match = re.search(rf'^{re.escape(name)} = "([\w.]+):(\w+)"$', text, re.MULTILINE)
    assert match is not None, f"{name} is no console script"
    return [sys.executable, "-c", f"from {match[1]} import {match[2]}; {match[2]}()", *rest]


def copied(tree: Path, target: Path) -> None:
    """A case's tree; `dot.` stands for the dot of names that would mean something to this repository."""
    for path in sorted(tree.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(tree)
            if place.name.startswith("dot."):
                place = place.with_name(place.name[3:])
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """An empty repository."""
    return Scratch(tmp_path / "repository")
