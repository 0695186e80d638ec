"""What the case folders cannot show: rewriting, deletions, odd repositories, speed, and what is imported."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from model_provenance.domain.digest import Digest
from model_provenance.hooks.catalogue import HOOKS as CATALOGUE
from model_provenance.hooks.sums import parse_sums, written_sums

from .conftest import HOOKS, ROOT, Scratch, copied

FRESH = ROOT / "tests/cases/hooks/model-manifest-fresh"
HEAVY = ("jsonschema", "git", "sigstore", "cryptography", "requests", "rich", "click")


def pointer(number: int) -> str:
    """A Git LFS pointer of its own."""
    oid = hashlib.sha256(str(number).encode()).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {10**9 + number}\n"


@pytest.mark.parametrize("case", ["added", "removed", "changed", "not_a_list", "name_twice"])
def test_fix_rewrites_the_list_says_so_and_the_next_run_is_silent(case: str, scratch: Scratch) -> None:
    """`--fix` ends with 1 like a formatter; once its change is staged, the hook passes and `sha256sum` reads the list."""
    copied(FRESH / "fail" / case / "tree", scratch.folder)
    scratch.add()

    first = scratch.hook("model-manifest-fresh", "--fix")
    scratch.add()
    second = scratch.hook("model-manifest-fresh", "--fix")

    assert first.returncode == 1
    assert "Fixing model/MODEL.SHA256SUMS" in first.stdout
    assert (second.returncode, second.stdout) == (0, "")


def test_fix_writes_the_first_list_of_a_folder(scratch: Scratch) -> None:
    """`--model DIR --fix` begins a list where there is none."""
    copied(FRESH / "fail" / "no_list" / "tree", scratch.folder)
    scratch.add()

    assert scratch.hook("model-manifest-fresh", "--model", "model/", "--fix").returncode == 1
    scratch.add()
    assert scratch.hook("model-manifest-fresh").returncode == 0


def test_fix_changes_a_declared_digest_and_nothing_else_of_the_manifest(scratch: Scratch) -> None:
    """Comments, quotes and the other keys stay."""
    copied(FRESH / "fail" / "manifest_digest_of_other_files" / "tree", scratch.folder)
    manifest = scratch.folder / "model-manifest.yaml"
    before = manifest.read_text()
    scratch.add()

    scratch.hook("model-manifest-fresh", "--fix")
    scratch.add()

    digests = r"sha256:[0-9a-f]{64}"
    assert re.sub(digests, "X", manifest.read_text()) == re.sub(digests, "X", before)
    assert manifest.read_text() != before
    assert scratch.hook("model-manifest-fresh").returncode == 0


def test_a_link_or_a_name_that_no_release_can_carry_is_a_finding(scratch: Scratch) -> None:
    """Symbolic links and names with control characters cannot stand in a list; the terminal is not rewritten."""
    copied(FRESH / "pass" / "listed" / "tree", scratch.folder)
    (scratch.folder / "model" / "link").symlink_to("config.json")
    (scratch.folder / "model" / "a\x1b[2Jb").write_text("x")
    scratch.add()

    done = scratch.hook("model-manifest-fresh")

    assert done.returncode == 1
    assert "model/link: a symbolic link" in done.stdout
    assert "\x1b" not in done.stdout
    assert r"model/a\x1b[2Jb: its name" in done.stdout


def test_a_name_that_is_not_utf8_is_a_finding(scratch: Scratch) -> None:
    """Bytes that are no text neither end the hook nor pass."""
    copied(FRESH / "pass" / "listed" / "tree", scratch.folder)
    Path(os.fsdecode(os.fsencode(scratch.folder / "model") + b"/\xff")).write_text("x")
    scratch.add()

    done = scratch.hook("model-manifest-fresh", "--fix")

    assert done.returncode == 1
    assert "its name cannot be" in done.stdout


@pytest.mark.parametrize(
    "id", [hook.id for hook in CATALOGUE if hook.id not in ("model-manifest", "no-executable-pickle")]
)
def test_outside_of_a_repository_is_an_error_not_a_pass(id: str, tmp_path: Path) -> None:
    """No index, no verdict: status 15 with the reason."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    command = [sys.executable, "-m", "model_provenance.hooks", id]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 15
    assert "not a git repository" in done.stderr


def test_an_object_that_is_missing_is_an_error_not_a_pass(scratch: Scratch) -> None:
    """A damaged or partial clone cannot be judged, and nothing is fetched."""
    copied(FRESH / "pass" / "listed" / "tree", scratch.folder)
    scratch.add()
    id = scratch.git("rev-parse", ":model/config.json").strip()
    (scratch.folder / ".git/objects" / id[:2] / id[2:]).unlink()

    done = scratch.hook("model-manifest-fresh")

    assert done.returncode == 15
    assert "missing" in done.stderr


def test_an_unknown_hook_is_a_usage_error() -> None:
    """Nothing that was not checked ends with 0."""
    done = subprocess.run(
        [sys.executable, "-m", "model_provenance.hooks", "no-such"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2


def test_five_thousand_pointers_take_little(scratch: Scratch) -> None:
    """5 TB of weights are checked by their pointers, in each of the hooks that look at them."""
    model = scratch.folder / "model"
    model.mkdir()
    (scratch.folder / ".gitattributes").write_text("*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
    for number in range(5000):
        (model / f"model-{number:05}.safetensors").write_text(pointer(number))
    scratch.add()
    scratch.hook("model-manifest-fresh", "--model", "model", "--fix")
    scratch.add()

    for id in ("model-manifest-fresh", "lfs-pointer-intact", "large-file-needs-checksum"):
        spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        assert scratch.hook(id).returncode == 0
        # Of the processor, whatever else it does: a hash of each would be thousands of times as much.
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - spent < 3.0, id


@pytest.mark.parametrize("id", [hook.id for hook in CATALOGUE if hook.id != "model-manifest"])
def test_a_hook_starts_without_heavy_libraries(id: str, scratch: Scratch) -> None:
    """Neither jsonschema nor GitPython nor click is imported; bench/hooks.py measures what that gives."""
    case = next((ROOT / "tests/cases/hooks" / id / "pass").iterdir())
    copied(case / "tree", scratch.folder)
    scratch.add()
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    code = "import sys; from model_provenance.hooks.main import run; s = run(sys.argv[1:]); print(*sys.modules); sys.exit(s)"
    done = subprocess.run([sys.executable, "-c", code, id], cwd=scratch.folder, env=env, capture_output=True, text=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & set(HEAVY)


def test_no_manifest_named_is_a_usage_error_not_a_pass(scratch: Scratch) -> None:
    """Nothing was checked, and that is said."""
    done = scratch.hook("model-manifest")

    assert (done.returncode, done.stdout) == (2, "")
    assert "no manifest was named, so nothing was checked" in done.stderr


def test_hooks_ask_for_nothing_that_the_tool_does_not() -> None:
    """pre-commit installs the root, people install `distribution/`: what both need has the same bounds in both."""
    hooks, tool = (_dependencies(ROOT / place) for place in ("pyproject.toml", "distribution/pyproject.toml"))
    assert hooks
    assert hooks < tool
    assert (ROOT / "distribution" / "src").resolve() == ROOT / "src"


def _dependencies(pyproject: Path) -> set[str]:
    (listed,) = re.findall(r"^dependencies = \[(.*?)\]$", pyproject.read_text(), re.DOTALL | re.MULTILINE)
    return set(re.findall(r'"([^"]+)"', listed))


def test_lists_are_read_as_they_are_written() -> None:
    """Names with a backslash, a leading dot or only a dash survive."""
    digests = {name: Digest.of(name.encode()) for name in ("-", "a\\b", "x y", "ü", ".hidden", "a/b")}
    assert parse_sums(written_sums(digests)) == (digests, [])


@pytest.mark.parametrize("id", ["no-executable-pickle", "model-manifest"])
def test_files_patterns_choose_by_name(id: str) -> None:
    """The patterns that pre-commit searches with match model files, in any case, and nothing else."""
    pattern = re.compile(HOOKS[id]["files"])
    yes = {
        "no-executable-pickle": ["a.pt", "m/B.PKL", "x.safetensors", "y.npz", "z.tar.zip"],
        "model-manifest": ["model-manifest.json", "a/model-manifest.yaml", "model-manifest.yml"],
    }[id]
    no = {
        "no-executable-pickle": ["a.py", "pt", "README.md", "apt"],
        "model-manifest": ["my-model-manifest.json", "model-manifest.json.bak", "model-manifest.toml"],
    }[id]
    assert [name for name in yes + no if pattern.search(name)] == yes
