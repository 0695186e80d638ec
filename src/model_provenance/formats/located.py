"""A parsed document with the place of every key and value, so that a finding can point at it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from model_provenance.domain.finding import Finding, failed
from model_provenance.domain.text import shown
from model_provenance.errors import CODES, ModelProvenanceError

#: Levels of nesting, and values including what aliases repeat.
DEPTH_LIMIT = 32
NODE_LIMIT = 50_000
_MAX_SAFE_INTEGER = 2**53 - 1
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a text, both counted from 1, columns in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


class WrittenNumber(float):
    """A number with a fraction or an exponent, as written: no two languages print a float alike."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> WrittenNumber:  # noqa: PYI034 - Self is not in the typing of Python 3.10
        """Compare as the float, print as `text`."""
        number = super().__new__(cls, text)
        number.text = text
        return number


@dataclass(slots=True)
class Located:
    """A parsed document. While it is built, `problems` collects what is wrong without ending the parse."""

    file_name: str
    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    problems: list[Finding] = field(default_factory=list)
    nodes: int = 0

    def location(self, path: Path, *, key: bool = False) -> str:
        """`file:line:column` of a value, or of its key; of the nearest parent for what came through an alias."""
        if key and path in self.keys:
            return self.at(self.keys[path])
        while path and path not in self.places:
            path = path[:-1]
        return self.at(self.places[path]) if path in self.places else self.file_name

    def at(self, place: Place) -> str:
        """`file:line:column` of a place."""
        return f"{self.file_name}:{place}"

    def problem(self, code: str, message: str, place: Place, remedy: str = "") -> None:
        """Note something wrong and go on."""
        self.problems.append(failed(code, message, remedy=remedy or CODES[code].remedy, location=self.at(place)))

    def stop(self, code: str, message: str, place: Place, remedy: str | None = None) -> ModelProvenanceError:
        """The error for something after which nothing can be read."""
        return ModelProvenanceError(code, message, remedy=remedy, location=self.at(place))

    def enter(self, path: Path, place: Place, size: int = 1) -> None:
        """Count `size` values at `path`; raises `manifest.limit`."""
        self.nodes += size
        if self.nodes > NODE_LIMIT:
            raise self.stop("manifest.limit", f"the manifest holds more than {NODE_LIMIT} values", place)
        if len(path) > DEPTH_LIMIT:
            raise self.stop("manifest.limit", f"the manifest is nested more than {DEPTH_LIMIT} levels deep", place)
        self.places[path] = place

    def key(self, path: Path, place: Place) -> None:
        """Note a key; a second one of the same object is a finding."""
        if path in self.keys:
            name = shown(str(path[-1]), 80)
            self.problem("manifest.duplicate_key", f"the key `{name}` stands twice; first at {self.keys[path]}", place)
        else:
            self.keys[path] = place

    def integer(self, text: str, place: Place) -> int:
        """An integer that every JSON implementation keeps (RFC 8785, section 3.2.2.3); else a finding, and 0."""
        # The length comes first: int() of a long text is quadratic, and refused by Python above 4300 digits.
        if len(text) > len(str(_MAX_SAFE_INTEGER)) + 1 or abs(int(text)) > _MAX_SAFE_INTEGER:
            self.problem(
                "manifest.number", f"the number {shown(text, 40)} is beyond 2^53-1 and would be rounded", place
            )
            return 0
        return int(text)


def is_integer(text: str) -> bool:
    """Whether `text` is an integer as JSON writes it."""
    return _INTEGER.fullmatch(text) is not None
