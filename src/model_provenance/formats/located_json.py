"""Strict JSON (RFC 8259) with places. YAML's reader cannot do this: tabs and some escapes of JSON are not YAML."""

from __future__ import annotations

import re
from bisect import bisect_right
from json import JSONDecodeError, JSONDecoder
from typing import Any

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.located import Located, Path, Place, WrittenNumber

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*))((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")
_WORD = re.compile(r"[-+]?[A-Za-z_][A-Za-z0-9_]*")
_WORDS = {"true": True, "false": False, "null": None}
_NUMBER_LIMIT = 100
#: Called only where a quote stands: reads one string, refuses raw control characters.
_STRINGS = JSONDecoder(strict=True)


def parse_json(text: str, document: Located) -> None:
    """Fill `document` from `text`; raises `manifest.syntax` or `manifest.limit` with the place."""
    _Parser(text, document).parse()


class _Parser:
    """Recursive descent; `Located.enter` bounds the depth."""

    def __init__(self, text: str, document: Located) -> None:
        self.text = text
        self.document = document
        self.at = 0
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def parse(self) -> None:
        self.document.value = self.read(())
        self.skip()
        if self.at < len(self.text):
            raise self.stop("there is text after the end of the JSON value")

    def place(self, offset: int) -> Place:
        line = bisect_right(self.starts, offset)
        return Place(line, offset - self.starts[line - 1] + 1)

    def stop(self, message: str) -> ModelProvenanceError:
        return self.document.stop("manifest.syntax", f"not valid JSON: {message}", self.place(self.at))

    def skip(self) -> str:
        """The next character that is not blank; empty at the end."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def read(self, path: Path) -> Any:
        character = self.skip()
        self.document.enter(path, self.place(self.at))
        if character == "{":
            return self.read_object(path)
        if character == "[":
            return self.read_array(path)
        if character == '"':
            return self.read_string()
        return self.read_scalar(character)

    def read_object(self, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        self.at += 1
        if self.skip() == "}":
            self.at += 1
            return result
        while True:
            if self.skip() != '"':
                raise self.stop(self.expected("a key in double quotes"))
            place = self.place(self.at)
            key = self.read_string()
            self.document.key((*path, key), place)
            if self.skip() != ":":
                raise self.stop(self.expected("`:` after the key"))
            self.at += 1
            result[key] = self.read((*path, key))
            if self.ends("}"):
                return result

    def read_array(self, path: Path) -> list[Any]:
        result: list[Any] = []
        self.at += 1
        if self.skip() == "]":
            self.at += 1
            return result
        while True:
            result.append(self.read((*path, len(result))))
            if self.ends("]"):
                return result

    def ends(self, closing: str) -> bool:
        """Step over `closing` (True) or a comma with something after it (False)."""
        character = self.skip()
        if character not in (closing, ","):
            raise self.stop(self.expected(f"`,` or `{closing}`"))
        self.at += 1
        if character == closing:
            return True
        if self.skip() == closing:
            raise self.stop(f"a comma before `{closing}`")
        return False

    def read_string(self) -> str:
        try:
            value, self.at = _STRINGS.raw_decode(self.text, self.at)
        except JSONDecodeError as error:
            self.at = error.pos
            message = error.msg.removesuffix(" at").removesuffix(" starting")
            raise self.stop(message[0].lower() + message[1:]) from error
        return str(value)

    def read_scalar(self, character: str) -> Any:
        number = _NUMBER.match(self.text, self.at)
        if number:
            return self.read_number(number)
        word = _WORD.match(self.text, self.at)
        if word and word[0] in _WORDS:
            self.at = word.end()
            return _WORDS[word[0]]
        if character == "'":
            raise self.stop("text stands in double quotes")
        if word:
            raise self.stop(f"`{shown(word[0], 40)}` is not a JSON value")
        raise self.stop(self.expected("a value"))

    def read_number(self, number: re.Match[str]) -> Any:
        place = self.place(self.at)
        self.at = number.end()
        if self.text[self.at : self.at + 1].isalnum():
            raise self.stop("a number is followed by a letter or digit")
        if not number[2]:
            return self.document.integer(number[1], place)
        if len(number[0]) > _NUMBER_LIMIT:
            self.document.problem("manifest.number", f"a number is longer than {_NUMBER_LIMIT} characters", place)
            return 0
        return WrittenNumber(number[0])

    def expected(self, what: str) -> str:
        character = self.text[self.at : self.at + 1]
        if not character:
            return f"the file ends where {what} should stand"
        if self.text.startswith(("//", "/*", "#"), self.at):
            return "JSON has no comments"
        return f"`{shown(character)}` stands where {what} should be"
