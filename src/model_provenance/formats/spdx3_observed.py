"""SPDX 3 as facts that can be derived again from the model."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.observed_sbom import ObservedSbom
from model_provenance.domain.package import Layout
from model_provenance.formats.sbom_identity import identity
from model_provenance.formats.sbom_reading import objects_in, text_in
from model_provenance.formats.spdx3_graph import DRAFT
from model_provenance.formats.spdx3_reading import DISTRIBUTION_REF, MODEL_REF, binding_of, files_of
from model_provenance.formats.spdx_observed import MANIFEST, layout_of

_OF_THE_MODEL = ("#File-", "#Dataset-", "#BaseModel-")
#: Whom only the manifest names.
_OF_THE_MANIFEST = ("#Originator-",)
_OF_THE_RUN = (
    "#Supplier", "#Agent", "#Tool-", "#Publisher", "#Container-", "#Package-", "#BuildTool-", "#Release", "#Training",
    "#Sbom", "#Document", "#License-", "#LicenseText-",
)  # fmt: skip
#: Properties of the model that only the runner knows, and those that only the manifest declares.
_RUN = ("creationInfo", "suppliedBy", "releaseTime", "ai_informationAboutTraining", "software_sourceInfo", "comment")
_DECLARED = (
    "originatedBy", "software_downloadLocation", "software_copyrightText", "externalRef", "ai_metric",
    "ai_informationAboutApplication", "ai_limitation",
)  # fmt: skip
#: Hyperparameters that an author declares in the model's own files, where they are read again.
_AUTHORS = ("declared:quantized by", "declared:library", "declared:languages")
_LICENSES = ("hasDeclaredLicense", "hasConcludedLicense")


def observed(value: dict[str, Any]) -> ObservedSbom:
    """The facts, by the fragment of the element and the property that they stand in."""
    binding = binding_of(value)
    files_of(value)
    elements = [e for e in objects_in(value, "@graph", "the document") if e.get("type") != "CreationInfo"]
    base = next(e["spdxId"] for e in elements if e["type"] == "SpdxDocument").partition("#")[0]
    local = {e["spdxId"].removeprefix(base): _moved(e, base, "") for e in elements}
    facts: dict[str, Any] = {}
    declared: set[str] = set()
    expressions = {ref: e.get("simplelicensing_licenseExpression") for ref, e in local.items()}
    for ref, element in local.items():
        if ref.startswith(_OF_THE_RUN) or ref == f"#{MODEL_REF}" or "relationshipType" in element:
            continue
        facts[ref] = element
        if ref.startswith(_OF_THE_MODEL) and str(element.get("software_sourceInfo", "")).endswith(MANIFEST):
            declared.add(ref)
        if ref.startswith(_OF_THE_MANIFEST):
            declared.add(ref)
    model = local[f"#{MODEL_REF}"]
    layout = _model(model, facts, declared)
    if layout.is_archive:
        # What only the making of an archive shows; its digest is the package's, which is compared.
        facts.pop(f"#{DISTRIBUTION_REF}", None)
    for element in local.values():
        if "relationshipType" in element:
            _relation(element, expressions, facts, declared, of_manifest=MANIFEST in str(model.get("comment", "")))
    right = base.endswith(f"-{identity(_moved(value, base, DRAFT))}")
    return ObservedSbom(
        "spdx3-json", binding.name, binding.version, layout, binding.package_digest, facts, frozenset(declared), right
    )


def _model(model: dict[str, Any], facts: dict[str, Any], declared: set[str]) -> Layout:
    for name, held in model.items():
        if name not in (*_RUN, "ai_hyperparameter"):
            facts[f"{MODEL_REF}/{name}"] = held
    declared.update(f"{MODEL_REF}/{name}" for name in _DECLARED)
    for entry in objects_in(model, "ai_hyperparameter", "the model"):
        key = text_in(entry, "key", "a hyperparameter")
        facts[f"{MODEL_REF}/ai_hyperparameter/{key}"] = entry
        if not key.startswith("observed:") and key not in _AUTHORS:
            declared.add(f"{MODEL_REF}/ai_hyperparameter/{key}")
    known = str(model.get("software_sourceInfo", "")).split("; ")
    for segment in known:
        name = segment.partition(" ")[0]
        if name != "supplier":
            facts[f"{MODEL_REF}/known/{name}"] = segment
            if segment.endswith(MANIFEST):
                declared.add(f"{MODEL_REF}/known/{name}")
    first, _, rest = str(model.get("comment", "")).partition("; ")
    facts[f"{MODEL_REF}/layout"], facts[f"{MODEL_REF}/comment"] = first, rest
    declared.add(f"{MODEL_REF}/comment")
    return layout_of(first.removeprefix("layout: "))


def _relation(
    element: dict[str, Any],
    expressions: dict[str, Any],
    facts: dict[str, Any],
    declared: set[str],
    *,
    of_manifest: bool,
) -> None:
    source, kind = text_in(element, "from", "a relationship"), text_in(element, "relationshipType", "a relationship")
    if source.startswith(_OF_THE_RUN):
        return
    for target in element["to"] if isinstance(element.get("to"), list) else ():
        if str(target).startswith(_OF_THE_RUN) and kind not in _LICENSES:
            continue
        # A licence is what it says, not where it stands.
        meant = expressions.get(target) or target
        key = f"{source} {kind}" if kind in _LICENSES else f"{source} {kind} {meant}"
        facts[key] = [meant, *(element.get(name) for name in ("type", "completeness", "scope"))]
        if {source, target} & declared or (kind in _LICENSES and source == f"#{MODEL_REF}" and of_manifest):
            declared.add(key)


def _moved(value: Any, base: str, to: str) -> Any:
    """The same with every identifier of the document's own namespace moved to another one."""
    if isinstance(value, str):
        return to + value[len(base) :] if value.startswith(f"{base}#") else value
    if isinstance(value, list):
        return [_moved(entry, base, to) for entry in value]
    if isinstance(value, dict):
        return {name: _moved(held, base, to) for name, held in value.items()}
    return value
