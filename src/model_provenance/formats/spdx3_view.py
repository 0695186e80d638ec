"""SPDX 3 as a view for `sbom check`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_provenance.formats.spdx3_profiles import profiles
from model_provenance.formats.view_parts import first, how, inner, notes, objects, said, time, ways

_PACKAGES = ("software_Package", "ai_AIPackage", "dataset_DatasetPackage")
#: The file that is handed on is none of the model's.
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
    relations = [element for element in graph if "relationshipType" in element]
    # What the model came from is not a part that somebody supplies with it.
    lineage = {ref for r in relations if r.get("relationshipType") in _LINEAGE for ref in _texts(r.get("to"))}
    claimed = document.get("profileConformance")
    held = profiles(graph)
    shipped = _distributed(relations, elements, model)
    return {
        "document": {
            "author": [agent.get("name") for agent in agents if agent.get("type") != "SoftwareAgent"]
            or [agent.get("name") for agent in agents],
            "author_contact": _contacts(_texts(creation.get("createdBy")), elements),
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
        "model": _model(model, elements, relations, graph) | _handed_on(model, shipped),
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
            if e.get("type") == "software_File" and e not in shipped
        ],
        "how": how(ways(model.get("software_sourceInfo"))),
    }


def _distributed(
    relations: list[Mapping[str, Any]], elements: Mapping[Any, Mapping[str, Any]], model: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The files that the model is handed on as."""
    return [
        elements[ref]
        for relation in relations
        if relation.get("relationshipType") == "hasDistributionArtifact" and relation.get("from") == model.get("spdxId")
        for ref in _texts(relation.get("to"))
        if ref in elements
    ]


def _handed_on(model: Mapping[str, Any], shipped: list[Mapping[str, Any]]) -> dict[str, Any]:
    structured = [
        p for e in shipped for p in _texts(e.get("software_additionalPurpose")) if p in ("container", "firmware")
    ]
    return {
        "file_name": said(first(e.get("name") for e in shipped)),
        "sha512": _hash(model, "sha512") or first(_hash(e, "sha512") for e in shipped),
        "structured": structured,
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
        "license_declared": _license(model, "Declared", elements, relations),
        "license_concluded": _license(model, "Concluded", elements, relations),
        "license_relations": {
            "declared": related.count("hasDeclaredLicense") == 1,
            "concluded": related.count("hasConcludedLicense") == 1,
        },
        "release_time": time(model.get("releaseTime")),
        "copyright": said(model.get("software_copyrightText")),
        "creator_contact": _contacts(_texts(model.get("originatedBy")), elements),
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
        "software": [
            r
            for r in relations
            if r.get("relationshipType") in ("hasHost", "usesTool")
            and any(elements.get(ref, {}).get("type") in _PACKAGES for ref in _texts(r.get("to")))
        ],
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
        "content": [word for word in _texts(package.get("dataset_datasetType")) if word != "noAssertion"],
        "built": time(package.get("builtTime")),
        "released": time(package.get("releaseTime")),
        "originator": [said(inner(elements.get(ref), "name")) for ref in _texts(package.get("originatedBy"))],
        "purpose": package.get("software_primaryPurpose") == "data",
        "license_relations": _one_license_each(package, relations),
        "provenance": said(package.get("dataset_dataCollectionProcess")),
        "sensitivity": said(package.get("dataset_hasSensitivePersonalInformation")) or comment.get("sensitivity"),
        "description": comment.get("notes"),
    }


def _one_license_each(package: Mapping[str, Any], relations: list[Mapping[str, Any]]) -> bool:
    related = [r.get("relationshipType") for r in relations if r.get("from") == package.get("spdxId")]
    return all(related.count(kind) == 1 for kind in ("hasDeclaredLicense", "hasConcludedLicense"))


def _contacts(refs: list[str], elements: Mapping[Any, Mapping[str, Any]]) -> list[str]:
    """E-mail and web addresses of these agents."""
    held = [entry for ref in refs for entry in objects(elements.get(ref), "externalIdentifier")]
    kinds = ("email", "urlScheme", "other")
    return [
        text
        for e in held
        if e.get("externalIdentifierType") in kinds and (text := said(e.get("identifier"))) is not None
    ]


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
