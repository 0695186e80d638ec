"""SPDX 3 as a view for `sbom check`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_provenance.formats.spdx3_profiles import profiles
from model_provenance.formats.view_parts import first, how, inner, notes, objects, said, time, ways

_PACKAGES = ("software_Package", "ai_AIPackage", "dataset_DatasetPackage")
_LINEAGE = ("trainedOn", "testedOn", "descendantOf", "hasHost", "usesTool", "hasInput")


def view(value: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a document of any generator. A profile counts as claimed only where it also holds."""
    graph = objects(value, "@graph")
    elements = {element.get("spdxId"): element for element in graph if isinstance(element.get("spdxId"), str)}
    packages = [element for element in graph if element.get("type") in _PACKAGES]
    document: Mapping[str, Any] = first(e for e in graph if e.get("type") == "SpdxDocument") or {}
    model: Mapping[str, Any] = first(e for e in graph if e.get("type") == "ai_AIPackage") or first(packages) or {}
    creation: Mapping[str, Any] = first(e for e in graph if e.get("type") == "CreationInfo") or {}
    agents = [elements.get(ref, {}) for ref in _texts(creation.get("createdBy"))]
    contacts = [i.get("identifier") for agent in agents for i in objects(agent, "externalIdentifier")]
    relations = [element for element in graph if "relationshipType" in element]
    # What the model came from is not a part that somebody supplies with it.
    lineage = {ref for r in relations if r.get("relationshipType") in _LINEAGE for ref in _texts(r.get("to"))}
    claimed = document.get("profileConformance")
    held = profiles(graph)
    return {
        "document": {
            "author": [agent.get("name") for agent in agents if agent.get("type") != "SoftwareAgent"]
            or [agent.get("name") for agent in agents],
            "author_contact": [said(contact) for contact in contacts if said(contact)],
            "tools": _texts(creation.get("createdUsing")),
            "timestamp": time(creation.get("created")),
            "identifier": said(document.get("spdxId")),
            "version": said(document.get("spdxId")),
            "format": "SPDX",
            "format_version": said(creation.get("specVersion")),
            "recent_format": True,
            "lifecycle": first(_texts(e.get("software_sbomType")) for e in graph if e.get("type") == "software_Sbom"),
            "relations": [r.get("spdxId") for r in relations if r.get("relationshipType") in ("contains", "dependsOn")],
            "completeness": [r.get("completeness") for r in relations if r.get("completeness")],
            "profiles": {name: name in held for name in _texts(claimed)},
        },
        "model": _model(model, elements, relations, graph),
        "components": [
            _component(package, elements, relations) for package in packages if package.get("spdxId") not in lineage
        ],
        "datasets": [
            _dataset(package, elements, relations)
            for package in packages
            if package.get("type") == "dataset_DatasetPackage"
        ],
        "base_models": [
            _component(elements[ref], elements, relations)
            for relation in relations
            if relation.get("relationshipType") == "descendantOf"
            for ref in _texts(relation.get("to"))
            if ref in elements
        ],
        "files": [
            {"name": said(e.get("name")), "digest": _hash(e, "sha256")}
            for e in graph
            if e.get("type") == "software_File"
        ],
        "how": how(ways(model.get("software_sourceInfo"))),
    }


def _component(
    package: Mapping[str, Any], elements: Mapping[Any, Mapping[str, Any]], relations: list[Mapping[str, Any]]
) -> dict[str, Any]:
    supplier = package.get("suppliedBy")
    return {
        "name": said(package.get("name")),
        "version": said(package.get("software_packageVersion")),
        "supplier": said(inner(elements.get(supplier) if isinstance(supplier, str) else None, "name")),
        "identifier": said(package.get("spdxId")),
        "digest": _hash(package, "sha256") or _hash(package, "sha512"),
        "license": first(_license(package, kind, elements, relations) for kind in ("Concluded", "Declared")),
    }


def _model(
    model: Mapping[str, Any],
    elements: Mapping[Any, Mapping[str, Any]],
    relations: list[Mapping[str, Any]],
    graph: list[Mapping[str, Any]],
) -> dict[str, Any]:
    parameters = {e.get("key"): e.get("value") for e in objects(model, "ai_hyperparameter")}
    builds = [element for element in graph if element.get("type") == "build_Build"]
    related = [r.get("relationshipType") for r in relations if r.get("from") == model.get("spdxId")]
    return {
        **_component(model, elements, relations),
        "identifier": said(model.get("software_packageUrl")),
        "sha512": _hash(model, "sha512"),
        "license_declared": _license(model, "Declared", elements, relations),
        "license_concluded": _license(model, "Concluded", elements, relations),
        "license_relations": {
            "declared": related.count("hasDeclaredLicense") == 1,
            "concluded": related.count("hasConcludedLicense") == 1,
        },
        "release_time": time(model.get("releaseTime")),
        "purpose": model.get("software_primaryPurpose") == "model",
        "architecture": first(_texts(model.get("ai_typeOfModel"))),
        "task": first(_texts(model.get("ai_domain"))),
        "parameters": parameters.get("observed:parameters"),
        "description": said(model.get("description")) or first(_texts(model.get("ai_typeOfModel"))),
        "intended": said(model.get("ai_informationAboutApplication")),
        "prohibited": said(model.get("ai_limitation")),
        "training": said(model.get("ai_informationAboutTraining")) or ("training" in [b.get("name") for b in builds]),
        "metrics": objects(model, "ai_metric"),
        "download": said(model.get("software_downloadLocation")),
        "source": [uri for build in builds for uri in _texts(build.get("build_configSourceUri"))],
        "software": [r for r in relations if r.get("relationshipType") in ("hasHost", "usesTool")],
        "references": objects(model, "externalIdentifier"),
    }


def _dataset(
    package: Mapping[str, Any], elements: Mapping[Any, Mapping[str, Any]], relations: list[Mapping[str, Any]]
) -> dict[str, Any]:
    url = said(package.get("software_downloadLocation"))
    comment = notes(package.get("comment"))
    return {
        **_component(package, elements, relations),
        "identifier": url or _hash(package, "sha256") or said(package.get("software_packageUrl")),
        "url": url,
        "type": _texts(package.get("dataset_datasetType")),
        "provenance": said(package.get("dataset_dataCollectionProcess")),
        "sensitivity": said(package.get("dataset_hasSensitivePersonalInformation")) or comment.get("sensitivity"),
        "description": comment.get("notes"),
    }


def _license(
    package: Mapping[str, Any],
    kind: str,
    elements: Mapping[Any, Mapping[str, Any]],
    relations: list[Mapping[str, Any]],
) -> str | None:
    for relation in relations:
        if relation.get("relationshipType") == f"has{kind}License" and relation.get("from") == package.get("spdxId"):
            for ref in _texts(relation.get("to")):
                text = said(inner(elements.get(ref), "simplelicensing_licenseExpression"))
                if text:
                    return text
    return None


def _hash(package: Mapping[str, Any], algorithm: str) -> str | None:
    found = (h.get("hashValue") for h in objects(package, "verifiedUsing") if h.get("algorithm") == algorithm)
    return said(first(found))


def _texts(value: Any) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []
