"""A local dataset: the digest of its files, for `manifest dataset` and for the datasets of a release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile
from model_provenance.domain.paths import FILE_LIMIT
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.oms import files_digest
from model_provenance.pack.read import read_files
from model_provenance.pack.refuse import check_pointers
from model_provenance.pack.walk import walk

Progress = Callable[[int, int], None]

#: What `walk` and `read_files` say of a model, as what it is for a dataset: a code, and words where theirs do not fit.
_CODES = {
    "pack.missing": ("dataset.missing", "there is no such file or folder"),
    "pack.empty": ("dataset.missing", "there is no file in it"),
    "pack.changed": ("dataset.changed", "it changed while it was read"),
    "pack.vanished": ("dataset.changed", "a file of it disappeared while it was read"),
    "pack.lfs_pointer": ("pack.lfs_pointer", ""),
    "pack.limit": ("dataset.refused", f"it has more than {FILE_LIMIT} files"),
}


@dataclass(frozen=True, slots=True)
class LocalDataset:
    """A dataset as its files say."""

    name: str
    #: Of the file where it is one file, else of names and contents together (`files_digest`).
    digest: Digest
    files: tuple[ModelFile, ...]


def dataset(
    path: Path, *, name: str | None = None, ignore: Sequence[str] = (), progress: Progress | None = None
) -> LocalDataset:
    """Read every file of a dataset once, within the bounds of a model.

    `progress` is called with the bytes read since the last call and those of the whole dataset. Raises
    `dataset.missing`, `dataset.refused` (links, names that differ between machines, too many files), `dataset.changed`,
    `pack.lfs_pointer` and `machine.*`.
    """
    try:
        with walk(path, ignore=ignore, refuse_secrets=False) as inventory:
            check_pointers(inventory)
            total = sum(entry.size for entry in inventory.entries)
            files = read_files(inventory, progress=None if progress is None else lambda done: progress(done, total))
            inventory.recheck()
    except ModelProvenanceError as error:
        raise _of_a_dataset(error, path) from error
    if progress is not None:
        # Whoever reads next counts from nothing.
        progress(-total, total)
    digest = files[0].digest if path.is_file() else files_digest(files)
    return LocalDataset(name or path.resolve().name, digest, files)


def _of_a_dataset(error: ModelProvenanceError, path: Path) -> ModelProvenanceError:
    if not error.code.startswith("pack."):
        return error
    place = shown(str(path), 400)
    code, words = _CODES.get(error.code, ("dataset.refused", ""))
    first, *names = error.message.split("\n")
    # A list of names has a head that speaks of a model; one name stands alone, and so does one file that changed.
    head = words or ("names in it are refused:" if names else first)
    if words and error.location not in (None, place):
        head = f"{words}: {error.location}"
    if error.code == "pack.special_file" and not path.is_dir():
        head = "it is neither a folder nor a regular file"
    return ModelProvenanceError(code, "\n".join([head, *names]), location=place)
