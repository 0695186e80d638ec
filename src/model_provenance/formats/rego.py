"""What goes to `opa` and what comes back: its capabilities cut to what only computes, and the answer of a module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical, parse_json

#: The package that a module is asked for.
PACKAGE = "model_provenance"
OUTPUT_LIMIT = 1024 * 1024
_CODE = "policy.rego"
#: Whatever else may be marked in a later version, these reach out of the evaluation: to the network, to the environment
#: of the process, to the clock. The others that are marked answer differently each time.
_FORBIDDEN = frozenset({
    "http.send", "net.lookup_ip_addr", "opa.runtime", "rand.intn", "time.now_ns", "uuid.rfc4122", "json.match_schema",
    "json.verify_schema", "io.jwt.decode_verify", "io.jwt.encode_sign", "io.jwt.encode_sign_raw",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class RegoAnswer:
    """What a module says: whether it allows, which of its rules were evaluated, and what it has to say about it."""

    allow: bool
    evaluated: frozenset[str]
    reasons: tuple[str, ...]


def capabilities(current: bytes) -> bytes:
    """The capabilities of an `opa`, without functions that reach out of the evaluation, and without any host."""
    value = parse_json(current, what="what opa says it is capable of", limit=8 * OUTPUT_LIMIT, code=_CODE)
    builtins = value.get("builtins") if isinstance(value, dict) else None
    if not isinstance(builtins, list) or not builtins or not all(isinstance(entry, dict) for entry in builtins):
        raise ModelProvenanceError(_CODE, "opa does not say what it is capable of")
    kept = [
        entry for entry in builtins if entry.get("name") not in _FORBIDDEN and entry.get("nondeterministic") is not True
    ]
    return canonical({**value, "builtins": kept, "allow_net": []})


def answer_of(output: bytes) -> RegoAnswer:
    """The answer in what `opa eval` prints. Raises `policy.rego` for everything that is not exactly one."""
    value = parse_json(output, what="the answer of opa", limit=OUTPUT_LIMIT, code=_CODE)
    if isinstance(value, dict) and "errors" in value:
        raise _no_answer(_told(value["errors"]))
    found = _only(_only(value, "result"), "expressions").get("value")
    if not isinstance(found, dict):
        raise _no_answer(f"the package {PACKAGE} is not defined")
    allow = found.get("allow")
    if not isinstance(allow, bool):
        raise _no_answer("`allow` is not defined, or is neither true nor false")
    return RegoAnswer(allow, frozenset(_texts(found, "evaluated")), tuple(sorted(_texts(found, "reasons"))))


def _only(value: Any, key: str) -> dict[str, Any]:
    """The one entry of a list."""
    entries = value.get(key) if isinstance(value, dict) else None
    if not isinstance(entries, list) or len(entries) != 1 or not isinstance(entries[0], dict):
        raise _no_answer(f"the module has no value: opa gives no `{key}`")
    return entries[0]


def _told(errors: Any) -> str:
    """The first of the errors that opa has found, with its line."""
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    place = first.get("location")
    row = place.get("row") if isinstance(place, dict) else None
    line = f" (line {row})" if isinstance(row, int) else ""
    return shown(str(first.get("message", "opa ended with an error")), 300) + line


def _texts(value: dict[str, Any], key: str) -> Sequence[str]:
    """A list of texts; a rule that is not there has none, and whether that will do is not decided here."""
    entries = value.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise _no_answer(f"`{key}` is not a set of texts")
    return entries


def _no_answer(why: str) -> ModelProvenanceError:
    return ModelProvenanceError(_CODE, f"the module does not decide: {why}")
