"""The source manifest that the caller names."""

from __future__ import annotations

import os
from pathlib import Path

from model_provenance.domain.manifest import SourceManifest
from model_provenance.domain.sbom import Environment
from model_provenance.flows.files import read_file
from model_provenance.formats.manifest import load_source

_ENVIRONMENT_LIMIT = 64 * 1024 * 1024
_LIMIT = 2 * 1024 * 1024


def load(path: Path | None, *, option: str = "--manifest") -> SourceManifest | None:
    """The parsed source manifest, or None where there is none; every fault in it is one error."""
    if path is None:
        return None
    return load_source(read_file(path, option=option, limit=_LIMIT), os.fspath(path))


def load_environment(path: Path | None) -> Environment | None:
    """What the training ran with, from the file of `--environment`; None where there is none."""
    if path is None:
        return None
    from model_provenance.formats.environment import environment_of  # noqa: PLC0415 - rare

    return environment_of(read_file(path, option="--environment", limit=_ENVIRONMENT_LIMIT), path.name)
