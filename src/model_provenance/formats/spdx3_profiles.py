"""Which SPDX 3 profiles a document may claim: what the specification asks for in words, and no schema enforces.

Spec 3.0.1: the pages of `AI/Classes/AIPackage` and `Dataset/Classes/DatasetPackage` have "External properties
restrictions", which raise the cardinality of properties that `Core/Artifact` and `Software/Package` leave optional; each
of the two needs exactly one declared and one concluded licence (`AI/AI`, `Dataset/Dataset`, "Profile conformance").
`Build/Build`, "Profile Conformance", asks for what went into each build, what came out, and who invoked it. A profile is
claimed only where every element of its class holds to all of that: one dataset of which less is known takes the claim
from all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Class -> properties that the profile of the class makes mandatory.
REQUIRED = {
    "ai_AIPackage": (
        "releaseTime",
        "suppliedBy",
        "software_downloadLocation",
        "software_packageVersion",
        "software_primaryPurpose",
    ),
    "dataset_DatasetPackage": (
        "builtTime",
        "originatedBy",
        "releaseTime",
        "software_downloadLocation",
        "software_primaryPurpose",
        "dataset_datasetType",
    ),
    "build_Build": ("build_buildType",),
}
_PROFILE = {"ai_AIPackage": "ai", "dataset_DatasetPackage": "dataset", "build_Build": "build"}
_LICENSED = ("ai_AIPackage", "dataset_DatasetPackage")
_PURPOSE = {"ai_AIPackage": "model", "dataset_DatasetPackage": "data"}
_ALWAYS = ("core", "software", "simpleLicensing")


def profiles(elements: Sequence[Mapping[str, Any]]) -> list[str]:
    """The profiles that these elements conform to; one without any element of its class is not claimed."""
    gaps = missing(elements)
    present = {element.get("type") for element in elements}
    claimed = [profile for kind, profile in _PROFILE.items() if kind in present and not gaps[kind]]
    return sorted([*_ALWAYS, *claimed])


def missing(elements: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Class -> mandatory properties and relationships that some element of it lacks."""
    licenses = _licenses(elements)
    gaps: dict[str, set[str]] = {kind: set() for kind in REQUIRED}
    for element in elements:
        kind = str(element.get("type"))
        if kind not in REQUIRED:
            continue
        gaps[kind].update(name for name in REQUIRED[kind] if not element.get(name))
        if kind == "dataset_DatasetPackage" and not _one(element.get("originatedBy")):
            gaps[kind].add("originatedBy")
        if kind == "build_Build":
            gaps[kind].update(_unrelated(elements, element.get("spdxId")))
        if kind in _PURPOSE and element.get("software_primaryPurpose") != _PURPOSE[kind]:
            gaps[kind].add("software_primaryPurpose")
        if kind in _LICENSED:
            held = licenses.get(element.get("spdxId"), [])
            gaps[kind].update(name for name in ("hasConcludedLicense", "hasDeclaredLicense") if held.count(name) != 1)
    return {kind: sorted(names) for kind, names in gaps.items()}


def _unrelated(elements: Sequence[Mapping[str, Any]], build: Any) -> set[str]:
    """Relationships that a build lacks; only those that are scoped to the build count, and a tool is an input."""
    held = {
        element.get("relationshipType")
        for element in elements
        if element.get("type") == "LifecycleScopedRelationship"
        and element.get("scope") == "build"
        and element.get("from") == build
        and element.get("to")
    }
    needed = {
        "hasInput": {"hasInput", "usesTool", "configures"},
        "hasOutput": {"hasOutput"},
        "invokedBy": {"invokedBy"},
    }
    return {name for name, ways in needed.items() if not ways & held}


def _one(value: Any) -> bool:
    """`originatedBy` of a dataset has a maximum, too."""
    return isinstance(value, list) and len(value) == 1


def _licenses(elements: Sequence[Mapping[str, Any]]) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = {}
    for element in elements:
        kind, targets = element.get("relationshipType"), element.get("to")
        if kind in ("hasConcludedLicense", "hasDeclaredLicense") and isinstance(targets, list):
            source = element.get("from")
            if isinstance(source, str):
                found.setdefault(source, []).extend([kind] * len(targets))
    return found
