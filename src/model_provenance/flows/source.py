"""The source manifest that the caller names."""

from __future__ import annotations

import os
from pathlib import Path

from model_provenance.domain.manifest import SourceManifest
from model_provenance.flows.files import read_file
from model_provenance.formats.manifest import load_source

_LIMIT = 2 * 1024 * 1024


def load(path: Path | None) -> SourceManifest | None:
    """The parsed source manifest, or None where there is none; every fault in it is one error."""
    if path is None:
        return None
    return load_source(read_file(path, option="--manifest", limit=_LIMIT), os.fspath(path))
