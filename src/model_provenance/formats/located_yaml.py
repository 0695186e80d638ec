"""A small, safe part of YAML with places: built from parser events, so that bounds hold before anything is expanded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.located import Located, Path, Place, is_integer
from model_provenance.formats.yaml_events import DIRECTIVE_LIMIT, directive_beyond, events_of

_PLAIN = {"true": True, "false": False, "null": None, "~": None, "": None}


def parse_yaml(text: str, document: Located) -> None:
    """Fill `document` from `text`; raises `manifest.syntax`, `manifest.yaml` or `manifest.limit` with the place."""
    beyond = directive_beyond(text)
    if beyond is not None:
        line = text.count("\n", 0, beyond) + 1
        raise document.stop(
            "manifest.limit", f"it has more than {DIRECTIVE_LIMIT} lines that begin with %", Place(line, 1)
        )
    try:
        _Builder(document, events_of(text)).build()
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, text, document) from error
    except yaml.reader.ReaderError as error:
        raise _unprintable(text, document) from error
    if not document.places:
        raise document.stop("manifest.syntax", "the manifest is empty", Place(1, 1))


class _Builder:
    """Recursive descent over the events; `Located.enter` bounds depth and number of values."""

    def __init__(self, document: Located, events: Iterator[Any]) -> None:
        self.document = document
        self.events = events
        #: anchor -> (value, how many values it holds)
        self.anchors: dict[str, tuple[Any, int]] = {}

    def build(self) -> None:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.document.value = self.read(next(self.events), ())
                break
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise self.document.stop("manifest.yaml", "the file holds a second YAML document", _place(event))

    def read(self, event: Any, path: Path) -> Any:
        place = _place(event)
        if isinstance(event, yaml.AliasEvent):
            return self.read_alias(event, path, place)
        self.document.enter(path, place)
        if event.tag is not None:
            self.document.problem("manifest.yaml", f"the tag `{shown(event.tag, 80)}` is not allowed", place)
        before = self.document.nodes
        if isinstance(event, yaml.MappingStartEvent):
            value: Any = self.read_mapping(path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self.read_sequence(path)
        else:
            value = self.scalar(event, place)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, self.document.nodes - before + 1)
        return value

    def read_alias(self, event: Any, path: Path, place: Place) -> Any:
        """An alias counts as all that it repeats: a small file cannot become a large value."""
        if event.anchor not in self.anchors:
            name = shown(event.anchor, 80)
            raise self.document.stop("manifest.yaml", f"the alias `*{name}` has no finished anchor before it", place)
        value, size = self.anchors[event.anchor]
        self.document.enter(path, place, size)
        return value

    def read_mapping(self, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.read_key(event, path)
            result[key] = self.read(next(self.events), (*path, key))
        return result

    def read_key(self, event: Any, path: Path) -> str:
        place = _place(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self.document.stop("manifest.key", "a key is not text but a list, a mapping or an alias", place)
        value = self.scalar(event, place)
        if event.tag is not None or not isinstance(value, str):
            self.document.problem("manifest.key", f"the key `{shown(event.value, 80)}` is not text", place)
        # The text as written stands in for such a key, so that the rest can still be checked.
        self.document.key((*path, event.value), place)
        return str(event.value)

    def read_sequence(self, path: Path) -> list[Any]:
        result: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            result.append(self.read(event, (*path, len(result))))
        return result

    def scalar(self, event: Any, place: Place) -> Any:
        text: str = event.value
        plain, _ = event.implicit
        if not plain:
            return text
        if text in _PLAIN:
            return _PLAIN[text]
        return self.document.integer(text, place) if is_integer(text) else text


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _unprintable(text: str, document: Located) -> ModelProvenanceError:
    """The two readers count positions differently (bytes, characters), so the place is looked up again."""
    match = yaml.reader.Reader.NON_PRINTABLE.search(text)
    offset, character = (match.start(), f" U+{ord(match[0]):04X}") if match else (0, "")
    place = Place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
    return document.stop("manifest.syntax", f"not valid YAML: a control character{character} stands in it", place)


def _syntax(error: yaml.MarkedYAMLError, text: str, document: Located) -> ModelProvenanceError:
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if "\t" in line[: place.column]:
        return document.stop("manifest.syntax", "not valid YAML: a tab stands where only spaces may", place)
    parts = [part for part in (error.context, error.problem) if part]
    return document.stop("manifest.syntax", f"not valid YAML: {shown(', '.join(parts))}", place)
