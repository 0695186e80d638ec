"""Values of a manifest, typed and bounded for an SBOM; one of another type than the schema asks for is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from model_provenance.domain.agents import Agent
from model_provenance.domain.digest import Digest
from model_provenance.domain.text import shown
from model_provenance.formats.licenses import web_address
from model_provenance.formats.manifest_forms import contact, moment

ENTRY_LIMIT = 1000
_TEXT_LIMIT = 500
_NAME_LIMIT = 300


def maps(value: Any, limit: int = ENTRY_LIMIT) -> list[Mapping[str, Any]]:
    """The objects in a list."""
    entries = value[:limit] if isinstance(value, (list, tuple)) else ()
    return [entry for entry in entries if isinstance(entry, Mapping)]


def texts(value: Any) -> tuple[str, ...]:
    """The texts in a list, or the one that stands there."""
    values: Sequence[Any] = (value,) if isinstance(value, str) else value if isinstance(value, (list, tuple)) else ()
    return tuple(held for held in (text(entry) for entry in values[:ENTRY_LIMIT]) if held)


def text(value: Any, limit: int = _TEXT_LIMIT) -> str | None:
    """A text on one line; None where there is none."""
    return shown(value, limit) or None if isinstance(value, str) else None


def written(value: Any) -> str:
    """Any value as text on one line."""
    held = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return shown(held, _TEXT_LIMIT)


def url(value: Any) -> str | None:
    """A web address that an SBOM may hold."""
    return web_address(value) if isinstance(value, str) else None


def digest(value: Any) -> Digest | None:
    """A digest in our form."""
    try:
        return Digest.parse(value) if isinstance(value, str) else None
    except ValueError:
        return None


def time(value: Any) -> str | None:
    """A day or a time, as a time: formats have no days, so a day is its first second."""
    if not isinstance(value, str) or moment(value) is not None:
        return None
    return value if "T" in value else f"{value}T00:00:00Z"


def agent(value: Any) -> Agent | None:
    """A person or an organisation with a name."""
    if not isinstance(value, Mapping):
        return None
    name = text(value.get("name"), _NAME_LIMIT)
    return None if name is None else Agent(name, reach(value.get("contact")), value.get("type") == "person")


def reach(value: Any) -> str | None:
    """An e-mail address or a web address that an SBOM may hold."""
    if not isinstance(value, str) or contact(value) is not None:
        return None
    return web_address(value) if value.startswith(("https://", "http://")) else value
