"""Citations of CycloneDX 1.7: for every fact who says so, by JSON pointer (RFC 6901)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from model_provenance.domain.context import Known
from model_provenance.domain.sbom import Origin, SbomFacts
from model_provenance.formats.cyclonedx_parts import PREFIX

SUPPLIER_REF = "supplier"
_MODEL = "/components/0"
_PARAMETERS = f"{_MODEL}/modelCard/modelParameters"
#: Fact of the model as a whole -> where it stands.
_PLACES = {
    "architecture": f"{_PARAMETERS}/modelArchitecture",
    "files": f"{_MODEL}/components",
    "license": f"{_MODEL}/licenses",
    "model-type": f"{_PARAMETERS}/architectureFamily",
    "name": f"{_MODEL}/name",
    "supplier": f"{_MODEL}/supplier",
    "task": f"{_PARAMETERS}/task",
    "version": f"{_MODEL}/version",
}
#: Fact -> name of the property of the model card that it stands in.
_PROPERTIES = {
    "languages": "cdx:ai-ml:model:languages",
    "library": f"{PREFIX}:library",
    "parameters": "cdx:ai-ml:model:parameter:count",
    "quantization": "cdx:ai-ml:model:hyperparameter:quantization",
    "quantized-by": f"{PREFIX}:quantized-by",
    "tokenizer": "cdx:ai-ml:model:tokenizer",
}
_MANIFEST = Origin(Known.DECLARED, "manifest")


def tool_ref(name: str) -> str:
    """`bom-ref` of a tool."""
    return f"tool:{name}"


def citations(value: Mapping[str, Any], facts: SbomFacts, timestamp: str) -> list[dict[str, Any]]:
    """One citation for all that one source says in one way. The format demands a time: that of the document."""
    grouped: dict[tuple[str, str], list[str]] = {}
    files = {file.path for file in facts.files}
    for pointer, origin, tool in _said(value, facts):
        grouped.setdefault((_source(facts, files, origin, tool), str(origin)), []).append(pointer)
    return [
        {
            "bom-ref": f"citation:{number}",
            "pointers": pointers,
            "timestamp": timestamp,
            "attributedTo": who,
            "note": how,
        }
        for number, ((who, how), pointers) in enumerate(sorted(grouped.items()))
    ]


def _source(facts: SbomFacts, files: set[str], origin: Origin, tool: str | None) -> str:
    """Who supplied it: the tool that read it, the model's file that says it, or who released, by the manifest."""
    if tool is not None:
        return tool_ref(tool)
    if origin.source in files and origin.known is Known.DECLARED:
        return f"file:{origin.source}"
    if origin.known is Known.DECLARED and facts.supplier:
        return SUPPLIER_REF
    return tool_ref(facts.tools[0].name)


def _said(value: Mapping[str, Any], facts: SbomFacts) -> Iterator[tuple[str, Origin, str | None]]:
    """(pointer, how it is known, the tool beside ours that found it)."""
    model = value["components"][0]
    for name, origin in sorted(facts.origins.items()):
        pointer = _pointer(value, model, name)
        if pointer is not None and origin.known is not Known.UNKNOWN:
            yield pointer, origin, None
    datasets = len(facts.datasets)
    yield from ((f"/components/{1 + n}", entry.origin, None) for n, entry in enumerate(facts.datasets))
    for number, base in enumerate(facts.base_models):
        yield f"{_MODEL}/pedigree/ancestors/{number}", base.origin, None
    if facts.training_commit is not None:
        yield f"{_MODEL}/pedigree/commits/0", facts.training_commit.origin, None
    if facts.release_commit is not None:
        yield f"{_MODEL}/externalReferences/0", facts.release_commit.origin, None
    for number, container in enumerate(facts.containers):
        yield f"/formulation/0/components/{number}", container.origin, None
    for section in ("quantitativeAnalysis", "considerations"):
        if section in model["modelCard"]:
            yield f"{_MODEL}/modelCard/{section}", _MANIFEST, None
    for number in range(len(facts.packages)):
        yield f"/components/{1 + datasets + number}", Origin(Known.OBSERVED), facts.tools[-1].name


def _pointer(value: Mapping[str, Any], model: Mapping[str, Any], name: str) -> str | None:
    place = _PLACES.get(name)
    if place is not None:
        return place if resolves(value, place) else None
    found: Sequence[Mapping[str, str]] = model["modelCard"]["properties"]
    for number, entry in enumerate(found):
        if entry["name"] == _PROPERTIES.get(name):
            return f"{_MODEL}/modelCard/properties/{number}"
    return None


def resolves(value: Any, pointer: str) -> bool:
    """Whether a JSON pointer leads to something in `value`."""
    for step in pointer.split("/")[1:]:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return False
    return True
