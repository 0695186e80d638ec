"""Keras 3 files: what `config.json` and `metadata.json` of the archive say, and which layers run code of the model's author."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from model_provenance.readers.bounds import text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.json_text import small_json, small_object, structure_of
from model_provenance.readers.keras_objects import foreign_class, reaching_out
from model_provenance.readers.zip_directory import Member, contents

READS = (
    "Keras version and date from `metadata.json`; the model's class and layers by class from `config.json`",
    "Lambda layers, and classes of modules outside Keras: loading them runs code that came with the model or beside it",
    "functions of Keras and TensorFlow that are no part of a layer, and layers that name a file: loading them reaches out",
)

#: As text it may take four times as much.
_CONFIG_LIMIT = 4 << 20
_NODES = 200_000
_NAMED = 64
#: Members of all configurations of one file.
_STRUCTURE = 300_000
#: What a configuration costs beside its values, in values.
_EACH = 16


def keras_facts(cursor: Cursor, members: list[Member]) -> tuple[dict[str, Any], str | None]:
    """(details, why loading it can run code). Raises `ReaderError` for a configuration that cannot be read."""
    config = _object(cursor, members, "config.json")
    metadata = _object(cursor, members, "metadata.json")
    versions = {
        "keras_version": text(metadata.get("keras_version"), 60),
        "date_saved": text(metadata.get("date_saved"), 60),
    }
    found = Configurations()
    found.add(config)
    return {name: value for name, value in versions.items() if value} | found.details(), found.executes()


class Configurations:
    """What all configurations of one file name: the one of a model, that of its training, those of its layers."""

    def __init__(self) -> None:
        self._classes: Counter[str] = Counter()
        self._foreign: set[str] = set()
        self._reaching: set[str] = set()
        self._nodes, self._structure = 0, _STRUCTURE
        self._model: str | None = None

    def read(self, data: bytes) -> None:
        """One configuration as JSON."""
        config = small_json(data, _CONFIG_LIMIT, self._structure)
        self._structure -= structure_of(data) + _EACH
        if self._structure < 0:
            raise ReaderError(f"its configurations have more than the {_STRUCTURE} members that are read")
        self.add(config)

    def add(self, config: Any) -> None:
        """One configuration; the class of the first is that of the model."""
        if self._model is None and isinstance(config, dict):
            self._model = text(config.get("class_name"), 200)
        for entry in self._configured(config):
            name = text(entry["class_name"], 200)
            if name is None:
                continue
            self._classes[name] += 1
            if (foreign := foreign_class(entry)) is not None:
                self._foreign.add(text(foreign, 400) or "(unnamed)")
            if (reaching := reaching_out(entry)) is not None:
                self._reaching.add(text(reaching, 400) or "(unnamed)")

    def details(self) -> dict[str, Any]:
        """The class of the model, its layers by class, and what of them comes from elsewhere."""
        found: dict[str, Any] = {
            "model_class": self._model,
            "layers": dict(sorted(self._classes.items())[:_NAMED]),
            "foreign_classes": sorted(self._foreign)[:_NAMED],
            "reaching_out": sorted(self._reaching)[:_NAMED],
        }
        return {name: value for name, value in found.items() if value}

    def executes(self) -> str | None:
        """Why making a model from these can run code."""
        if self._classes.keys() & {"Lambda", "__lambda__"}:
            return "it has a Lambda layer, which holds marshalled Python code"
        if self._foreign:
            return f"it takes classes from outside Keras, e.g. {min(self._foreign)}"
        return f"its layers call or read what is no layer, e.g. {min(self._reaching)}" if self._reaching else None

    def _configured(self, config: Any) -> Iterator[Mapping[str, Any]]:
        """Every object with a `class_name`, wherever it stands; a stack, since nesting is the author's."""
        waiting = [config]
        while waiting:
            value = waiting.pop()
            self._nodes += 1
            if self._nodes > _NODES:
                raise ReaderError(f"its configuration has more than the {_NODES} values that are read")
            if isinstance(value, dict):
                if isinstance(value.get("class_name"), str):
                    yield value
                waiting.extend(held for held in value.values() if isinstance(held, (dict, list)))
            elif isinstance(value, list):
                waiting.extend(held for held in value if isinstance(held, (dict, list)))


def _object(cursor: Cursor, members: list[Member], name: str) -> dict[str, Any]:
    member = next((member for member in members if member.name == name), None)
    if member is None:
        raise ReaderError(f"it has no {name}")
    return small_object(contents(cursor, member), _CONFIG_LIMIT)
