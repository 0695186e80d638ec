"""Data that a model was made or measured with: from the manifest, then what the model's own files name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from model_provenance.describe.sbom.lineage import MANIFEST
from model_provenance.describe.sbom.values import agent, digest, maps, text, texts, time, url, written
from model_provenance.domain.context import Known
from model_provenance.domain.dataset_card import AVAILABILITY, CONFIDENTIALITY, DATASET_TYPES, DatasetCard
from model_provenance.domain.facts import DatasetFact
from model_provenance.domain.sbom import DatasetEntry, Origin
from model_provenance.domain.text import shown, shown_name
from model_provenance.formats.licenses import resolve

_ENTRY_LIMIT = 10_000
_NOTE_LIMIT = 30
#: What the manifest's schema allows.
_NAME_LIMIT = 300
_DATASET_KEYS = frozenset({"name", "version", "digest", "license", "url"})


def datasets(manifest: Mapping[str, Any], found: Sequence[DatasetFact]) -> tuple[DatasetEntry, ...]:
    """The manifest's datasets, then those that only the model's files name; one entry a name."""
    entries: dict[str, DatasetEntry] = {}
    for value in maps(manifest.get("datasets"), _ENTRY_LIMIT):
        if isinstance(value.get("name"), str) and value["name"]:
            entry = _declared_dataset(value)
            entries.setdefault(entry.name, entry)
    for fact in found[:_ENTRY_LIMIT]:
        name = shown_name(fact.name, _NAME_LIMIT)
        if name:
            entries.setdefault(name, DatasetEntry(name, Origin(Known.DECLARED, shown(fact.source))))
    return tuple(entries.values())


def _declared_dataset(value: Mapping[str, Any]) -> DatasetEntry:
    license = value.get("license")
    notes = sorted((str(name), note) for name, note in value.items() if name not in _DATASET_KEYS)
    return DatasetEntry(
        name=shown(value["name"], _NAME_LIMIT),
        origin=MANIFEST,
        version=text(value.get("version"), _NAME_LIMIT),
        digest=digest(value.get("digest")),
        url=url(value.get("url")),
        license=resolve(license) if isinstance(license, str) else None,
        for_tests=value.get("purpose") in ("validation", "evaluation"),
        notes=tuple((shown(name, 60), _note(note)) for name, note in notes[:_NOTE_LIMIT]),
        card=_card(value),
    )


def _card(value: Mapping[str, Any]) -> DatasetCard:
    size = value.get("size_bytes")
    sensors = ((text(entry.get("name")), text(entry.get("calibration"))) for entry in maps(value.get("sensors")))
    return DatasetCard(
        types=tuple(word for word in texts(value.get("types")) if word in DATASET_TYPES),
        originator=agent(value.get("originated_by")),
        built=time(value.get("built")),
        released=time(value.get("released")),
        size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        preprocessing=texts(value.get("preprocessing")),
        anonymization=texts(value.get("anonymization")),
        known_bias=texts(value.get("known_bias")),
        noise=text(value.get("noise")),
        sensors=tuple((name, calibration or "not stated") for name, calibration in sensors if name),
        confidentiality=_one_of(CONFIDENTIALITY, value.get("confidentiality")),
        intended_use=text(value.get("intended_use")),
        availability=_one_of(AVAILABILITY, value.get("availability")),
        update_mechanism=text(value.get("update_mechanism")),
    )


def _one_of(words: frozenset[str], value: Any) -> str | None:
    return value if isinstance(value, str) and value in words else None


def _note(value: Any) -> str:
    """Lists of words as people write them, and an agent by its name; other objects as JSON."""
    if isinstance(value, (list, tuple)) and all(isinstance(entry, str) for entry in value):
        return written(", ".join(value))
    maker = agent(value)
    if maker is not None and set(value) <= {"name", "type", "contact"}:
        return f"{maker.name} ({maker.contact})" if maker.contact else maker.name
    return written(value)
