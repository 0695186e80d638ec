"""Typed steps into a policy file: whatever is not exactly understood is an error with its place, never ignored."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import NoReturn, TypeVar

from model_provenance.domain.digest import Digest
from model_provenance.domain.moment import DAY, parse_day
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.load_located import load_located
from model_provenance.formats.located import Located, Path

T = TypeVar("T")
_TEXT_LIMIT = 2048
_LIST_LIMIT = 10_000
_AGE = re.compile(r"([1-9][0-9]{0,4})([hd])")
_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_SECONDS = {"h": 3600, "d": DAY}


class Node:
    """One value of the file and its place. Each mapping knows its keys: any other is refused."""

    def __init__(self, document: Located, path: Path, value: object) -> None:
        self._document, self._path, self.value = document, path, value

    def fail(self, why: str) -> NoReturn:
        """Refuse this value."""
        raise ModelProvenanceError("policy.invalid", why, location=self._document.location(self._path))

    @property
    def where(self) -> str:
        """Its place, as FILE:LINE:COLUMN."""
        return self._document.location(self._path)

    def mapping(self, *known: str) -> dict[str, Node]:
        """The children by key; a key that is not among `known` is an error."""
        if not isinstance(self.value, dict):
            self.fail(f"{self._name} is not a mapping")
        for key in self.value:
            if key not in known:
                where = self._document.location((*self._path, key), key=True)
                message = f"`{shown(str(key), 80)}` has no meaning in {self._name}; known are {', '.join(known)}"
                raise ModelProvenanceError("policy.unknown_key", message, location=where)
        return {key: Node(self._document, (*self._path, key), child) for key, child in self.value.items()}

    def items(self) -> tuple[Node, ...]:
        """The entries of a list."""
        if not isinstance(self.value, list) or len(self.value) > _LIST_LIMIT:
            self.fail(f"{self._name} is not a list of at most {_LIST_LIMIT}")
        return tuple(Node(self._document, (*self._path, n), child) for n, child in enumerate(self.value))

    def text(self) -> str:
        """One line of text."""
        if not isinstance(self.value, str) or not 0 < len(self.value) <= _TEXT_LIMIT or not self.value.isprintable():
            self.fail(f"{self._name} is not a line of text")
        return self.value

    def one_of(self, allowed: Collection[str]) -> str:
        """One of some words."""
        text = self.text()
        if text not in allowed:
            self.fail(f"{self._name} is `{shown(text, 80)}`; allowed are {', '.join(sorted(allowed))}")
        return text

    def texts(self, read: Callable[[Node], T]) -> frozenset[T]:
        """A list of distinct values, at least one: an empty list says nothing, and would be read as allowing nothing or all."""
        entries = [read(entry) for entry in self.items()]
        if not entries:
            self.fail(f"{self._name} is an empty list")
        if len(set(entries)) != len(entries):
            self.fail(f"{self._name} names something twice")
        return frozenset(entries)

    def flag(self) -> bool:
        """`true` or `false`."""
        if not isinstance(self.value, bool):
            self.fail(f"{self._name} is neither true nor false")
        return self.value

    def number(self, low: int, high: int) -> int:
        """A whole number within bounds."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not low <= self.value <= high:
            self.fail(f"{self._name} is not a number from {low} to {high}")
        return self.value

    def decimal(self) -> Decimal:
        """A number, exactly as it is written."""
        text = str(self.value) if isinstance(self.value, int) and not isinstance(self.value, bool) else self.value
        if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
            self.fail(f"{self._name} is not a number like 0.82")
        return Decimal(text)

    def digest(self) -> Digest:
        """`sha256:<hex>`."""
        try:
            return Digest.parse(self.text())
        except ValueError as error:
            self.fail(f"{self._name}: {error}")

    def seconds(self) -> int:
        """`180d` or `12h`."""
        match = _AGE.fullmatch(self.text())
        if match is None:
            self.fail(f"{self._name} is not a time like 180d or 12h")
        return int(match[1]) * _SECONDS[match[2]]

    def last_day(self) -> int:
        """A date, as Unix seconds of the end of that day in UTC."""
        begins = parse_day(self.text())
        if begins is None:
            self.fail(f"{self._name} is not a date like 2027-06-30")
        return begins + DAY

    @property
    def _name(self) -> str:
        return f"`{shown('.'.join(map(str, self._path)), 120)}`" if self._path else "the policy"


def root_of(data: bytes, file_name: str) -> Node:
    """The whole file; raises `policy.invalid` for one that cannot be parsed."""
    try:
        document = load_located(data, file_name)
    except ModelProvenanceError as error:
        raise _about_policy(error.message, error.location) from error
    for problem in document.problems:
        raise _about_policy(problem.message, problem.location)
    return Node(document, (), document.value)


def _about_policy(message: str, location: str | None) -> ModelProvenanceError:
    """The parser of documents that people write speaks of manifests, which is what it mostly reads."""
    return ModelProvenanceError("policy.invalid", message.replace("the manifest", "the policy"), location=location)
