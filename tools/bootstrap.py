"""Make a virtual environment with hash-locked wheels and this checkout in it. Standard library only, any Python >= 3.10.

    python3 tools/bootstrap.py --venv .venv --requirements requirements/dev.txt

The Makefile, `action.yml` and the GitLab templates all install through this file. Nothing is built and nothing is taken
from the current directory: pip installs uv by hash, uv installs the locked wheels, and a `.pth` file points at `src/`
(so the version that runs is the version that was checked out). A stamp makes a second call cost nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 10)
PIP_WITH_PYTHON = (22, 3)


def main() -> int:
    """Parse, build, and end with a line that says what to do when it cannot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--requirements", type=Path, action="append", required=True)
    arguments = parser.parse_args()
    if sys.version_info < OLDEST:
        return refuse(f"Python {sys.version.split()[0]} is too old; 3.10 or newer is needed (make PYTHON=python3.12 …)")
    stamp = arguments.venv / ".installed"
    wanted = fingerprint(arguments.requirements)
    if stamp.is_file() and stamp.read_text() == wanted:
        return 0
    try:
        create(arguments.venv)
    except (subprocess.CalledProcessError, OSError) as error:
        return refuse(f"cannot make a virtual environment ({error})", debian_hint())
    python = arguments.venv / "bin" / "python"
    for requirements in arguments.requirements:
        if install(python, requirements) != 0:
            return refuse(f"cannot install {requirements}; is the package index reachable?")
    link_checkout(python, arguments.venv)
    stamp.write_text(wanted)
    return 0


def create(folder: Path) -> None:
    """An environment with uv; kept when it is there already."""
    if not (folder / "bin" / "python").exists():
        venv.EnvBuilder(with_pip=False, clear=True).create(folder)
    if not (folder / "bin" / "uv").exists():
        pip(folder / "bin" / "python", ROOT / "requirements" / "uv.txt").check_returncode()


SAFE = ["--require-hashes", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"]


def pip(python: Path, requirements: Path, *extra: str) -> subprocess.CompletedProcess[bytes]:
    """Install into the environment of `python` with the pip that is there already: a new one costs three seconds."""
    if has_pip():
        command = [sys.executable, "-I", "-m", "pip", "--python", str(python)]
    else:
        subprocess.run([str(python), "-I", "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
        command = [str(python), "-I", "-m", "pip"]
    return run([*command, "install", "-q", *SAFE, *extra, "-r", str(requirements)])


def has_pip() -> bool:
    """Whether this interpreter has a pip that can install into another environment (22.3)."""
    try:
        major, minor = importlib.metadata.version("pip").split(".")[:2]
        return (int(major), int(minor)) >= PIP_WITH_PYTHON
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return False


def install(python: Path, requirements: Path) -> int:
    """Install with uv; with pip where uv does not find the index that only pip is configured for."""
    environment = dict(os.environ)
    if "PIP_INDEX_URL" in environment:
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    # A demo package may come without its own dependencies: its file says so by listing only itself.
    extra = ["--no-deps"] if requirements.name == "demo.txt" else []
    uv = [str(python.parent / "uv"), "pip", "install", "-q", "--no-config", "--python", str(python), "--require-hashes"]
    fast = run([*uv, "--only-binary", ":all:", *extra, "-r", str(requirements)], environment)
    if fast.returncode == 0:
        return 0
    return pip(python, requirements, *extra).returncode


def link_checkout(python: Path, folder: Path) -> None:
    """Make the checkout importable and give it its command, both without building anything."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run(
        [str(python), "-I", "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()
    Path(packages, "model_provenance_checkout.pth").write_text(f"{ROOT / 'src'}\n")
    command = folder / "bin" / "model-provenance"
    # A path may hold spaces, which a #! line cannot: let the shell find the interpreter beside this file.
    command.write_text('#!/bin/sh\nexec "$(dirname -- "$(readlink -f -- "$0")")/python" -I -m model_provenance "$@"\n')
    command.chmod(0o755)


def fingerprint(requirements: list[Path]) -> str:
    """What an environment was made of: the locked files, the interpreter and the place of the checkout."""
    digest = hashlib.sha256(f"{sys.version}\n{ROOT}\n".encode())
    for path in requirements:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def run(command: list[str], environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a command with its output shown."""
    return subprocess.run(command, check=False, env=environment)


def debian_hint() -> str:
    """The one line for Debian and Ubuntu, which ship Python without venv."""
    major, minor = sys.version_info[:2]
    return f"On Debian or Ubuntu: sudo apt-get install python{major}.{minor}-venv"


def refuse(message: str, hint: str = "") -> int:
    """Say what is missing; the status of a missing tool."""
    sys.stderr.write(f"error: {message}\n{hint}\n" if hint else f"error: {message}\n")
    return 22


if __name__ == "__main__":
    sys.exit(main())
