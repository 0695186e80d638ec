"""Small pieces of CycloneDX objects that several writers share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from model_provenance.domain.agents import Agent
from model_provenance.domain.digest import Digest
from model_provenance.domain.licenses import License
from model_provenance.domain.sbom import DatasetEntry, Origin
from model_provenance.formats.cyclonedx_reading import PREFIX

__all__ = ["PREFIX", "dataset_ref", "entity", "given", "hashes", "known", "licenses", "properties"]


def given(**fields: Any) -> dict[str, Any]:
    """The fields that have a value: an absent one says more than an empty one."""
    return {name: value for name, value in fields.items() if value}


def properties(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """A list of properties."""
    return [{"name": name, "value": value} for name, value in pairs]


def known(origin: Origin) -> tuple[str, str]:
    """The property that says how a fact is known."""
    return (f"{PREFIX}:known", str(origin))


def hashes(digest: Digest | None) -> list[dict[str, str]]:
    """`hashes` of a component whose digest may be unknown."""
    return [] if digest is None else [{"alg": "SHA-256", "content": digest.hex}]


def entity(agent: Agent) -> dict[str, Any]:
    """An organization of the schema, which has no persons in this place."""
    return {
        "name": agent.name,
        **given(url=[agent.url] if agent.url else [], contact=[{"email": agent.email}] if agent.email else []),
    }


def dataset_ref(dataset: DatasetEntry) -> str:
    """`bom-ref` of a dataset."""
    return f"dataset:{dataset.name}"


def licenses(stated: list[License], declared: str | None) -> Mapping[str, Any]:
    """A list of licences, or one expression: the schema takes no mixture (definitions.licenseChoice)."""
    if not stated:
        return {}
    if any(license.is_compound for license in stated):
        expression = declared or stated[0].expression
        return {"licenses": [{"expression": expression, "acknowledgement": "declared"}]}
    distinct = {license.expression: license for license in stated}
    return {"licenses": [{"license": _license(license)} for license in distinct.values()]}


def _license(license: License) -> dict[str, Any]:
    named = {"name": license.references[0][1]} if license.references else {"id": license.expression}
    return {
        **named,
        "acknowledgement": "declared",
        **given(url=license.url, properties=properties(_license_properties(license))),
    }


def _license_properties(license: License) -> Iterator[tuple[str, str]]:
    if license.references:
        yield f"{PREFIX}:license:reference", license.expression
    if license.ambiguous:
        yield f"{PREFIX}:license:ambiguous", license.written
    for restriction in license.restrictions:
        yield f"{PREFIX}:license:restriction", restriction.value
