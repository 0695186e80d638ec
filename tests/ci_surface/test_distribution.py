"""What `pip install` gives: the wheel holds everything that it needs, and nothing of the checkout is missed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from model_provenance import __version__

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).parent / "uv"

pytestmark = pytest.mark.ci_surface


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([UV, "build", "-q", "--wheel", "--out-dir", folder, ROOT / "distribution"], check=True)
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    """Schemas, profiles and tables too: a file that is left out would only be missed by who installs."""
    package = ROOT / "src" / "model_provenance"
    ours = {
        f"model_provenance/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        theirs = {name for name in archive.namelist() if name.startswith("model_provenance/")}
    assert theirs == ours


def test_an_installed_wheel_releases_and_verifies(wheel: Path, tmp_path: Path) -> None:
    """In a fresh environment, with the locked dependencies, far from the checkout."""
    environment, model = tmp_path / "environment", tmp_path / "model"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    install = [UV, "pip", "install", "-q", "--python", environment / "bin" / "python"]
    subprocess.run([*install, "--require-hashes", "-r", ROOT / "requirements" / "runtime.txt"], check=True)
    subprocess.run([*install, "--no-deps", wheel], check=True)
    model.mkdir()
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
    (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    (model / "config.json").write_text('{"architectures": ["BertModel"], "model_type": "bert"}')
    (model / "README.md").write_text("---\nlicense: apache-2.0\n---\n# MiniLM\n")

    def run(*words: str) -> str:
        done = subprocess.run(
            [environment / "bin" / "model-provenance", *words],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "COSIGN_PASSWORD": ""},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    named = ("--name", "minilm", "--version", "1.0.0")
    assert __version__ in run("--version")
    run("keygen", "--output", "release")
    assert run("release", "model", *named, "--key", "release.key").startswith("SIGNED minilm 1.0.0")
    policed = run(
        "verify", "model", "--evidence", "dist/minilm-1.0.0", "--key", "release.pub", *named, "--policy", "integrity"
    )
    assert policed.startswith("PASS ")
