"""The same model gives the same bytes: on any machine, for any user, in any run."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.keys import write_pair

from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

SOURCE = Path(__file__).parents[2] / "src"
NAMED = ("--name", "acme/minilm", "--version", "1.0.0", "--sbom-engine", "native")
FILES = {
    "model.safetensors": b'\x39\0\0\0\0\0\0\0{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' + bytes(16),
    "config.json": b'{"architectures": ["BertModel"], "model_type": "bert"}',
    "README.md": "---\nlicense: apache-2.0\ndatasets: [snli]\n---\n# Mod\u00e8le\n".encode(),
    "1_Pooling/config.json": b"{}",
    "caf\u00e9.txt": b"x",
    "Z": b"z",
    "a": b"a",
}
MANIFEST = "license: Apache-2.0\ndatasets:\n  - {name: snli, license: CC-BY-SA-4.0}\nusage: {commercial: allowed}\n"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a model and its manifest; beside it a key pair."""
    folder = tmp_path_factory.mktemp("origin")
    repository = folder / "repository"
    for name, data in FILES.items():
        path = repository / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (repository / "model-manifest.yaml").write_text(MANIFEST)
    git(repository, "init", "-q", "-b", "main")
    git(repository, "remote", "add", "origin", "https://git.example.org/acme/minilm.git")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Model")
    write_pair(folder / "release")
    return folder


def git(folder: Path, *words: str) -> None:
    """Git, without the settings of this machine."""
    person = {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **person}
    subprocess.run(["git", *words], cwd=folder, env=env, check=True)


def clone(origin: Path, folder: Path, *, backwards: bool = False) -> Path:
    """A clone whose files were made in another order, at another time, with other permissions."""
    git(origin, "clone", "-q", str(origin / "repository"), str(folder))
    git(folder, "remote", "set-url", "origin", "https://git.example.org/acme/minilm.git")
    if backwards:
        for path in sorted((folder / "model").iterdir(), reverse=True):
            copy = folder / f"{path.name}.copy"
            shutil.copytree(path, copy) if path.is_dir() else shutil.copyfile(path, copy)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            copy.rename(path)
            os.utime(path, (1, 1))
    return folder


def release(
    folder: Path, *words: str, env: Mapping[str, str], umask: int = 0o022, before: tuple[str, ...] = ()
) -> dict[str, bytes]:
    """Release in a process of its own; the files of `out/`."""
    command = [*before, sys.executable, "-m", "model_provenance", "release", "model", *NAMED, "--output", "out/release"]
    ran = subprocess.run(
        [*command, "--manifest", "model-manifest.yaml", *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "COSIGN_PASSWORD": "", **env},
        umask=umask,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    out = folder / "out"
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def statements(made: Mapping[str, bytes]) -> dict[str, bytes]:
    """The signed bytes of every bundle."""
    return {
        name: base64.b64decode(json.loads(data)["dsseEnvelope"]["payload"])
        for name, data in made.items()
        if name.endswith(".sigstore.json")
    }


def documents(made: Mapping[str, bytes]) -> dict[str, bytes]:
    """Everything but what says when and by whom: bundles, the receipt, and the evidence that a layout lists."""
    layout = {"layout/index.json"}
    evidence = {name for name, data in made.items() if name.startswith("layout/blobs/") and _is_evidence(data)}
    return {
        name: data
        for name, data in made.items()
        if not name.endswith((".sigstore.json", "receipt.json")) and name not in layout | evidence
    }


def _is_evidence(data: bytes) -> bool:
    return b"dev.sigstore.bundle" in data


def another_user() -> tuple[str, ...]:
    """Words that run a program as another user, who owns what this one owns; none where that is not allowed."""
    words = ("unshare", "--user", "--map-user=4711", "--map-group=4711")
    if shutil.which("unshare") is None or subprocess.run([*words, "true"], capture_output=True).returncode:
        return ()
    return words


@pytest.mark.parametrize("layout", ["layers", "raw", "tar", "tar.gz", "tar.zst"])
def test_two_clones_release_the_same_bytes(layout: str, origin: Path, tmp_path: Path) -> None:
    """Under another user, umask, time zone, language, home and order of files: layers, documents and statements."""
    key = ("--key", str(origin / "release.key"))
    words = ("--layout", layout, *key) + (("--oci-layout", "out/layout") if layout in ("layers", "raw") else ())
    one = clone(origin, tmp_path / "one")
    two = clone(origin, tmp_path / "somewhere else", backwards=True)
    home = tmp_path / "home"
    home.mkdir()

    first = release(one, *words, env={"HOME": str(tmp_path), "TZ": "UTC", "LANG": "C", "USER": "ada"})
    second = release(
        two,
        *words,
        env={"HOME": str(home), "TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8", "LC_ALL": "C.UTF-8", "USER": "bob"},
        umask=0o077,
        before=another_user(),
    )

    assert first.keys() - evidence_of(first) == second.keys() - evidence_of(second)
    assert documents(first) == documents(second)
    assert statements(first) == statements(second)
    assert len(statements(first)) == 5


def evidence_of(made: Mapping[str, bytes]) -> set[str]:
    """Blobs with bundles and their manifests: signatures by a key hold a random number."""
    return {name for name, data in made.items() if name.startswith("layout/blobs/") and _is_evidence(data)}


def test_a_changed_file_changes_the_bytes(origin: Path, tmp_path: Path) -> None:
    """So that the comparison above means something."""
    one, two = clone(origin, tmp_path / "one"), clone(origin, tmp_path / "two")
    (two / "model/a").write_text("b")
    words = ("--layout", "tar", "--key", str(origin / "release.key"))

    first, second = (release(folder, *words, env={"HOME": str(tmp_path)}) for folder in (one, two))

    differing = {name for name, data in documents(first).items() if second[name] != data}
    assert differing >= {"release/acme-minilm-1.0.0.tar", "release/model-manifest.json", "release/sbom.spdx.json"}


@pytest.fixture(scope="module")
def sim() -> Iterator[SigstoreSim]:
    """A Sigstore for keyless runs."""
    with SigstoreSim() as simulator:
        yield simulator


@pytest.mark.parametrize("provider", ["github", "gitlab"])
def test_two_ci_runs_give_the_same_package_sbom_and_manifest(
    provider: str, sim: SigstoreSim, origin: Path, tmp_path: Path
) -> None:
    """Another run, attempt, actor and job: only provenance, bundles and receipt speak of them."""
    folder = clone(origin, tmp_path / "checkout")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    config = tmp_path / "trust.json"
    config.write_text(sim.trust_config)
    words = ("--trust-config", str(config), "--oci-layout", "out/layout")
    runs = [
        {"run_id": "16300000001", "run_attempt": "1", "actor": "octo-dev"},
        {"run_id": "16399999999", "run_attempt": "3", "actor": "somebody-else"},
    ]
    if provider == "gitlab":
        runs = [{"pipeline_id": "101", "job_id": "1"}, {"pipeline_id": "202", "job_id": "2"}]
    made = []
    for number, run in enumerate(runs):
        env = getattr(RunnerEnv, provider)(sim, directory=tmp_path / str(number), sha=head.stdout.strip(), **run)
        made.append(release(folder, *words, env=env))
        shutil.rmtree(folder / "out")
    first, second = made

    assert documents(first) == documents(second)
    same = {"release/evidence/oms.sigstore.json", "release/evidence/manifest.sigstore.json"}
    same |= {"release/evidence/spdx.sigstore.json", "release/evidence/cyclonedx.sigstore.json"}
    one, two = statements(first), statements(second)
    assert {name for name in one if one[name] == two[name]} == same
    assert one.keys() == two.keys()
