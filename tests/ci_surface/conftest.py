"""A repository as a user would have it, a loopback Sigstore, and the real runners of three CI systems."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_provenance.testing.sigstore_sim import SigstoreSim

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


@pytest.fixture(scope="session")
def sim() -> Iterator[SigstoreSim]:
    """One Sigstore for all jobs."""
    with SigstoreSim() as simulator:
        yield simulator


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder that tools/ci_tools.py installed into; missing tools fail in CI and are said elsewhere."""
    spec = importlib.util.spec_from_file_location("ci_tools", ROOT / "tools" / "ci_tools.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder: Path = module.cache()
    if not (folder / "done").exists():
        pytest.fail("CI tools are not installed: run `make test-ci`")
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with a small model, committed."""
    folder = tmp_path / "minilm"
    model = folder / "model"
    model.mkdir(parents=True)
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
    (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    (model / "config.json").write_text('{"architectures": ["BertModel"], "model_type": "bert"}')
    (model / "README.md").write_text("---\nlicense: apache-2.0\ndatasets: [snli]\n---\n# MiniLM\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", "https://github.com/acme/minilm.git")
    commit(folder)
    return folder


def commit(folder: Path) -> str:
    """Commit everything and return the commit."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "A model")
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *words: str) -> str:
    """Run git as nobody in particular."""
    env = {
        **os.environ,
        **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "dev"),
        **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "dev@example.invalid"),
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    answer = subprocess.run(
        ["git", "-c", "gc.auto=0", *words], cwd=folder, env=env, check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


def copy_of_the_tool(target: Path, *, without: tuple[str, ...] = ()) -> Path:
    """What a runner fetches for `uses: org/model-provenance@v1`: the files of this checkout, as they are now."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, names.split("\0")):
        if name.startswith(tuple(f"{folder}/" for folder in without)):
            continue
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, place, follow_symlinks=False)
    return target
