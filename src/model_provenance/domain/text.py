"""Untrusted text made safe to show: names, card text, claims and annotations may hold control characters."""

from __future__ import annotations

import unicodedata

#: Control, format and surrogate characters, line and paragraph separators. Not the unassigned ones: which those are
#: differs from one Python to the next, and escaped names stand in digests.
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def unseen(text: str) -> str | None:
    """The first character of `text` that nobody sees: what `shown` escapes."""
    return next((character for character in text if unicodedata.category(character) in _ESCAPED), None)


def shown_name(name: str, limit: int = 200) -> str:
    """A name from somewhere else, `shown` in Unicode normal form C: two that look alike by their accents are one."""
    return shown(unicodedata.normalize("NFC", name), limit)


def shown(text: str, limit: int = 200) -> str:
    """`text` on one line, control and format characters escaped, cut to `limit` characters.

    Terminal escapes, newlines and bidirectional overrides in a file name or a claim would otherwise rewrite what an
    operator or a log viewer sees.
    """
    out = []
    for character in text[: limit + 1]:
        if unicodedata.category(character) in _ESCAPED:
            out.append(character.encode("unicode_escape", "backslashreplace").decode("ascii"))
        else:
            out.append(character)
    return "".join(out[:limit]) + "…" if len(out) > limit else "".join(out)
