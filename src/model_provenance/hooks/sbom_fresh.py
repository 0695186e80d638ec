"""`model-sbom-fresh`: the files and digests that SBOMs list against the index."""

from __future__ import annotations

import argparse
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json
from model_provenance.hooks.found import Found
from model_provenance.hooks.index import Index, Staged
from model_provenance.hooks.models import Model, folder_for, folders_of, read_model
from model_provenance.hooks.sums import LIST

_SBOM = re.compile(r"(?:.*[.-])?(?:spdx3?|cdx|bom|sbom)\.json")
_LIMIT = 256 << 20
_DEPTH = 64
#: What describes a model rather than being part of it: written after the SBOM, which therefore need not list it.
_DESCRIBING = re.compile(rf"{re.escape(LIST)}|model-manifest\.(?:json|ya?ml)|{_SBOM.pattern}")


def check(arguments: Sequence[str]) -> Iterator[Found]:
    """Findings about the whole index."""
    options = _options(arguments)
    index = Index()
    sboms = [e for path, e in index.entries.items() if e.is_file and _SBOM.fullmatch(posixpath.basename(path))]
    if not sboms:
        yield Found(
            "sbom.spdx.json", "this repository has no SBOM (*.spdx.json, *.cdx.json), so nothing could be compared"
        )
    folders = folders_of(index, options.model)
    models: dict[str, Model] = {}
    for entry in sboms:
        folder = folder_for(entry.path, folders)
        if folder is None:
            yield Found(entry.path, f"not exactly one model (a folder with {LIST}) lies below it; add --model DIR")
            continue
        if folder not in models:
            models[folder] = read_model(index, folder)
        yield from _compared(index, entry, models[folder])


def _compared(index: Index, entry: Staged, model: Model) -> Iterator[Found]:
    try:
        listed = _files_of(index.read(entry, _LIMIT))
    except ModelProvenanceError as error:
        yield Found(entry.path, error.message)
        return
    for name, digest in model.files.items():
        if name not in listed:
            if not _DESCRIBING.fullmatch(name):
                yield Found(entry.path, f"it does not list {shown(model.path(name))}")
        elif listed[name] != digest.hex:
            yield Found(
                entry.path, f"{shown(model.path(name))} has the SHA-256 {digest.hex}, and it says {listed[name]}"
            )
    for name in listed.keys() - model.files.keys() - {LIST}:
        yield Found(entry.path, f"it lists {shown(name)}, which is not in {model.folder or 'the repository'}")


def _files_of(data: bytes) -> dict[str, str]:
    """Path -> hex SHA-256 of the model's files. Errors: `sbom.malformed`."""
    document = parse_json(data, what="the SBOM", limit=_LIMIT, code="sbom.malformed", depth=_DEPTH)
    return _reader_of(document)(document)


def _reader_of(document: Any) -> Callable[[Any], dict[str, str]]:
    """The form is told by the key that its standard demands; only one reader is imported."""
    if isinstance(document, dict) and "bomFormat" in document:
        from model_provenance.formats.cyclonedx_reading import files_of  # noqa: PLC0415 - one of three
    elif isinstance(document, dict) and "@context" in document:
        from model_provenance.formats.spdx3_reading import files_of  # noqa: PLC0415 - one of three
    else:
        from model_provenance.formats.spdx_reading import files_of  # noqa: PLC0415 - one of three
    return files_of


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("model-sbom-fresh", description=__doc__)
    parser.add_argument("--model", action="append", default=[], metavar="DIR", help="a model folder; may be repeated")
    return parser.parse_args(arguments)
