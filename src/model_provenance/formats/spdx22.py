"""SPDX 2.2 JSON (ISO/IEC 5962:2021): the 2.3 document in the words of 2.2."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.evidence import Predicate, SbomDocument
from model_provenance.domain.sbom import SbomFacts
from model_provenance.formats.canonical import document
from model_provenance.formats.spdx import MEDIA_TYPE, NOASSERTION, build, named
from model_provenance.formats.spdx_reading import OLDER_VERSION

#: Fields that 2.3 added; the comment of a dataset says the same.
_LATER = ("builtDate", "releaseDate")
#: Mandatory in 2.2 (7.13, 7.15, 7.17), optional in 2.3.
_MANDATORY = ("licenseConcluded", "licenseDeclared", "copyrightText")


def render(facts: SbomFacts) -> SbomDocument:
    """`sbom.spdx.json` as 2.2: the same facts give the same bytes."""
    value = build(facts)
    value["spdxVersion"] = OLDER_VERSION
    value["packages"] = [_package(package) for package in value["packages"]]
    return SbomDocument("sbom.spdx.json", MEDIA_TYPE, Predicate.SPDX, document(named(value, facts)))


def _package(package: dict[str, Any]) -> dict[str, Any]:
    """2.2 has no purpose, which stands in the comment instead, and joins words by an underscore."""
    older = dict.fromkeys(_MANDATORY, NOASSERTION) | package
    purpose = older.pop("primaryPackagePurpose", None)
    for name in _LATER:
        older.pop(name, None)
    if purpose:
        older["comment"] = f"purpose: {purpose}" + (f"; {older['comment']}" if older.get("comment") else "")
    if "externalRefs" in older:
        older["externalRefs"] = [
            {**ref, "referenceCategory": ref["referenceCategory"].replace("-", "_")} for ref in older["externalRefs"]
        ]
    return older
