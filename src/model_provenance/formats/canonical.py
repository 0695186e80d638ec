"""JSON in and out: strict bounded parsing, RFC 8785 for what is signed, a stable readable form for what people open."""

from __future__ import annotations

import json
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any

import rfc8785

from model_provenance.errors import ModelProvenanceError

#: Largest integer that every JSON implementation keeps exactly (RFC 8785, section 3.2.2.3).
_MAX_SAFE_INTEGER = 2**53 - 1


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value; what our statements and digests are made of."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ModelProvenanceError("internal.error", f"a value has no canonical JSON form: {error}") from error


def document(value: Any) -> bytes:
    """Readable and byte-stable: sorted keys, two spaces, UTF-8, one newline at the end.

    For files that people open (manifest, SBOMs). Numbers are integers: the shortest form of a float differs by
    language.
    The bytes are those of `json.dumps(indent=2, sort_keys=True, ensure_ascii=False)`, whose indenting form is too slow
    for an SBOM of 10,000 files.
    """
    parts: list[str] = []
    _write(value, "\n", parts.append)
    parts.append("\n")
    return "".join(parts).encode()


def parse_json(
    data: bytes, *, what: str, limit: int, code: str, depth: int = 64, real: Callable[[str], float] = float
) -> Any:
    """Parse hostile JSON: at most `limit` bytes, UTF-8, no duplicate keys, no NaN, nesting at most `depth`.

    `what` names the document in the message, `code` is the error code to raise. `real` makes a number with a
    fraction or an exponent.
    """
    if len(data) > limit:
        raise ModelProvenanceError(code, f"{what} is {len(data)} bytes, more than the {limit} that are read")
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=real
        )
    except RecursionError as error:
        raise ModelProvenanceError(code, f"{what} is nested too deeply") from error
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise ModelProvenanceError(code, f"{what} is not valid JSON: {error}") from error
    _check_depth(value, depth, what, code)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                msg = f"the key {key[:80]!r} stands twice in one object"
                raise ValueError(msg)
            seen.add(key)
    return result


def _no_constant(text: str) -> None:
    msg = f"{text} is not JSON"
    raise ValueError(msg)


def _check_depth(value: Any, depth: int, what: str, code: str) -> None:
    level = [value]
    for _ in range(depth):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise ModelProvenanceError(code, f"{what} is nested more than {depth} levels deep")


def _write(value: Any, newline: str, add: Callable[[str], None]) -> None:
    """Add the readable form of `value`; `newline` is a line break with the indentation of its container."""
    inner = newline + "  "
    if isinstance(value, str):
        add(encode_basestring(value))
    elif isinstance(value, dict):
        before = "{" + inner
        for key in sorted(value):
            add(f"{before}{encode_basestring(key)}: ")
            _write(value[key], inner, add)
            before = "," + inner
        add(newline + "}" if value else "{}")
    elif isinstance(value, (list, tuple)):
        before = "[" + inner
        for child in value:
            add(before)
            _write(child, inner, add)
            before = "," + inner
        add(newline + "]" if value else "[]")
    elif value is None or isinstance(value, bool):
        add({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, int) and abs(value) <= _MAX_SAFE_INTEGER:
        add(int.__repr__(value))
    else:
        msg = f"documents hold strings and integers up to 2^53-1, not {value!r}"
        raise TypeError(msg)
