"""Build what only `make interop` needs: Sigstore's servers, registries and peers, in a cache outside the checkout.

`tests/interop/versions.json` names them. Go's own module client builds each into `NAME@VERSION/NAME`; what is there and carries
the pinned checksum is left alone. Missing parts are an error here, never a skip. Cold, two cores need about ten minutes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import debian

ROOT = Path(__file__).resolve().parent.parent
INTEROP = ROOT / "tests" / "interop"
MODULE = INTEROP / "go"
VERSIONS: dict[str, Any] = json.loads((INTEROP / "versions.json").read_text())

_OLDER = ROOT / "requirements" / "older-model-signing.txt"

_BUILD = ("-trimpath",)
_SMALL = "-s -w"
#: Ours to decide, whatever the machine says: no C compiler, no other Go than the one that is there.
_GO_ENV = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}


def main() -> int:
    """Build and install what is not there; a second call costs nothing."""
    if shutil.which("go") is None:
        return refuse("Go is missing, which builds the servers", "Install Go 1.26 or newer and put it on the PATH.")
    # A registry without the referrers API and a client that is not Go's newest, as distributions ship them.
    if debian.install(VERSIONS["debian"]):
        return debian.MISSING
    for name in (*VERSIONS["go"], *VERSIONS["module"]):
        if is_built(name):
            continue
        start = time.monotonic()
        try:
            build(name)
        except subprocess.CalledProcessError as error:
            return refuse(f"cannot build {name}", (error.stderr or "").strip()[-2000:])
        if not is_built(name):
            return refuse(f"{name} is not what versions.json pins", f"It lies in {program(name)}.")
        print(f"built {name} {version(name)} in {time.monotonic() - start:.0f} s", flush=True)
    if not (sigstore_js() / "done").exists():
        install_sigstore_js()
    for older in VERSIONS["older-model-signing"]:
        if not (older_model_signing(older) / "done").exists():
            install_older_model_signing(older)
    for name in VERSIONS["schemas"]:
        try:
            schema(name)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            return refuse(f"cannot get the schema of {name}", str(getattr(error, "stderr", "") or error)[-2000:])
    print(f"interop tools in {cache()}")
    return 0


def cache() -> Path:
    """The folder of all tools."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "model-provenance" / "interop"


def program(name: str) -> Path:
    """Where the program called `name` in versions.json lies, once built."""
    # A program that is told its version while it is built is another one than `go install` alone makes.
    told = "-told" if VERSIONS["go"].get(name, {}).get("ldflags") else ""
    return cache() / f"{name}@{version(name)}{told}" / name


def version(name: str) -> str:
    """The pinned version; of our own module the digest of what it is built from."""
    if name in VERSIONS["go"]:
        return str(VERSIONS["go"][name]["version"])
    files = [MODULE / "go.mod", MODULE / "go.sum", *sorted(MODULE.glob("*/*.go"))]
    return digest(files)


def is_built(name: str) -> bool:
    """Whether the program is there, and is the module whose checksum is pinned."""
    path = program(name)
    if not all((path.parent / part).is_file() for part in (name, *files_of(name))):
        return False
    if name in VERSIONS["module"]:
        return True
    answer = subprocess.run(["go", "version", "-m", str(path)], check=False, capture_output=True, text=True)
    wanted = [VERSIONS["go"][name]["version"], VERSIONS["go"][name]["sum"]]
    modules = [line.split()[2:] for line in answer.stdout.splitlines() if line.startswith("\tmod\t")]
    return modules == [wanted]


def build(name: str) -> None:
    """Into a folder of its own (two programs are called `posix`), then renamed: an interrupted build leaves nothing."""
    target = program(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        if name in VERSIONS["module"]:
            made = Path(folder, name)
            go(
                [
                    "build",
                    "-mod=readonly",
                    *_BUILD,
                    f"-ldflags={_SMALL}",
                    "-o",
                    str(made),
                    VERSIONS["module"][name]["package"],
                ],
                cwd=MODULE,
            )
        else:
            pinned = VERSIONS["go"][name]
            flags = f"-ldflags={_SMALL} {pinned.get('ldflags', '')}"
            go(["install", *_BUILD, flags.rstrip(), f"{pinned['package']}@{pinned['version']}"], GOBIN=folder)
            [made] = Path(folder).iterdir()
        for kept, path in files_of(name).items():
            module = go(
                ["list", "-m", "-f", "{{.Dir}}", f"{VERSIONS['go'][name]['package']}@{version(name)}"], cwd=Path(folder)
            )
            shutil.copyfile(Path(module.strip(), path), target.parent / kept)
        made.replace(target)


def files_of(name: str) -> dict[str, str]:
    """Files of the module that are kept beside the program: name there -> path in the module."""
    return dict(VERSIONS["go"].get(name, {}).get("files", {}))


def schema(name: str) -> str:
    """The text of a file that a pinned module publishes, out of Go's own cache; raises `ValueError` for another checksum."""
    pinned = VERSIONS["schemas"][name]
    with tempfile.TemporaryDirectory() as folder:
        words = ["mod", "download", "-json", f"{pinned['module']}@{pinned['version']}"]
        module = json.loads(go(words, cwd=Path(folder)))
    if module["Sum"] != pinned["sum"]:
        message = f"{pinned['module']} has the checksum {module['Sum']}, not the pinned one"
        raise ValueError(message)
    return Path(module["Dir"], pinned["path"]).read_text(encoding="utf-8")


def go(words: list[str], cwd: Path | None = None, **env: str) -> str:
    """Run Go and return what it printed; CalledProcessError carries what it said."""
    environment = {**os.environ, **_GO_ENV, **env}
    return subprocess.run(["go", *words], check=True, cwd=cwd, env=environment, capture_output=True, text=True).stdout


def sigstore_js() -> Path:
    """The folder with Node and the JavaScript verifier."""
    files = [ROOT / "requirements" / "ci.txt", INTEROP / "package-lock.json"]
    return cache() / f"sigstore-js@{digest(files)}"


def install_sigstore_js() -> None:
    """Node by hash from the Python package index, the verifier by hash from npm's."""
    folder = sigstore_js()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    bootstrap = [sys.executable, str(ROOT / "tools" / "bootstrap.py"), "--venv", str(folder / "node")]
    subprocess.run([*bootstrap, "--requirements", str(ROOT / "requirements" / "ci.txt")], check=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(INTEROP / name, folder / name)
    path = f"{folder / 'node' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    npm = [str(folder / "node" / "bin" / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(npm, check=True, cwd=folder, env={**os.environ, "PATH": path})
    (folder / "done").touch()


def older_model_signing(release: str) -> Path:
    """The folder with a release of model_signing from before 1.1, and a Python environment with what it needs."""
    pinned = VERSIONS["older-model-signing"][release].removeprefix("sha256:")[:16]
    return cache() / f"model-signing-{release}@{digest([_OLDER])}-{pinned}"


def install_older_model_signing(release: str) -> None:
    """By hash: they need a sigstore that is older than ours, so each has an environment of its own."""
    folder = older_model_signing(release)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wanted = folder / "requirements.txt"
    wanted.write_text(
        f"model-signing=={release} --hash={VERSIONS['older-model-signing'][release]}\n{_OLDER.read_text()}"
    )
    bootstrap = [sys.executable, str(ROOT / "tools" / "bootstrap.py"), "--venv", str(folder / "env")]
    subprocess.run([*bootstrap, "--requirements", str(wanted)], check=True)
    (folder / "done").touch()


def digest(files: list[Path]) -> str:
    """Names a version by what it is made of."""
    value = hashlib.sha256()
    for path in files:
        value.update(path.read_bytes())
    return value.hexdigest()[:16]


def refuse(message: str, hint: str) -> int:
    """Say what is missing and what to do; the status of a missing tool."""
    sys.stderr.write(f"error: {message}\n{hint}\n")
    return debian.MISSING


if __name__ == "__main__":
    sys.exit(main())
