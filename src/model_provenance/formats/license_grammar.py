"""SPDX licence expressions (spdx-spec v2.3, annex D): a parser of hostile text that gives their normal form."""

from __future__ import annotations

import re

from model_provenance.formats.spdx_identifiers import spdx_identifiers

REFERENCE = re.compile(r"LicenseRef-[0-9A-Za-z.-]{1,100}")
_TOKEN = re.compile(r"[()]|[^\s()]+")
#: Nested parentheses; nobody needs more, and each level costs stack.
_DEPTH_LIMIT = 20


class _NotAnExpressionError(Exception):
    """Never leaves this file."""


def normal_form(text: str) -> str | None:
    """Listed identifiers in their own spelling, operators in capitals, no needless parentheses; None for anything else.

    Order and repetition are kept: they are what the author wrote.
    """
    parser = _Parser(_TOKEN.findall(text))
    try:
        expression, _ = parser.alternatives(0)
    except _NotAnExpressionError:
        return None
    return expression if parser.at_end else None


class _Parser:
    """Recursive descent; each method gives (text, whether OR binds it outermost)."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._next = 0
        self._licenses, self._exceptions = spdx_identifiers()

    @property
    def at_end(self) -> bool:
        return self._next == len(self._tokens)

    def alternatives(self, depth: int) -> tuple[str, bool]:
        """Parts joined by OR, which binds least."""
        parts = [self._conjunction(depth)]
        while self._take("OR"):
            parts.append(self._conjunction(depth))
        return " OR ".join(text for text, _ in parts), len(parts) > 1 or parts[0][1]

    def _conjunction(self, depth: int) -> tuple[str, bool]:
        parts = [self._operand(depth)]
        while self._take("AND"):
            parts.append(self._operand(depth))
        if len(parts) == 1:
            return parts[0]
        return " AND ".join(f"({text})" if is_choice else text for text, is_choice in parts), False

    def _operand(self, depth: int) -> tuple[str, bool]:
        if self._take("("):
            if depth == _DEPTH_LIMIT:
                raise _NotAnExpressionError
            inner = self.alternatives(depth + 1)
            if not self._take(")"):
                raise _NotAnExpressionError
            return inner
        token = self._word()
        license = self._licenses.get(token.lower()) or (token if REFERENCE.fullmatch(token) else None)
        if license is None:
            raise _NotAnExpressionError
        if not self._take("WITH"):
            return license, False
        exception = self._exceptions.get(self._word().lower())
        if exception is None:
            raise _NotAnExpressionError
        return f"{license} WITH {exception}", False

    def _take(self, word: str) -> bool:
        """Step over `word`, where it is next; operators are also written in lower case."""
        if self.at_end or self._tokens[self._next].upper() != word:
            return False
        self._next += 1
        return True

    def _word(self) -> str:
        if self.at_end:
            raise _NotAnExpressionError
        self._next += 1
        return self._tokens[self._next - 1]
