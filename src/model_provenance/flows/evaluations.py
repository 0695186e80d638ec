"""The result files that a caller names, joined with what the manifest declares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model_provenance.domain.finding import Finding
from model_provenance.domain.manifest import SourceManifest
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.files import read_file

_FILES = 100


def with_evaluations(
    source: SourceManifest | None, files: Sequence[Path]
) -> tuple[SourceManifest | None, tuple[Finding, ...]]:
    """The source manifest with what `files` measured, and what failed. Raises `evaluation.*`."""
    if not files and (source is None or "tests" not in source.value):
        return source, ()
    from model_provenance.describe.evaluations import with_results  # noqa: PLC0415 - most releases have none

    if len(files) > _FILES:
        message = f"{len(files)} files for --evaluation are more than the {_FILES} that are read"
        raise ModelProvenanceError("usage.invalid", message)
    if not files:
        return with_results(source, ())
    from model_provenance.readers.results import LIMIT, read_results  # noqa: PLC0415

    results = [read_results(read_file(path, option="--evaluation", limit=LIMIT), path.name) for path in files]
    return with_results(source, results)
