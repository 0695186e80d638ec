"""`manifest dataset`: a local dataset as an entry of the source manifest, with the digest of its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile
from model_provenance.formats.oms import files_digest
from model_provenance.pack.read import read_files
from model_provenance.pack.walk import walk


@dataclass(frozen=True, slots=True)
class LocalDataset:
    """A dataset as its files say."""

    name: str
    #: Of the file where it is one file, else of names and contents together (`files_digest`).
    digest: Digest
    files: tuple[ModelFile, ...]


def dataset(path: Path, *, name: str | None = None, ignore: Sequence[str] = ()) -> LocalDataset:
    """Read every file of a dataset once. Raises what `walk` raises: links and names that differ between machines too."""
    with walk(path, ignore=ignore, refuse_secrets=False) as inventory:
        files = read_files(inventory)
        inventory.recheck()
    digest = files[0].digest if path.is_file() else files_digest(files)
    return LocalDataset(name or path.resolve().name, digest, files)
