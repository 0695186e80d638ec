"""Lenient steps into an SBOM that anybody may have written: a surprise is an absent fact, never an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_LIMIT = 200_000
#: What our writers put where a format demands a time and none is known.
_EPOCH = "1970-01-01T00:00:00Z"


def objects(value: Any, key: str) -> list[Mapping[str, Any]]:
    """The objects in the list under `key`."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return [entry for entry in found[:_LIMIT] if isinstance(entry, Mapping)] if isinstance(found, list) else []


def inner(value: Any, *keys: str) -> Any:
    """The value at the end of a path of keys; None where it breaks off."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def said(value: Any) -> str | None:
    """A text that says something."""
    return value if isinstance(value, str) and value.strip() not in ("", "NOASSERTION", "NONE", "UNKNOWN") else None


def time(value: Any) -> str | None:
    """A time that is one."""
    return None if value == _EPOCH else said(value)


def first(values: Iterable[Any]) -> Any:
    """The first value that is there."""
    return next((value for value in values if value), None)


def notes(text: Any) -> dict[str, str]:
    """`name: value; name: value` as our comments have it."""
    pairs = (part.partition(": ") for part in str(text or "").split("; "))
    return {name: value for name, between, value in pairs if between}


def ways(text: Any) -> dict[str, str]:
    """`fact how (where); …` as our `sourceInfo` has it."""
    pairs = (part.partition(" ") for part in str(text or "").split("; "))
    return {name: how for name, between, how in pairs if between}


#: Name of a fact in our documents -> path in a view.
PATHS = {
    "architecture": "model.architecture",
    "license": "model.license_declared",
    "name": "model.name",
    "parameters": "model.parameters",
    "supplier": "model.supplier",
    "task": "model.task",
    "version": "model.version",
}
_BY_HAND = (
    "model.intended",
    "model.prohibited",
    "model.metrics",
    "model.download",
    "model.policy",
    "datasets[].provenance",
    "datasets[].sensitivity",
    "datasets[].type",
    "datasets[].content",
    "datasets[].built",
    "datasets[].released",
    "datasets[].originator",
    "model.copyright",
    "model.creator_contact",
)
DECLARED = dict.fromkeys(_BY_HAND, "declared (manifest)")


def how(known: Mapping[str, str]) -> dict[str, str]:
    """The `how` of a view."""
    return {**DECLARED, **{PATHS[name]: text for name, text in known.items() if name in PATHS}}
