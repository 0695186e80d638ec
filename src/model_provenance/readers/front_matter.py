"""YAML of model cards and of small files, built from parser events so that nothing but text can come of it.

No value is resolved: dates, numbers and booleans stay as they are written (`language: no` is Norwegian, not false).
Tags that construct objects, duplicate keys, deep nesting and large documents are refused; aliases share, never copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from model_provenance.domain.text import shown
from model_provenance.formats.yaml_events import DIRECTIVE_LIMIT, directive_beyond, events_of
from model_provenance.readers.cursor import ReaderError

SIZE_LIMIT = 1_000_000
_EVENT_LIMIT = 60_000
_DEPTH_LIMIT = 20
_ALIAS_LIMIT = 32
_FENCE = re.compile(rb"---[ \t]*\r?\n")
_END = re.compile(rb"^(?:---|\.\.\.)[ \t]*\r?$", re.MULTILINE)
_CORE_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp")
)
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))


def front_matter(data: bytes) -> dict[str, Any] | None:
    """The mapping between the first two `---` lines; None where the file does not begin with one."""
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    fence = _FENCE.match(data)
    if fence is None:
        return None
    end = _END.search(data, fence.end())
    if end is None:
        raise ReaderError(f"its front matter does not end within the {SIZE_LIMIT} bytes that are read")
    try:
        text = data[fence.end() : end.start()].decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReaderError("its front matter is not valid UTF-8") from error
    return _mapping(text)


def small_yaml(data: bytes) -> dict[str, Any]:
    """The mapping that a whole small file holds, within the same bounds."""
    if len(data) > SIZE_LIMIT:
        raise ReaderError(f"it is more than the {SIZE_LIMIT} bytes that are read")
    try:
        return _mapping(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ReaderError("it is not valid UTF-8") from error


def _mapping(text: str) -> dict[str, Any]:
    value = _Builder(text).document()
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ReaderError("it is YAML, and no mapping")
    return value


class _Builder:
    """Builds strings, lists and dicts from the events of one document."""

    def __init__(self, text: str) -> None:
        self._events = _events(text)
        #: Value and number of values in it, by anchor.
        self._anchors: dict[str | None, tuple[Any, int]] = {}
        self._aliases = 0
        #: Values met so far; those behind an alias count again, for whoever walks over the document meets them again.
        self._values = 0

    def document(self) -> Any:
        event = self._next()
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return None
        value = self._node(event, 0)
        self._next()
        if not isinstance(self._next(), yaml.StreamEndEvent):
            raise ReaderError("it is more than one YAML document")
        return value

    def _next(self) -> yaml.Event:
        try:
            return next(self._events)
        except StopIteration:
            return yaml.StreamEndEvent()

    def _node(self, event: yaml.Event, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor)
        if not isinstance(event, (yaml.ScalarEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            raise ReaderError("it is not valid YAML")
        if event.tag not in _CORE_TAGS and event.tag not in (None, "!"):
            raise ReaderError(f"it uses the tag {shown(event.tag, 80)!r}, and only plain values are read")
        if depth == _DEPTH_LIMIT:
            raise ReaderError(f"it is nested more than {_DEPTH_LIMIT} levels deep")
        before = self._values
        self._count(1)
        value = self._value(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = value, self._values - before
        return value

    def _value(self, event: yaml.Event, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return None if event.style is None and event.value in _NULLS else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self._members(yaml.SequenceEndEvent, depth))
        return self._mapping(depth)

    def _members(self, end: type[yaml.Event], depth: int) -> Iterator[Any]:
        while not isinstance(event := self._next(), end):
            yield self._node(event, depth + 1)

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        members = self._members(yaml.MappingEndEvent, depth)
        for key in members:
            if isinstance(key, (list, dict)):
                raise ReaderError("it has a key that is no text")
            if (name := key or "") in found:
                raise ReaderError(f"it has the key {shown(name, 80)!r} twice in one mapping")
            found[name] = next(members)
        return found

    def _alias(self, anchor: str | None) -> Any:
        self._aliases += 1
        if self._aliases > _ALIAS_LIMIT or anchor not in self._anchors:
            raise ReaderError(f"it uses more than {_ALIAS_LIMIT} aliases, or one that is not defined")
        value, values = self._anchors[anchor]
        self._count(values)
        return value

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > _EVENT_LIMIT:
            raise ReaderError(f"it has more than the {_EVENT_LIMIT} values that are read, aliases followed")


def _events(text: str) -> Iterator[yaml.Event]:
    if directive_beyond(text) is not None:
        raise ReaderError(f"it has more than the {DIRECTIVE_LIMIT} lines of directives that are read")
    try:
        for number, event in enumerate(events_of(text)):
            if number == _EVENT_LIMIT:
                raise ReaderError(f"it has more than the {_EVENT_LIMIT} values that are read")
            yield event
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 2}" if mark else ""
        raise ReaderError(f"it is not valid YAML{where}: {shown(str(problem))}") from error
    except (ValueError, OverflowError) as error:  # the pure Python scanner, on escapes that are no character
        raise ReaderError("it has an escape that is no character") from error
    except RecursionError as error:
        raise ReaderError("it is nested too deeply") from error
