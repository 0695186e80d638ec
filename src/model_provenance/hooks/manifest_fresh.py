"""`model-manifest-fresh`: checksum lists and declared digests against the index; `--fix` rewrites both."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.load_located import SIZE_LIMIT, load_located
from model_provenance.formats.located import Located
from model_provenance.hooks.found import Found
from model_provenance.hooks.index import Index
from model_provenance.hooks.models import Model, folder_for, folders_of, read_model
from model_provenance.hooks.sums import LIMIT, LIST, parse_sums, written_sums

_MANIFESTS = frozenset({"model-manifest.json", "model-manifest.yaml", "model-manifest.yml"})
_DECLARED = ("model_digest", "files_digest")


def check(arguments: Sequence[str]) -> Iterator[Found]:
    """Findings about the whole index."""
    options = _options(arguments)
    index = Index()
    folders = folders_of(index, options.model)
    if not folders:
        yield Found(
            LIST, "no model of this repository has this list, so nothing could be compared; add --model DIR --fix"
        )
    models = {folder: read_model(index, folder) for folder in folders}
    for model in models.values():
        yield from _listed(index, model, fix=options.fix)
    for path in sorted(index.entries):
        if path.rpartition("/")[2] in _MANIFESTS and index.entries[path].is_file:
            yield from _declared(index, path, models, fix=options.fix)


def _listed(index: Index, model: Model, *, fix: bool) -> Iterator[Found]:
    """The list of one model against its files."""
    findings = list(_compared(index, model))
    yield from findings
    if fix and findings:
        _write(model.path(LIST), written_sums(model.files))


def _compared(index: Index, model: Model) -> Iterator[Found]:
    yield from model.problems
    entry = index.entries.get(model.path(LIST))
    if entry is None or not entry.is_file:
        yield Found(model.path(LIST), "the model has no checksum list in the index")
        return
    listed = parse_sums(index.read(entry, LIMIT))
    for line, why in listed.problems:
        yield Found(f"{model.path(LIST)}:{line}", why)
    for name, digest in model.files.items():
        if name not in listed.digests:
            yield Found(model.path(name), f"added: it is not in {model.path(LIST)}")
        elif listed.digests[name] != digest:
            yield Found(
                model.path(name),
                f"changed: its SHA-256 is {digest.hex}, {model.path(LIST)} says {listed.digests[name].hex}",
            )
    for name in listed.digests.keys() - model.files.keys():
        yield Found(model.path(name), f"removed: {model.path(LIST)} lists it, and the index does not have it")


def _declared(index: Index, path: str, models: Mapping[str, Model], *, fix: bool) -> Iterator[Found]:
    """The digests that one manifest declares against those of its model."""
    data = index.read(index.entries[path], SIZE_LIMIT)
    try:
        document = load_located(data, path)
    except ModelProvenanceError as error:
        yield Found(error.location or path, error.message)
        return
    value = document.value if isinstance(document.value, dict) else {}
    declared = {key: value[key] for key in _DECLARED if isinstance(value.get(key), str)}
    if not declared:
        return
    folder = folder_for(path, list(models))
    if folder is None:
        yield Found(
            path, f"it declares {' and '.join(declared)}, and not exactly one model lies below it; add --model DIR"
        )
        return
    model = models[folder]
    if path in {model.path(name) for name in model.files}:
        yield Found(path, f"it declares {' and '.join(declared)} of files that it is one of; move it out of the model")
        return
    actual = model.digests(written_sums(model.files))
    for key, text in declared.items():
        if text != actual[key]:
            yield Found(document.location((key,)), f"`{key}` is {text}, and of the files in the index {actual[key]}")
            if fix:
                _replace(path, document, key, text, actual[key])


def _replace(path: str, document: Located, key: str, old: str, new: str) -> None:
    """Put the new digest exactly where the old one stands; comments and order stay."""
    place = document.places[(key,)]
    lines = Path(path).read_bytes().decode("utf-8").splitlines(keepends=True)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    at = line.find(old, place.column - 1)
    if not old or at < 0:
        return  # the work tree has moved on, or the value is written over several lines: the finding stays
    lines[place.line - 1] = line[:at] + new + line[at + len(old) :]
    _write(path, "".join(lines).encode())


def _write(path: str, data: bytes) -> None:
    sys.stdout.write(f"Fixing {path}\n")
    sys.stdout.flush()
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise ModelProvenanceError("machine.io", error.strerror or str(error), location=path) from error


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("model-manifest-fresh", description=__doc__)
    parser.add_argument("--model", action="append", default=[], metavar="DIR", help="a model folder; may be repeated")
    parser.add_argument("--fix", action="store_true", help="rewrite lists and declared digests")
    return parser.parse_args(arguments)
