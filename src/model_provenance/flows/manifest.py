"""`manifest check`: source manifests against the schema, their meaning, and the repository they stand in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from model_provenance.domain.finding import Finding
from model_provenance.flows.files import read_file
from model_provenance.formats.manifest import check_source

if TYPE_CHECKING:
    from model_provenance.context.repository import Repository

#: A manifest is read whole; people do not write larger ones.
_LIMIT = 2 * 1024 * 1024
#: A full id is checked when the release is made; only a short one has to be completed to mean anything.
_FULL_LENGTHS = (40, 64)


def check_files(files: Sequence[Path], env: Mapping[str, str]) -> tuple[Finding, ...]:
    """Everything that is wrong, file by file in the order given."""
    findings: list[Finding] = []
    for path in files:
        data = read_file(path, option="FILE", limit=_LIMIT)
        near = _Checkout(path.absolute().parent, env)
        findings += check_source(data, os.fspath(path), resolve_commit=near.resolve, shallow=near.is_shallow)
    return tuple(findings)


class _Checkout:
    """The repository around a manifest, opened only for a short commit id: GitPython costs more than the whole check."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder, self._env = folder, env

    @cached_property
    def _repository(self) -> Repository | None:
        from model_provenance.context.repository import Repository  # noqa: PLC0415 - see the class
        from model_provenance.context.run import workspace_of  # noqa: PLC0415
        from model_provenance.context.source import source_root  # noqa: PLC0415

        root = source_root(self._folder, workspace_of(self._env))
        return None if root is None else Repository(root, self._env)

    def resolve(self, commit: str) -> str | None:
        """The full id; a full one is taken as it is, and nothing is known outside a repository."""
        if len(commit) in _FULL_LENGTHS:
            return commit
        return None if self._repository is None else self._repository.resolve(commit)

    def is_shallow(self) -> bool:
        """Whether history is cut off."""
        return self._repository is not None and self._repository.shallow
