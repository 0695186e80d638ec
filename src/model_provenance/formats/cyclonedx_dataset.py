"""Datasets in CycloneDX: components of type `data` (definitions.componentData)."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.sbom import DatasetEntry
from model_provenance.formats.cyclonedx_parts import PREFIX, dataset_ref, entity, given, hashes, licenses, properties


def dataset_component(dataset: DatasetEntry) -> dict[str, Any]:
    """What the schema has a place for stands there; every declaration is a property, too."""
    notes, maker = dict(dataset.notes), dataset.card.originator
    sensitivity = notes.get("sensitivity", "none")
    data = {
        "type": "dataset",
        "name": dataset.name,
        **given(
            contents=given(url=dataset.url),
            classification=dataset.card.confidentiality,
            sensitiveData=[] if sensitivity.lower() == "none" else [sensitivity],
            description=notes.get("notes"),
        ),
    }
    return {
        "type": "data",
        "bom-ref": dataset_ref(dataset),
        "name": dataset.name,
        **given(version=dataset.version, hashes=hashes(dataset.digest)),
        **given(manufacturer=entity(maker) if maker else None),
        **licenses([dataset.license] if dataset.license else [], None),
        "data": [data],
        "properties": properties(
            [
                (f"{PREFIX}:known", str(dataset.origin)),
                *((f"{PREFIX}:dataset:{name}", value) for name, value in dataset.notes),
            ]
        ),
    }
