"""Install what only `make test-ci` needs: Node with gitlab-ci-local, in a cache outside the checkout; and check rsync.

Prints the folder to use; `tests/ci_surface` finds it by the same rule. Missing parts are an error here, never a skip.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SURFACE = ROOT / "tests" / "ci_surface"


def cache() -> Path:
    """The folder for these tools: by content of the lock files, below the user's cache."""
    digest = hashlib.sha256()
    for path in (ROOT / "requirements" / "ci.txt", SURFACE / "package-lock.json"):
        digest.update(path.read_bytes())
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "model-provenance" / f"ci-tools-{digest.hexdigest()[:16]}"


def main() -> int:
    """Install once; a second call costs nothing."""
    if not rsync():
        return 22
    folder = cache()
    if not (folder / "done").exists():
        install(folder)
    print(f"CI tools in {folder}")
    return 0


def rsync() -> bool:
    """gitlab-ci-local copies the work tree with rsync, which no package index but the system's carries."""
    if shutil.which("rsync"):
        return True
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False, stdout=subprocess.DEVNULL)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "rsync"]
        subprocess.run(install, check=False, stdout=subprocess.DEVNULL)
    if shutil.which("rsync"):
        return True
    sys.stderr.write("error: rsync is missing, which gitlab-ci-local needs\nsudo apt-get install rsync\n")
    return False


def install(folder: Path) -> None:
    """Node by hash from the Python package index, gitlab-ci-local by hash from npm's."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    bootstrap = [sys.executable, str(ROOT / "tools" / "bootstrap.py"), "--venv", str(folder / "node")]
    subprocess.run([*bootstrap, "--requirements", str(ROOT / "requirements" / "ci.txt")], check=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SURFACE / name, folder / name)
    path = f"{folder / 'node' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    npm = [str(folder / "node" / "bin" / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(npm, check=True, cwd=folder, env={**os.environ, "PATH": path})
    (folder / "done").touch()


if __name__ == "__main__":
    sys.exit(main())
