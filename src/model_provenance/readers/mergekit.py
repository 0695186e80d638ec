"""`mergekit_config.yml`: the models that this one was merged from, and how (arcee-ai/mergekit)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from model_provenance.readers.bounds import chosen, text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.front_matter import SIZE_LIMIT, small_yaml
from model_provenance.readers.reading import Head, Reader, Reading, named, never

READS = ("merge method, element type; the models that were merged, of all slices and their base; up to 1 MB",)

_SETTINGS = ("merge_method", "dtype", "out_dtype", "tokenizer_source")
_MODELS = 64


def _read(_head: Head, cursor: Cursor) -> Reading:
    config = small_yaml(cursor.take(min(cursor.remaining, SIZE_LIMIT + 1)))
    models = tuple(dict.fromkeys(_models(config)))
    if not models:
        raise ReaderError("it names no model that was merged")
    if len(models) > _MODELS:
        raise ReaderError(f"it names {len(models)} models, more than the {_MODELS} that are read")
    details: dict[str, Any] = {**chosen(config, _SETTINGS), "models": list(models)}
    return Reading(details, base_models=models, base_relation="merge")


def _models(config: dict[str, Any]) -> Iterator[str]:
    yield from _named(config)
    for part in _objects(config.get("slices")):
        for source in _objects(part.get("sources")):
            yield from _named(source)
    yield from _name(config.get("base_model"))


def _named(holder: dict[str, Any]) -> Iterator[str]:
    """The models of a list, and the one of a slice."""
    yield from _name(holder.get("model"))
    for entry in _objects(holder.get("models")):
        yield from _name(entry.get("model"))


def _name(value: Any) -> Iterator[str]:
    """`owner/name`, with an adapter behind a plus sign, or an object that has it as its path."""
    if isinstance(value, dict):
        value = value.get("model", value)
        value = value.get("path") if isinstance(value, dict) else value
    for part in value.split("+") if isinstance(value, str) else ():
        clean = text(part)
        if clean:
            yield clean


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    yield from (member for member in (value if isinstance(value, list) else []) if isinstance(member, dict))


_NAMES = ("mergekit_config.yml", "mergekit_config.yaml")
READER = Reader("mergekit", "readers.config", READS, never, named(*_NAMES), _read)
