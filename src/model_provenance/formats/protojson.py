"""Protobuf messages in their JSON form, read strictly: no unknown field, no wrong type, everything bounded.

The rules are those of https://protobuf.dev/programming-guides/json/: lowerCamelCase names, 64-bit integers as strings,
bytes as base64, an absent or `null` field is the type's default. Where that page lets a reader be lenient (other
spellings of names, numbers that are not strings, URL-safe base64) no producer needs it, and two readers that differ are
an attack, so there is one spelling of everything.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,19})")
_INT64_MAX = 2**63 - 1


class Message:
    """One JSON object of which every field has been named by the reader. Anything else in it is refused."""

    def __init__(self, value: Any, fields: tuple[str, ...], *, path: str, code: str) -> None:
        self._path, self._code = path, code
        if not isinstance(value, dict):
            self.refuse("is not an object")
        unknown = sorted(set(value) - set(fields))
        if unknown:
            self.refuse(f"has an unknown field {shown(unknown[0], 80)!r}")
        self._value: dict[str, Any] = {name: item for name, item in value.items() if item is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._value

    def refuse(self, problem: str, field: str | None = None) -> NoReturn:
        """Raise this reader's error, naming the message or one field of it."""
        where = self._path if field is None else self._at(field)
        raise ModelProvenanceError(self._code, f"{where or 'the document'} {problem}")

    def string(self, name: str, *, limit: int, required: bool = True) -> str:
        """A text field of at most `limit` characters; the empty string where it may be absent and is."""
        value = self._value.get(name, "")
        if not isinstance(value, str):
            self.refuse("is not a string", name)
        if len(value) > limit:
            self.refuse(f"is longer than {limit} characters", name)
        if required and not value:
            self.refuse("is missing or empty", name)
        if not _encodes(value):
            self.refuse("is not valid Unicode", name)
        return value

    def data(self, name: str, *, limit: int, required: bool = True) -> bytes:
        """A bytes field of at most `limit` bytes; empty where it may be absent and is."""
        data = self._decoded(self._value.get(name, ""), name, limit)
        if required and not data:
            self.refuse("is missing or empty", name)
        return data

    def data_list(self, name: str, *, count: int, limit: int) -> tuple[bytes, ...]:
        """A repeated bytes field."""
        items = self._list(name, count)
        return tuple(self._decoded(item, f"{name}[{index}]", limit) for index, item in enumerate(items))

    def integer(self, name: str) -> int:
        """A 64-bit integer that cannot be negative; 0 where it is absent."""
        value = self._value.get(name, "0")
        if not isinstance(value, str) or not _INTEGER.fullmatch(value):
            self.refuse("is not a decimal integer in a string", name)
        number = int(value)
        if not 0 <= number <= _INT64_MAX or value.startswith("-"):
            self.refuse("is negative or too large", name)
        return number

    def message(self, name: str, *fields: str) -> Message:
        """A nested message that must be there."""
        if name not in self._value:
            self.refuse("is missing", name)
        return Message(self._value[name], fields, path=self._at(name), code=self._code)

    def messages(self, name: str, *fields: str, count: int) -> Iterator[Message]:
        """A repeated message, at most `count` of them."""
        for index, item in enumerate(self._list(name, count)):
            yield Message(item, fields, path=self._at(f"{name}[{index}]"), code=self._code)

    def one_of(self, *names: str) -> str:
        """Which field of a `oneof` is set: exactly one must be."""
        present = [name for name in names if name in self._value]
        if len(present) != 1:
            self.refuse(f"must have exactly one of {', '.join(names)}")
        return present[0]

    def _list(self, name: str, count: int) -> list[Any]:
        items = self._value.get(name, [])
        if not isinstance(items, list):
            self.refuse("is not a list", name)
        if len(items) > count:
            self.refuse(f"has more than {count} items", name)
        return items

    def _decoded(self, value: Any, name: str, limit: int) -> bytes:
        if not isinstance(value, str):
            self.refuse("is not a string", name)
        if len(value) > (limit + 2) // 3 * 4:
            self.refuse(f"is longer than {limit} bytes", name)
        try:
            text = value.encode("ascii")
            data = base64.b64decode(text, validate=True)
        except (UnicodeEncodeError, binascii.Error):
            self.refuse("is not standard base64", name)
        # Unused bits that are not zero would give one value several spellings.
        if base64.b64encode(data) != text:
            self.refuse("is not canonical base64", name)
        if len(data) > limit:
            self.refuse(f"is longer than {limit} bytes", name)
        return data

    def _at(self, field: str) -> str:
        return f"{self._path}.{field}" if self._path else field


def _encodes(text: str) -> bool:
    """False for lone surrogates, which JSON can spell and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
