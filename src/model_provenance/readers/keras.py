"""Keras 3 files: what `config.json` and `metadata.json` of the archive say, and which layers run code of the model's author."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from model_provenance.readers.bounds import text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.json_text import small_object
from model_provenance.readers.zip_directory import Member, contents

READS = (
    "Keras version and date from `metadata.json`; the model's class and layers by class from `config.json`",
    "Lambda layers, and classes of modules outside Keras: loading them runs code that came with the model or beside it",
)

#: As text it may take four times as much.
_CONFIG_LIMIT = 4 << 20
_NODES = 200_000
_NAMED = 64
#: Modules whose classes Keras brings itself.
_OWN = ("keras", "keras_hub", "keras_nlp", "keras_cv")


def keras_facts(cursor: Cursor, members: list[Member]) -> tuple[dict[str, Any], str | None]:
    """(details, why loading it can run code). Raises `ReaderError` for a configuration that cannot be read."""
    config = _object(cursor, members, "config.json")
    metadata = _object(cursor, members, "metadata.json")
    versions = {
        "keras_version": text(metadata.get("keras_version"), 60),
        "date_saved": text(metadata.get("date_saved"), 60),
    }
    details, executes = model_facts(config)
    return {name: value for name, value in versions.items() if value} | details, executes


def model_facts(config: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """(the class of the model and its layers by class, why making it from this configuration can run code)."""
    classes: Counter[str] = Counter()
    foreign: set[str] = set()
    for entry in _configured(config):
        name = text(entry["class_name"], 200)
        if name is None:
            continue
        classes[name] += 1
        module = entry.get("module")
        if isinstance(module, str) and module.partition(".")[0] not in _OWN:
            foreign.add(f"{text(module, 200)}.{name}")
    details: dict[str, Any] = {
        "model_class": text(config.get("class_name"), 200),
        "layers": dict(sorted(classes.items())[:_NAMED]),
    }
    if foreign:
        details["foreign_classes"] = sorted(foreign)[:_NAMED]
    return {name: value for name, value in details.items() if value}, _executes(classes, foreign)


def _executes(classes: Mapping[str, int], foreign: set[str]) -> str | None:
    if classes.keys() & {"Lambda", "__lambda__"}:
        return "it has a Lambda layer, which holds marshalled Python code"
    return f"it takes classes from outside Keras, e.g. {min(foreign)}" if foreign else None


def _object(cursor: Cursor, members: list[Member], name: str) -> dict[str, Any]:
    member = next((member for member in members if member.name == name), None)
    if member is None:
        raise ReaderError(f"it has no {name}")
    return small_object(contents(cursor, member), _CONFIG_LIMIT)


def _configured(config: Any) -> Iterator[Mapping[str, Any]]:
    """Every object with a `class_name`, wherever it stands; a stack, since nesting is the author's."""
    waiting, seen = [config], 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if seen > _NODES:
            raise ReaderError(f"its configuration has more than the {_NODES} values that are read")
        if isinstance(value, dict):
            if isinstance(value.get("class_name"), str):
                yield value
            waiting.extend(held for held in value.values() if isinstance(held, (dict, list)))
        elif isinstance(value, list):
            waiting.extend(held for held in value if isinstance(held, (dict, list)))
