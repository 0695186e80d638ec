"""Bounds on what is kept from a file: facts go into SBOMs and on screens, so they are short, clean and plain JSON."""

from __future__ import annotations

import re
from typing import Any

from model_provenance.readers.cursor import ReaderError

#: Control characters, bidirectional controls and lone surrogates. A fixed set, not Unicode's categories, which differ
#: between Python versions and would make the same file give different facts.
_UNCLEAN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")

_TEXT_LIMIT = 512
_LIST_LIMIT = 64
_DEPTH_LIMIT = 4
_MAX_SAFE_INTEGER = 2**53 - 1


def text(value: object, limit: int = _TEXT_LIMIT) -> str | None:
    """A clean string of at most `limit` characters, or None where the value is no string or holds nothing."""
    if not isinstance(value, str):
        return None
    clean = _UNCLEAN.sub(" ", value[: limit + 1]).strip()
    return clean if len(clean) <= limit else clean[:limit] + "…"


def texts(value: object, what: str, limit: int = 1000) -> tuple[str, ...]:
    """One string or a list of strings as a tuple without repetitions, in order. Other members are left out."""
    members = value if isinstance(value, list) else [value]
    if len(members) > limit:
        raise ReaderError(f"it names {len(members)} {what}, more than the {limit} that are read")
    return tuple(dict.fromkeys(clean for member in members if (clean := text(member))))


def integer(value: object) -> int | None:
    """A number that every JSON implementation keeps exactly, or None."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_SAFE_INTEGER:
        return value
    return None


def plain(value: Any, depth: int = 0) -> Any:
    """A bounded copy of a JSON value: no floats (their text instead), short strings, short lists, few levels.

    What is cut says so in its place, so that an excerpt is not taken for the whole.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value) or ""
    if isinstance(value, int):
        return value if abs(value) <= _MAX_SAFE_INTEGER else hex(value)[:_LIST_LIMIT]
    if isinstance(value, float):
        return repr(value)
    if depth == _DEPTH_LIMIT:
        return "…"
    more = f"… {len(value) - _LIST_LIMIT} more"
    if isinstance(value, dict):
        pairs = list(value.items())[:_LIST_LIMIT]
        copy = {text(key) or "": plain(child, depth + 1) for key, child in pairs}
        return copy if len(value) <= _LIST_LIMIT else {**copy, "…": more}
    members = [plain(child, depth + 1) for child in value[:_LIST_LIMIT]]
    return members if len(value) <= _LIST_LIMIT else [*members, more]


def chosen(values: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """Those of `keys` that have a value, made plain."""
    return {key: plain(values[key]) for key in keys if values.get(key) is not None}
