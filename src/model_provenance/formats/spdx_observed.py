"""SPDX 2 as facts that can be derived again from the model."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.observed_sbom import ObservedSbom
from model_provenance.domain.package import Layout
from model_provenance.formats.sbom_identity import identity
from model_provenance.formats.sbom_reading import malformed, objects_in, text_in
from model_provenance.formats.spdx_reading import MODEL_REF, binding_of, files_of

MANIFEST = "(manifest)"
#: Kinds of packages that only the runner, Syft or `--environment` knows of.
_OF_THE_RUN = ("SPDXRef-Container-", "SPDXRef-Package-", "SPDXRef-BuildTool-")
_OF_THE_MODEL = ("SPDXRef-File-", "SPDXRef-Dataset-", "SPDXRef-BaseModel-")
_LICENSE = ("licenseDeclared", "licenseConcluded", "licenseComments")
_DECLARED = ("originator", "downloadLocation", "copyrightText")
#: Segments of the model's `sourceInfo` that only the runner knows.
_RUN_SEGMENTS = ("supplier ", "release commit ", "training commit ")


def observed(value: dict[str, Any]) -> ObservedSbom:
    """The facts, by the SPDX identifier and field that they stand in."""
    binding = binding_of(value)
    files_of(value)
    facts: dict[str, Any] = {}
    declared: set[str] = set()
    layout = Layout.RAW
    for package in objects_in(value, "packages", "the document"):
        ref = text_in(package, "SPDXID", "a package")
        if ref == MODEL_REF:
            layout = _model(package, facts, declared)
        elif not ref.startswith(_OF_THE_RUN):
            facts[ref] = {name: held for name, held in package.items() if name != "supplier"}
            if ref.startswith(_OF_THE_MODEL) and str(package.get("sourceInfo", "")).endswith(MANIFEST):
                declared.add(ref)
    _relations(value, facts, declared)
    facts["document"] = {key: value.get(key) for key in ("SPDXID", "dataLicense", "name", "spdxVersion")}
    unnamed = {key: held for key, held in value.items() if key != "documentNamespace"}
    right = str(value.get("documentNamespace", "")).endswith(f"-{identity(unnamed)}")
    version = "2.2" if value["spdxVersion"] == "SPDX-2.2" else "2.3"
    return ObservedSbom(
        f"spdx-json@{version}",
        binding.name,
        binding.version,
        layout,
        binding.package_digest,
        facts,
        frozenset(declared),
        right,
    )


def _model(model: dict[str, Any], facts: dict[str, Any], declared: set[str]) -> Layout:
    for name, held in model.items():
        if name not in ("supplier", "sourceInfo", "comment"):
            facts[f"{MODEL_REF}/{name}"] = held
    if MANIFEST in str(model.get("licenseComments", "")):
        declared.update(f"{MODEL_REF}/{name}" for name in _LICENSE)
    declared.update(f"{MODEL_REF}/{name}" for name in _DECLARED if model.get(name) != "NOASSERTION")
    known = str(model.get("sourceInfo", "")).split("; ")
    kept = [segment for segment in known if not segment.startswith(_RUN_SEGMENTS)]
    facts[f"{MODEL_REF}/sourceInfo"] = [segment for segment in kept if not segment.startswith("license ")]
    facts[f"{MODEL_REF}/sourceInfo/license"] = [segment for segment in kept if segment.startswith("license ")]
    comment = str(model.get("comment", ""))
    if comment.startswith("purpose: "):  # 2.2 has no other place for it
        facts[f"{MODEL_REF}/purpose"], _, comment = comment.partition("; ")
    first, _, rest = comment.partition("; ")
    facts[f"{MODEL_REF}/layout"], facts[f"{MODEL_REF}/comment"] = first, rest
    declared.add(f"{MODEL_REF}/comment")
    if f"{MODEL_REF}/licenseDeclared" in declared:
        declared.add(f"{MODEL_REF}/sourceInfo/license")
    return layout_of(first.removeprefix("layout: "))


def _relations(value: dict[str, Any], facts: dict[str, Any], declared: set[str]) -> None:
    for relation in objects_in(value, "relationships", "the document"):
        source, target = text_in(relation, "spdxElementId", "a relation"), text_in(relation, "relatedSpdxElement", "it")
        if not source.startswith(_OF_THE_RUN) and not target.startswith(_OF_THE_RUN):
            key = f"{source} {text_in(relation, 'relationshipType', 'a relation')} {target}"
            facts[key] = relation
            if {source, target} & declared:
                declared.add(key)


def layout_of(text: str) -> Layout:
    """The layout that a document names. Raises `sbom.malformed` where it names none of ours."""
    try:
        return Layout(text)
    except ValueError:
        malformed("the document does not say how the package is serialised")
