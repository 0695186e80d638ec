"""What the pre-commit hooks cost: installing their environment once a version, and starting them on every commit.

    .venv/bin/python bench/hooks.py                # needs the package index

Environments are made as pre-commit makes them: virtualenv, then `pip install .` (or the peer), without pip's cache. Sizes are
those of the files; the share of pip and virtualenv itself is shown on its own. Peers do less or other things; they are there
for the scale: pre-commit-hooks checks sizes, check-jsonschema checks schemas, picklescan looks into pickles.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
RUNS = 15
POINTERS = 5_000
#: Those that a pointer tells enough.
POINTING = ("model-manifest-fresh", "large-file-needs-checksum", "lfs-pointer-intact")
#: A model with its SBOM: without one there would be nothing for a hook to compare.
SBOM = ROOT / "tests/cases/hooks/model-sbom-fresh/pass/fresh/tree"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{:064x}\nsize {}\n"
#: Package, and what it is started with on one file.
PEERS = {
    "pre-commit-hooks": ("check-added-large-files", "README.md"),
    "check-jsonschema": ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", "workflow.yml"),
    "picklescan": ("picklescan", "--path", "README.md"),
}


@dataclass(frozen=True)
class Environment:
    """What an installation left: seconds that it took, bytes of its files, distributions."""

    folder: Path
    seconds: float
    size: int
    packages: int


def main() -> int:
    """Install, measure, print a table and what the project promises."""
    with tempfile.TemporaryDirectory(prefix="bench-hooks-") as name:
        base = Path(name)
        empty = _environment(base / "empty", [])
        ours = _environment(base / "ours", [str(ROOT)])
        repository = _repository(base / "repository")
        print(f"installing, once a version; of each {empty.size / 1e6:.0f} MB are pip's and virtualenv's own\n")
        print(f"{'':<28}{'seconds':>9}{'MB':>9}{'packages':>10}")
        _row("model-provenance", ours, empty)
        peers = {package: _environment(base / package, [package]) for package in PEERS}
        for package, environment in peers.items():
            _row(package, environment, empty)
        print("\nthe largest of ours, MB\n")
        for folder, size in _largest(ours):
            print(f"{folder:<28}{size / 1e6:9.1f}")
        print(f"\nover a model of two files, and over {POINTERS:,} Git LFS pointers; best of {RUNS}, ms\n")
        slowest, longest = 0.0, 0.0
        for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()):
            start = _start(ours, hook["entry"].split(), repository / "small", _given(hook, repository / "small"))
            print(f"{hook['id']:<28}{start * 1000:9.0f}", end="")
            if hook["id"] == "model-manifest":
                print(f"{'':>9}   {'holds' if start <= 0.25 else 'MISSED'}: <= 250")
                continue
            slowest = max(slowest, start)
            if hook["id"] not in POINTING:
                print()
                continue
            full = _start(ours, hook["entry"].split(), repository / "full", _given(hook, repository / "full"))
            longest = max(longest, full)
            print(f"{full * 1000:9.0f}")
        for package, words in PEERS.items():
            print(f"{words[0]:<28}{_start(peers[package], words, repository / 'small') * 1000:9.0f}   ({package})")
    print(f"\n{'holds ' if slowest <= 0.15 else 'MISSED'}  starting <= 150 ms: {slowest * 1000:.0f}")
    print(f"{'holds ' if longest <= 1 else 'MISSED'}  {POINTERS:,} pointers <= 1 s: {longest:.2f}")
    return 0 if slowest <= 0.15 and longest <= 1 else 1


def _row(name: str, environment: Environment, empty: Environment) -> None:
    size, packages = environment.size - empty.size, environment.packages - empty.packages
    print(f"{name:<28}{environment.seconds:9.1f}{size / 1e6:9.0f}{packages:10}")


def _environment(folder: Path, install: Sequence[str]) -> Environment:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", folder], check=True)
    if install:
        pip = [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "-q",
            "--no-cache-dir",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, *install], check=True, cwd=folder)
    seconds = time.perf_counter() - start
    lister = [str(folder / "bin" / "python"), "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
    packages = json.loads(subprocess.run(lister, check=True, capture_output=True).stdout)
    return Environment(folder, seconds, _size(folder), len(packages))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _largest(environment: Environment) -> list[tuple[str, int]]:
    (packages,) = environment.folder.glob("lib/python3*/site-packages")
    sizes = [(path.name, _size(path)) for path in packages.iterdir() if path.is_dir() and path.name != "pip"]
    return sorted(sizes, key=lambda item: -item[1])[:6]


def _repository(base: Path) -> Path:
    """One with a model of two files and its SBOMs, and one with a model of 5,000 pointers."""
    small, full = base / "small", base / "full"
    shutil.copytree(SBOM, small)
    (full / "model").mkdir(parents=True)
    (full / ".gitattributes").write_text("*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
    sums = []
    for number in range(POINTERS):
        shard = f"model-{number:05}.safetensors"
        (full / "model" / shard).write_text(LFS.format(number + 1, 10**9))
        sums.append(f"{number + 1:064x}  {shard}\n")
    (full / "model" / "MODEL.SHA256SUMS").write_text("".join(sums))
    for folder in (small, full):
        (folder / "README.md").write_text("# A model\n")
        (folder / "model-manifest.json").write_text('{"license": "Apache-2.0"}\n')
        (folder / "workflow.yml").write_text("on: push\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n")
        _git(folder, "init", "-q", "-b", "main")
        _git(folder, "-c", "filter.lfs.clean=", "-c", "filter.lfs.required=false", "add", "-A")
    return base


def _git(folder: Path, *words: str) -> str:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    return subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


def _given(hook: dict[str, Any], folder: Path) -> list[str]:
    """The files that pre-commit would name on the command line."""
    if not hook.get("pass_filenames", True):
        return []
    names = _git(folder, "ls-files", "-z").split("\0")
    return [name for name in names if name and re.search(hook.get("files", ""), name)]


def _start(environment: Environment, words: Sequence[str], folder: Path, files: Sequence[str] = ()) -> float:
    """Seconds of the best run, as machines are shared. It finds nothing; another status would be another measurement."""
    command = [str(environment.folder / "bin" / words[0]), *words[1:], *files]
    seconds = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - begin)
        if done.returncode != 0:
            print(done.stdout[-2000:], done.stderr[-2000:], file=sys.stderr)
            raise SystemExit(f"{' '.join(words)} ended with {done.returncode}; nothing is measured")
    return min(seconds)


if __name__ == "__main__":
    sys.exit(main())
