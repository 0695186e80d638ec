"""Minimum elements: profiles are YAML beside this file, and this is the one evaluator.

A view is a JSON object of facts. A path names keys, `[]` every entry of a list: the fact is there when the list has
entries and each has it. `how` in a view says for a path how its value is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from model_provenance.domain.conformance import Conformance, Element, Presence, Profile, Verdict
from model_provenance.domain.text import shown

SCHEMA = "https://model-provenance.dev/schemas/conformance/v1"
PROFILES = ("minimum", "ntia", "ntia-2025", "bsi-tr-03183", "g7-ai", "spdx3-ai", "eu-gpai")
_NOTHING: tuple[Any, ...] = (None, False, "", [], {}, "NOASSERTION", "NONE")


@lru_cache(maxsize=len(PROFILES))
def profile(name: str) -> Profile:
    """One of `PROFILES`."""
    import yaml  # noqa: PLC0415 - 20 ms that `--help` need not pay

    text = files("model_provenance.formats").joinpath("profiles").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    value = yaml.safe_load(text)
    elements = tuple(
        Element(
            id=str(entry["id"]),
            name=str(entry["name"]),
            facts=tuple(entry["facts"]),
            required=entry["need"] == "required",
            add=str(entry["add"]),
        )
        for entry in value["elements"]
    )
    return Profile(name, value["title"], value["source"], elements)


def evaluate(wanted: Profile, view: Mapping[str, Any]) -> Conformance:
    """Judge a view. Pure; nothing about the view is trusted but its shape."""
    return Conformance(wanted, tuple(_judged(element, view) for element in wanted.elements))


def conformance_value(result: Conformance) -> dict[str, Any]:
    """`sbom check --format json`."""
    return {
        "schema": SCHEMA,
        "profile": result.profile.id,
        "title": result.profile.title,
        "source": result.profile.source,
        "conforms": result.holds,
        "met": result.met,
        "elements": [
            {
                "id": verdict.element.id,
                "name": verdict.element.name,
                "need": "required" if verdict.element.required else "recommended",
                "presence": verdict.presence.value,
                "where": verdict.where,
                "add": verdict.element.add if verdict.presence is Presence.ABSENT else "",
            }
            for verdict in result.verdicts
        ],
    }


def _judged(element: Element, view: Mapping[str, Any]) -> Verdict:
    how: Mapping[str, str] = view.get("how", {})
    told = []
    presence = Presence.PRESENT
    for path in element.facts:
        lacking = _lacking(view, path)
        if lacking is not None:
            return Verdict(element, Presence.ABSENT, lacking)
        known = how.get(path, "")
        told.append(f"{path}: {known}" if known else path)
        if known.startswith("declared"):
            presence = Presence.DECLARED
    return Verdict(element, presence, ", ".join(told))


def _lacking(view: Mapping[str, Any], path: str) -> str | None:
    """What keeps `path` from being there; None where it is."""
    without = [where for where, value in _values(view, path.split("."), "") if value in _NOTHING]
    if not without:
        return None
    more = f" and {len(without) - 1} more" if len(without) > 1 else ""
    return f"{shown(without[0], 120)}{more}"


def _values(value: Any, steps: list[str], where: str) -> Iterator[tuple[str, Any]]:
    if not steps:
        yield where, value
        return
    step, rest = steps[0], steps[1:]
    name = step.removesuffix("[]")
    here = f"{where}.{name}" if where else name
    held = value.get(name) if isinstance(value, Mapping) else None
    if not step.endswith("[]"):
        yield from _values(held, rest, here)
    elif not isinstance(held, list) or not held:
        yield here, None
    else:
        for number, entry in enumerate(held):
            label = entry.get("name", number) if isinstance(entry, Mapping) else number
            yield from _values(entry, rest, f"{here}[{label}]")
