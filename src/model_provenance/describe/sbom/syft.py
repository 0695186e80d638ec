"""The Syft engine: software packages that files of the model name, found by a Syft that may be trusted."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

from model_provenance.describe.sbom.syft_binary import SyftBinary, allowed
from model_provenance.disk.process import Runner
from model_provenance.domain.finding import Finding, Severity, Status, passed
from model_provenance.domain.sbom import EngineScan, Tool
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.syft import OUTPUT_LIMIT, packages_of, version_of

SCAN_SECONDS = 120.0
_VERSION_SECONDS = 20.0
_VERSION_LIMIT = 64 * 1024
#: syft-json as we read it; `scan` and `--base-path` are there.
_OLDEST = (1, 0, 0)
#: Characters with a meaning in Syft's exclusion globs (bmatcuk/doublestar).
_GLOB = re.compile(r"([*?\[\]{}\\!])")


class Engine(Enum):
    """`--sbom-engine`: Syft where there is one, never, or always."""

    AUTO = "auto"
    NATIVE = "native"
    SYFT = "syft"


def scan(
    model: Path,
    *,
    engine: Engine = Engine.AUTO,
    env: Mapping[str, str],
    given: Path | None = None,
    exclude: Sequence[str] = (),
    seconds: float = SCAN_SECONDS,
) -> EngineScan:
    """Packages that Syft finds in `model`, or why it was not asked; `given` is `--syft`, `exclude` is relative paths.

    With `Engine.SYFT` whatever keeps Syft from answering is an error (22); else the native engine describes the model
    alone and a finding says why.
    """
    if engine is Engine.NATIVE:
        return EngineScan(findings=(passed("sbom.engine", "native engine: Syft was not asked for"),))
    try:
        return _scan(model, env, given, exclude, seconds)
    except ModelProvenanceError as error:
        if engine is Engine.SYFT:
            raise
        # That no Syft is there is normal; that there is one which is not used is something to act on.
        severity = Severity.INFO if error.code == "sbom.syft_missing" else Severity.WARNING
        message = f"native engine, without Syft: {error.message}"
        return EngineScan(findings=(Finding(error.code, severity, Status.SKIPPED, message, error.remedy),))


def _scan(
    model: Path, env: Mapping[str, str], given: Path | None, exclude: Sequence[str], seconds: float
) -> EngineScan:
    with _private_folder() as folder:
        home = Path(folder)
        scrubbed = _scrubbed(env, home)
        binary, version = _newest(allowed(model, env, given), scrubbed, home)
        root = str(model.absolute())
        command = [str(binary.path), "scan", f"dir:{root}", "--base-path", root, "-q", "-o", "syft-json"]
        for path in exclude:
            command += ["--exclude", "./" + _GLOB.sub(r"\\\1", path)]
        output = _runner(scrubbed, home).run(command, seconds=seconds, limit=OUTPUT_LIMIT)
        _, packages = packages_of(output)
    message = f"native engine, with Syft {version} ({binary.origin}): {len(packages)} packages"
    return EngineScan(packages, Tool("syft", version), (passed("sbom.engine", message),))


def _runner(env: Mapping[str, str], folder: Path) -> Runner:
    return Runner("Syft", "sbom.syft_failed", env, folder)


def _private_folder() -> tempfile.TemporaryDirectory[str]:
    """Where Syft runs, and finds no configuration."""
    try:
        return tempfile.TemporaryDirectory(prefix="syft-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ModelProvenanceError("sbom.syft_failed", f"no temporary folder: {shown(str(error))}") from error


def _newest(candidates: Sequence[SyftBinary], env: Mapping[str, str], folder: Path) -> tuple[SyftBinary, str]:
    """The candidate with the highest version, the first of equals; its first error where none of them works."""
    answers = [(binary, _version(binary, env, folder)) for binary in candidates]
    working = [(binary, version) for binary, version in answers if isinstance(version, str)]
    if working:
        return max(working, key=lambda item: _numbers(item[1]))
    raise next(error for _, error in answers if isinstance(error, ModelProvenanceError))


def _version(binary: SyftBinary, env: Mapping[str, str], folder: Path) -> str | ModelProvenanceError:
    """The version of a Syft that is recent enough; the error of one that is not, or does not answer."""
    command = [str(binary.path), "version", "-o", "json"]
    try:
        version = version_of(_runner(env, folder).run(command, seconds=_VERSION_SECONDS, limit=_VERSION_LIMIT))
    except ModelProvenanceError as error:
        return error
    if _numbers(version) >= _OLDEST:
        return version
    oldest = ".".join(str(part) for part in _OLDEST)
    return ModelProvenanceError("sbom.syft_failed", f"Syft {version} is older than {oldest}, or has no version")


def _numbers(version: str) -> tuple[int, ...]:
    match = re.fullmatch(r"v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+].*)?", version)
    return tuple(int(part) for part in match.groups()) if match else ()


def _scrubbed(env: Mapping[str, str], home: Path) -> dict[str, str]:
    """No token reaches Syft, and no configuration of the user, of the checkout or of the model steers it."""
    return {
        "HOME": str(home),
        "TMPDIR": str(home),
        "XDG_CACHE_HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "XDG_CONFIG_DIRS": str(home),
        "PATH": env.get("PATH", ""),
        "LC_ALL": "C.UTF-8",
        "SYFT_CHECK_FOR_APP_UPDATE": "false",
        "SYFT_FILE_METADATA_SELECTION": "none",
    }
