"""SPDX 2 as a view for `sbom check`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_provenance.formats.view_parts import first, how, inner, notes, objects, said, time, ways


def view(value: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a document of any generator; what only our comments say is there only in ours."""
    packages = {package.get("SPDXID"): package for package in objects(value, "packages")}
    relations = [
        (entry.get("spdxElementId"), entry.get("relationshipType"), entry.get("relatedSpdxElement"))
        for entry in objects(value, "relationships")
    ]
    described = [target for _, kind, target in relations if kind == "DESCRIBES"]
    model = first(packages.get(target) for target in described) or first(packages.values()) or {}
    kinds = {source: kind for source, kind, _ in relations}
    bases = {target for _, kind, target in relations if kind == "DESCENDANT_OF"}
    # What the model came from is not a part that somebody supplies with it.
    lineage = bases | {source for source, kind, _ in relations if kind in ("DATA_FILE_OF", "TEST_OF", "BUILD_TOOL_OF")}
    other_files = [{**file, "name": file.get("fileName")} for file in objects(value, "files")]
    listed = [p for ref, p in packages.items() if "packageFileName" in p or p.get("primaryPackagePurpose") == "FILE"]
    creators = inner(value, "creationInfo", "creators")
    creators = [c for c in creators if isinstance(c, str)] if isinstance(creators, list) else []
    return {
        "document": {
            "author": [c for c in creators if not c.startswith("Tool:")] or creators,
            "tools": [c for c in creators if c.startswith("Tool:")],
            "timestamp": time(inner(value, "creationInfo", "created")),
            "identifier": said(value.get("documentNamespace")),
            "version": said(value.get("documentNamespace")),
            "format": "SPDX",
            "format_version": said(value.get("spdxVersion")),
            "lifecycle": "SBOM type" in str(inner(value, "creationInfo", "comment")),
            "relations": [entry for entry in relations if entry[1] in ("CONTAINS", "DEPENDS_ON")],
        },
        "model": _model(model),
        "components": [_component(package) for ref, package in packages.items() if ref not in lineage],
        "datasets": [
            _dataset(p)
            for ref, p in packages.items()
            if kinds.get(ref) in ("DATA_FILE_OF", "TEST_OF") or str(p.get("comment", "")).startswith("dataset")
        ],
        "base_models": [_component(packages[ref]) for ref in bases if ref in packages],
        "files": [_component(package) for package in listed] or other_files,
        "how": how(ways(model.get("sourceInfo"))),
    }


def _component(package: Mapping[str, Any]) -> dict[str, Any]:
    supplier = said(package.get("supplier")) or said(package.get("originator"))
    return {
        "name": said(package.get("name")),
        "version": said(package.get("versionInfo")),
        "supplier": supplier,
        "identifier": said(package.get("SPDXID")),
        "digest": _checksum(package, "SHA256") or _checksum(package, "SHA512"),
        "license": said(package.get("licenseConcluded")) or said(package.get("licenseDeclared")),
    }


def _model(package: Mapping[str, Any]) -> dict[str, Any]:
    about, comment = notes(package.get("description")), notes(package.get("comment"))
    purls = [r.get("referenceLocator") for r in objects(package, "externalRefs") if r.get("referenceType") == "purl"]
    source = str(package.get("sourceInfo", ""))
    return {
        **_component(package),
        "identifier": said(first(purls)),
        "sha512": _checksum(package, "SHA512"),
        "copyright": said(package.get("copyrightText")),
        "license_declared": said(package.get("licenseDeclared")),
        "license_concluded": said(package.get("licenseConcluded")),
        "architecture": about.get("architecture"),
        "task": about.get("task"),
        "parameters": about.get("parameters"),
        "description": said(package.get("description")),
        "intended": comment.get("intended use"),
        "prohibited": comment.get("prohibited use"),
        "training": "training commit" in source,
        "metrics": "evaluation " in str(package.get("comment", "")),
        "download": said(package.get("downloadLocation")),
        "source": "release commit" in source,
        "references": purls,
    }


def _dataset(package: Mapping[str, Any]) -> dict[str, Any]:
    comment = notes(package.get("comment"))
    url = said(package.get("downloadLocation"))
    digest = _checksum(package, "SHA256")
    return {
        **_component(package),
        "identifier": url or digest,
        "url": url,
        **{name: comment.get(name) for name in ("provenance", "sensitivity", "built", "released")},
        "type": comment.get("types"),
        "content": comment.get("types"),
        "originator": said(package.get("originator")),
        "description": comment.get("notes"),
    }


def _checksum(package: Mapping[str, Any], algorithm: str) -> str | None:
    found = (c.get("checksumValue") for c in objects(package, "checksums") if c.get("algorithm") == algorithm)
    return said(first(found))
