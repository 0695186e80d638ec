"""CycloneDX as facts that can be derived again from the model."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.observed_sbom import ObservedSbom
from model_provenance.formats.cyclonedx_reading import MODEL_REF, PREFIX, binding_of, files_of
from model_provenance.formats.sbom_identity import identity
from model_provenance.formats.sbom_reading import malformed, object_of, objects_in, text_in
from model_provenance.formats.spdx_observed import MANIFEST, layout_of

_DECLARED_PROPERTIES = tuple(
    f"{PREFIX}:{part}:" for part in ("hyperparameter", "usage", "data-governance", "evaluation")
)
#: Fields of the model that only the runner knows, and those that are looked into one by one.
_RUN = (
    "supplier",
    "publisher",
    "manufacturer",
    "externalReferences",
    "components",
    "properties",
    "modelCard",
    "pedigree",
)


def observed(value: dict[str, Any]) -> ObservedSbom:
    """The facts, by the reference and the field that they stand in."""
    binding = binding_of(value)
    files_of(value)
    facts: dict[str, Any] = {}
    declared: set[str] = set()
    for component in objects_in(value, "components", "the document"):
        ref = text_in(component, "bom-ref", "a component")
        if ref == MODEL_REF:
            _model(component, facts, declared)
        elif component.get("type") != "library":
            facts[ref] = component
            if _of_manifest(component):
                declared.add(ref)
    for ref in _trained_on(value):
        facts[f"modelCard {ref}"] = ref
        if ref in declared:
            declared.add(f"modelCard {ref}")
    package = object_of(object_of(value.get("metadata"), "`metadata`").get("component"), "`metadata.component`")
    facts["package"] = {name: held for name, held in package.items() if name != "supplier"}
    for key in ("bomFormat", "specVersion", "$schema", "version", "compositions"):
        facts[key] = value.get(key)
    layouts = [
        p.get("value") for p in objects_in(package, "properties", "the package") if p["name"] == f"{PREFIX}:layout"
    ]
    if len(layouts) != 1:
        malformed("the document does not say how the package is serialised")
    unnamed = {key: held for key, held in value.items() if key != "serialNumber"}
    right = value.get("serialNumber") == f"urn:uuid:{identity(unnamed)}"
    return ObservedSbom(
        f"cyclonedx-json@{value['specVersion']}",
        binding.name,
        binding.version,
        layout_of(str(layouts[0])),
        binding.package_digest,
        facts,
        frozenset(declared),
        right,
    )


def _model(model: dict[str, Any], facts: dict[str, Any], declared: set[str]) -> None:
    for name, held in model.items():
        if name not in _RUN:
            facts[f"{MODEL_REF}/{name}"] = held
    declared.add(f"{MODEL_REF}/copyright")
    for file in objects_in(model, "components", "the model"):
        facts[f"file:{file.get('name')}"] = file
    for entry in objects_in(model, "properties", "the model"):
        name = text_in(entry, "name", "a property")
        if name == f"{PREFIX}:known:supplier":
            continue
        facts[f"{MODEL_REF}/{name}"] = entry
        if str(entry.get("value", "")).endswith(MANIFEST):
            declared.add(f"{MODEL_REF}/{name}")
            if name == f"{PREFIX}:known:license":
                declared.add(f"{MODEL_REF}/licenses")
    for reference in objects_in(model, "externalReferences", "the model"):
        if reference.get("type") == "model-card":
            facts[f"{MODEL_REF}/model-card {reference.get('url')}"] = reference
    pedigree = object_of(model.get("pedigree", {}), "`pedigree`")
    for base in objects_in(pedigree, "ancestors", "`pedigree`"):
        ref = text_in(base, "bom-ref", "an ancestor")
        facts[ref] = base
        if _of_manifest(base):
            declared.add(ref)
    _card(object_of(model.get("modelCard"), "`modelCard`"), facts, declared)


def _card(card: dict[str, Any], facts: dict[str, Any], declared: set[str]) -> None:
    parameters = object_of(card.get("modelParameters"), "`modelParameters`")
    facts["modelParameters"] = {name: held for name, held in parameters.items() if name != "datasets"}
    for number, entry in enumerate(objects_in(card, "properties", "`modelCard`")):
        name = text_in(entry, "name", "a property")
        if name.startswith(_DECLARED_PROPERTIES):
            key = f"modelCard/{name}/{number}"
            declared.add(key)
        else:
            key = f"modelCard/{name}"
        facts[key] = entry
    for section in ("quantitativeAnalysis", "considerations"):
        if section in card:
            facts[f"modelCard/{section}"] = card[section]
            declared.add(f"modelCard/{section}")


def _trained_on(value: dict[str, Any]) -> list[str]:
    """The datasets that the model card names, by reference."""
    model = next(c for c in objects_in(value, "components", "the document") if c.get("bom-ref") == MODEL_REF)
    parameters = object_of(object_of(model.get("modelCard"), "`modelCard`").get("modelParameters"), "`modelParameters`")
    return [text_in(entry, "ref", "a dataset") for entry in objects_in(parameters, "datasets", "`modelParameters`")]


def _of_manifest(component: dict[str, Any]) -> bool:
    known = [
        p.get("value") for p in objects_in(component, "properties", "a part") if p.get("name") == f"{PREFIX}:known"
    ]
    return any(str(value).endswith(MANIFEST) for value in known)
