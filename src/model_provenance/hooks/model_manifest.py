"""`model-manifest`: source manifests against the schema and their meaning, as `model-provenance manifest check`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from model_provenance.domain.finding import Severity
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.manifest import check_files
from model_provenance.hooks.found import Found


def check(paths: Sequence[str]) -> Iterator[Found]:
    """Findings about these files of the work tree; what is only a warning there stops no commit."""
    if not paths:
        raise ModelProvenanceError("usage.invalid", "no manifest was named, so nothing was checked")
    for finding in check_files([Path(path) for path in paths], os.environ):
        if finding.severity is Severity.ERROR:
            yield Found(finding.location, f"{finding.message}. {finding.remedy}".rstrip())
