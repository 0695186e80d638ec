"""`manifest check`: source manifests against the schema, their meaning, and the repository they stand in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from model_provenance.domain.finding import Finding
from model_provenance.flows.files import read_file
from model_provenance.formats.manifest import check_source

#: A manifest is read whole; people do not write larger ones.
_LIMIT = 2 * 1024 * 1024


def check_files(files: Sequence[Path]) -> tuple[Finding, ...]:
    """Everything that is wrong, file by file in the order given."""
    findings: list[Finding] = []
    for path in files:
        data = read_file(path, option="FILE", limit=_LIMIT)
        findings += check_source(data, os.fspath(path))
    return tuple(findings)
