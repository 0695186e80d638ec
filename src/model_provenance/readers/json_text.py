"""JSON of hostile files: small documents whole, large ones by walking over the text without building it.

`json.loads` makes up to thirty bytes of objects from one byte of text, so whole documents are bounded by their
structure, not by their length alone. What is larger (tokenizers, shard indexes) goes through `JsonWalk`.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json
from model_provenance.readers.cursor import Cursor, ReaderError

_PIECE = 1 << 16
#: Braces, brackets, commas and colons: each is one object or less, about 100 bytes at most.
_STRUCTURE_LIMIT = 300_000
#: In a part of a large document, which is in memory, too. Gemma 3 has 6,400 added tokens: 100,000.
_PART_STRUCTURE_LIMIT = 150_000
#: Numbers that long make `int()` quadratic where the interpreter's own limit is switched off.
_LONG_NUMBER = re.compile(rb"[0-9]{1000}")

# Patterns are written as text and compiled as bytes, so that they can be put together.
SPACE = r"[ \t\n\r]*"
#: The inside of a string of bounded length. Repetitions are bounded because the matcher keeps a record of each.
STRING_BODY = r'[^"\\\x00-\x1f]{0,4096}(?:\\[^\x00-\x1f][^"\\\x00-\x1f]{0,4096}){0,256}'

_SPACE = re.compile(SPACE.encode())
_SCALAR = re.compile(rb"-?(?:0|[1-9][0-9]{0,40})(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,5})?|true|false|null")
_STRING_PART = re.compile(rb'[^"\\\x00-\x1f]*(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*){0,256}')
# Scalars and strings without escapes, and short lists of them: the bulk of every large file, skipped by the matcher.
_PLAIN = r'[^"\[\]{}]*'
_QUOTED = r'"[^"\\\x00-\x1f]*"'
_FLAT = re.compile(rf"(?:{_PLAIN}{_QUOTED}|{_PLAIN}\[(?:{_PLAIN}{_QUOTED}){{0,8}}{_PLAIN}\]){{0,256}}{_PLAIN}".encode())
_SPACE_CHARACTER = 0x20
_DEPTH_LIMIT = 128
#: Turns of the walk's own loop, so that the time is bounded whatever the structure.
_STEP_LIMIT = 700_000
_LIST_LIMIT = 2_000_000
_STRING_LIMIT = 5_000_000
#: Members of an object whose keys are handed out, and the length of such a key: the others are skipped.
_MEMBER_LIMIT = 10_000
_KEY_LIMIT = 1024


def small_json(
    data: bytes, limit: int, structure_limit: int = _STRUCTURE_LIMIT, real: Callable[[str], float] = float
) -> Any:
    """The value of a whole document; strict (no duplicate keys, no NaN), bounded in length, structure and depth.

    `real` makes a number with a fraction or an exponent.
    """
    if len(data) > limit:
        raise ReaderError(f"it is {len(data)} bytes, more than the {limit} that are read")
    structure = structure_of(data)
    if structure > structure_limit:
        raise ReaderError(f"it has {structure} members, more than the {structure_limit} that are read")
    if _LONG_NUMBER.search(data):
        raise ReaderError("it holds a number of a thousand digits or more")
    try:
        return parse_json(data, what="it", limit=limit, code="readers.unreadable", real=real)
    except ModelProvenanceError as error:
        raise ReaderError(shown(error.message, 300)) from error


def structure_of(data: bytes) -> int:
    """An upper bound of the objects that a document makes."""
    return sum(data.count(mark) for mark in (b"{", b"[", b",", b":"))


def small_object(cursor: Cursor, limit: int) -> dict[str, Any]:
    """The object that a whole small file holds."""
    if cursor.size > limit:
        raise ReaderError(f"it is {cursor.size} bytes, more than the {limit} that are read")
    value = small_json(cursor.take(cursor.remaining), limit)
    if not isinstance(value, dict):
        raise ReaderError("it is JSON, and not an object")
    return value


def decoded(body: bytes) -> str:
    """The text of a string whose bytes between the quotes are `body`."""
    try:
        if b"\\" not in body:
            return body.decode("utf-8")
        value = json.loads('"' + body.decode("utf-8") + '"')  # of bytes, it would first look for their encoding
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise ReaderError("a string is not valid UTF-8 JSON text") from error
    return str(value)


def check_utf8(data: bytes) -> None:
    """Raise `ReaderError` unless the bytes are UTF-8; in pieces, since text may take four times as much as its bytes."""
    state = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _PIECE):
            state.decode(data[start : start + _PIECE])
        state.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise ReaderError("a string is not valid UTF-8 JSON text") from error


def _end_of(pattern: re.Pattern[bytes], data: bytes, position: int) -> int:
    """Where the pattern stops matching; the position itself where it does not match at all."""
    found = pattern.match(data, position)
    return position if found is None else found.end()


class JsonWalk:
    """A position in JSON text that moves over values, builds only what is asked for, and counts what it skips."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        if data.count(b"[") > _LIST_LIMIT:
            raise ReaderError(f"it holds more than {_LIST_LIMIT} lists")
        if data.count(b'"') > 2 * _STRING_LIMIT:
            raise ReaderError(f"it holds more than {_STRING_LIMIT} strings")
        self._data = data
        self._steps = 0
        self.position = position

    def at_end(self) -> bool:
        """Whether only white space is left."""
        self._space()
        return self.position == len(self._data)

    def members(self) -> Iterator[str]:
        """The keys of the object at the position; the caller takes each value. A key that repeats is refused."""
        self._expect(b"{")
        seen: set[str] = set()
        if self._next() == b"}":
            self.position += 1
            return
        while True:
            key = self.string(_KEY_LIMIT)
            if key in seen:
                raise ReaderError(f"the key {shown(key, 80)!r} stands twice in one object")
            if len(seen) == _MEMBER_LIMIT:
                raise ReaderError(f"an object has more than the {_MEMBER_LIMIT} members that are read")
            seen.add(key)
            self._expect(b":")
            yield key
            mark = self._next()
            self.position += 1
            if mark == b"}":
                return
            if mark != b",":
                raise self._unexpected()

    def string(self, limit: int) -> str:
        """The string at the position, of at most `limit` bytes."""
        self._space()
        start = self.position
        self._skip_string()
        if self.position - start - 2 > limit:
            raise ReaderError(f"a string is longer than {limit} bytes")
        return decoded(self._data[start + 1 : self.position - 1])

    def value(self, limit: int, real: Callable[[str], float] = float) -> Any:
        """The value at the position, built as `small_json` does; its text is at most `limit` bytes."""
        self._space()
        start = self.position
        self.skip()
        return small_json(self._data[start : self.position], limit, _PART_STRUCTURE_LIMIT, real)

    def skip(self) -> int:
        """Move over the value at the position. How many strings it holds, keys included.

        Strings end and brackets match; what lies between is not looked at.
        """
        mark = self._next()
        if mark == b'"':
            self._skip_string()
            return 1
        if mark in (b"{", b"["):
            return self._skip_container()
        found = _SCALAR.match(self._data, self.position)
        if found is None:
            raise self._unexpected()
        self.position = found.end()
        return 0

    def _skip_container(self) -> int:
        data, closers, strings = self._data, bytearray(), 0
        while True:
            self._step()
            # The first bracket is never the matcher's: it would take a short list whole.
            end = self.position if not closers else _end_of(_FLAT, data, self.position)
            strings += data.count(b'"', self.position, end) // 2
            self.position = end
            mark = data[end : end + 1]
            if mark == b'"':
                self._skip_string()
                strings += 1
                continue
            if mark in (b"{", b"["):
                closers += b"}" if mark == b"{" else b"]"
                if len(closers) > _DEPTH_LIMIT:
                    raise ReaderError(f"it is nested more than {_DEPTH_LIMIT} levels deep")
            elif not mark or closers.pop() != mark[0]:
                raise self._unexpected()
            self.position += 1
            if not closers:
                return strings

    def _skip_string(self) -> None:
        self._expect(b'"')
        data = self._data
        while True:
            self._step()
            self.position = _end_of(_STRING_PART, data, self.position)
            mark = data[self.position : self.position + 1]
            if mark == b'"':
                self.position += 1
                return
            if self.position + 1 >= len(data):
                raise ReaderError("it ends inside a string")
            if mark != b"\\" or data[self.position + 1] < _SPACE_CHARACTER:
                raise ReaderError(f"a string holds a control character at byte {self.position}")

    def _space(self) -> None:
        self.position = _end_of(_SPACE, self._data, self.position)

    def _next(self) -> bytes:
        self._space()
        return self._data[self.position : self.position + 1]

    def _expect(self, mark: bytes) -> None:
        if self._next() != mark:
            raise self._unexpected()
        self.position += 1

    def _step(self) -> None:
        self._steps += 1
        if self._steps > _STEP_LIMIT:
            raise ReaderError("its structure is larger than what is read")

    def _unexpected(self) -> ReaderError:
        if self.position >= len(self._data):
            return ReaderError("it is JSON that ends early")
        return ReaderError(f"it is not valid JSON at byte {self.position}")
