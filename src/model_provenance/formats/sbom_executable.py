"""Which files an SBOM of ours says can run code when they are loaded: the same fact in three formats."""

from __future__ import annotations

from typing import Any

from model_provenance.formats.sbom_reading import malformed, object_of, objects_in, text_in

_NOTE = "; loading it can run code"
_PROPERTY = "model-provenance:can-execute-code"


def executable_of(document: Any) -> frozenset[str]:
    """Paths of files. Raises `sbom.malformed` for what is none of the formats that `release` writes."""
    root = object_of(document, "the SBOM")
    if "@graph" in root:
        files = [e for e in objects_in(root, "@graph", "the SBOM") if e.get("type") == "software_File"]
        return frozenset(text_in(file, "name", "a file") for file in files if _is_noted(file))
    if "spdxVersion" in root:
        packages = [p for p in objects_in(root, "packages", "the SBOM") if "packageFileName" in p]
        return frozenset(text_in(p, "packageFileName", "a file") for p in packages if _is_noted(p))
    if root.get("bomFormat") == "CycloneDX":
        models = [c for c in objects_in(root, "components", "the SBOM") if c.get("type") == "machine-learning-model"]
        parts = [part for model in models for part in objects_in(model, "components", "the model")]
        return frozenset(text_in(part, "name", "a file") for part in parts if _has_property(part))
    return malformed("the SBOM is in none of the formats that say which files can run code")


def _is_noted(element: dict[str, Any]) -> bool:
    return str(element.get("comment", "")).endswith(_NOTE)


def _has_property(component: dict[str, Any]) -> bool:
    """Any value: what is said about this property is that there is something to say."""
    return any(entry.get("name") == _PROPERTY for entry in objects_in(component, "properties", "a file"))
