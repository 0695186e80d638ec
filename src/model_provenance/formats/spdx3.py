"""SPDX 3.0.1 JSON-LD with the AI, Dataset and Build profiles (spdx/spdx-3-model, tag 3.0.1): render the facts of a model.

The model is the one `ai_AIPackage`; base models are packages of purpose `model`, because what the AI profile demands
of an AI package is theirs to say. A profile is claimed only where it holds (`spdx3_profiles`).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from model_provenance.domain.evidence import Predicate, SbomDocument
from model_provenance.domain.files import Role
from model_provenance.domain.licenses import License
from model_provenance.domain.moment import rfc3339
from model_provenance.domain.sbom import SbomFacts
from model_provenance.formats.canonical import document
from model_provenance.formats.licenses import LIST_VERSION
from model_provenance.formats.sbom_identity import identity
from model_provenance.formats.spdx3_build import add_builds
from model_provenance.formats.spdx3_dataset import add_dataset
from model_provenance.formats.spdx3_distribution import add_distribution
from model_provenance.formats.spdx3_graph import CREATION_INFO, DRAFT, Graph, add_agent, hashes
from model_provenance.formats.spdx3_licenses import add_expression, add_licenses
from model_provenance.formats.spdx3_model import add_model
from model_provenance.formats.spdx3_profiles import profiles
from model_provenance.formats.spdx3_reading import CONTEXT, VERSION, binding_of, files_of

__all__ = ["MEDIA_TYPE", "binding_of", "files_of", "render"]

MEDIA_TYPE = "application/spdx+json"
_NAMESPACE = "https://model-provenance.dev/spdx3"
#: Elements that a software BOM does not list: who and what made it.
_NOT_LISTED = ("Organization", "Person", "SoftwareAgent", "Tool")


def render(facts: SbomFacts) -> SbomDocument:
    """`sbom.spdx3.json`: the same facts give the same bytes. Its namespace follows from what it says."""
    name = f"{quote(facts.name, safe='')}-{quote(facts.version, safe='')}"
    base = f"{_NAMESPACE}/{name}-{identity(_document(facts, DRAFT))}"
    return SbomDocument("sbom.spdx3.json", MEDIA_TYPE, Predicate.SPDX3, document(_document(facts, base)))


def _document(facts: SbomFacts, base: str) -> dict[str, Any]:
    graph = Graph(base)
    agents, tools = _makers(graph, facts)
    supplier = agents[0] if facts.supplier else None
    time = rfc3339(facts.epoch or 0)
    model = add_model(graph, facts, supplier=supplier, released=None if facts.epoch is None else time)
    _files(graph, facts, model)
    add_distribution(graph, facts, model)
    add_licenses(graph, model, facts.licensing.declared, facts.licensing.concluded, _all_licenses(facts))
    _lineage(graph, facts, model)
    _packages(graph, facts, model)
    add_builds(graph, facts, model)
    claimed = profiles(graph.elements)
    listed = [e["spdxId"] for e in graph.elements if e["type"] not in _NOT_LISTED]
    name = f"{facts.name}-{facts.version}"
    sbom = graph.add(
        "software_Sbom",
        graph.id("Sbom"),
        name=name,
        software_sbomType=["build"],
        profileConformance=claimed,
        rootElement=[model],
        element=listed,
    )
    every = [element["spdxId"] for element in graph.elements]
    graph.add(
        "SpdxDocument",
        graph.id("Document"),
        name=name,
        profileConformance=claimed,
        rootElement=[sbom],
        element=every,
        dataLicense=graph.add(
            "simplelicensing_LicenseExpression",
            graph.id("License", "CC0-1.0"),
            simplelicensing_licenseExpression="CC0-1.0",
            simplelicensing_licenseListVersion=f"{LIST_VERSION}.0",
        ),
    )
    creation = {
        "type": "CreationInfo",
        "@id": CREATION_INFO,
        "specVersion": VERSION,
        # The format demands a time; where none is known it is the epoch, so that nothing about this run enters.
        "created": time,
        "createdBy": agents,
        "createdUsing": tools,
        "comment": "Made from the bytes of the files, the release manifest and the runner.",
    }
    return {"@context": CONTEXT, "@graph": [creation, *graph.elements]}


def _makers(graph: Graph, facts: SbomFacts) -> tuple[list[str], list[str]]:
    """(agents, tools): whoever supplies the model, else the program itself, made the document."""
    tools = [
        graph.add("Tool", graph.id("Tool", f"{tool.name} {tool.version}"), name=f"{tool.name}-{tool.version}")
        for tool in facts.tools
    ]
    if facts.supplier:
        owner = add_agent(graph, graph.id("Supplier"), facts.supplier)
        return [owner], tools
    maker = facts.tools[0]
    return [graph.add("SoftwareAgent", graph.id("Agent"), name=f"{maker.name}-{maker.version}")], tools


def _files(graph: Graph, facts: SbomFacts, model: str) -> None:
    refs, cards = [], []
    for file in facts.files:
        code = "; loading it can run code" if file.executable else ""
        ref = graph.add(
            "software_File",
            graph.id("File", file.path),
            name=file.path,
            verifiedUsing=hashes(file.digest),
            software_primaryPurpose=_PURPOSES.get(file.role, "file"),
            software_fileKind="file",
            comment=(
                f"role: {file.role.value}; format: {file.format}; bytes: {file.size};"
                f" inspection: {file.inspection.value}{code}"
            ),
        )
        refs.append(ref)
        if file.role is Role.CARD:
            cards.append(ref)
    # Each byte was read, so these are all there are.
    graph.relate(model, "contains", refs, completeness="complete")
    graph.relate(model, "hasDocumentation", cards)


def _all_licenses(facts: SbomFacts) -> list[License]:
    return [claim.license for claim in facts.licensing.claims]


def _lineage(graph: Graph, facts: SbomFacts, model: str) -> None:
    made: list[str] = []
    measured: list[str] = []
    for dataset in facts.datasets:
        (measured if dataset.for_tests else made).append(add_dataset(graph, dataset))
    graph.relate(model, "trainedOn", made)
    graph.relate(model, "testedOn", measured)
    bases = [
        graph.add(
            "software_Package",
            graph.id("BaseModel", base.name),
            name=base.name,
            software_packageVersion=base.version,
            software_packageUrl=base.purl,
            software_primaryPurpose="model",
            verifiedUsing=hashes(base.digest),
            software_sourceInfo=str(base.origin),
            comment=f"relation: {base.relation}" if base.relation else None,
        )
        for base in facts.base_models
    ]
    graph.relate(model, "descendantOf", bases)
    for base, ref in zip(facts.base_models, bases, strict=True):
        if base.relation == "quantized":
            graph.relate(ref, "hasVariant", [model])


def _packages(graph: Graph, facts: SbomFacts, model: str) -> None:
    refs = []
    for package in facts.packages:
        ref = graph.add(
            "software_Package",
            graph.id("Package", package.key),
            name=package.name,
            software_packageVersion=package.version,
            software_packageUrl=package.purl,
            software_primaryPurpose="library",
            software_sourceInfo=f"observed ({', '.join(package.locations)})",
        )
        refs.append(ref)
        if package.license is not None:
            license = package.license
            graph.relate(ref, "hasDeclaredLicense", [add_expression(graph, license.expression, [license])])
    graph.relate(model, "dependsOn", refs, completeness="incomplete", scope="runtime")


_PURPOSES = {
    Role.WEIGHT: "model",
    Role.CONFIG: "configuration",
    Role.TOKENIZER: "data",
    Role.CARD: "documentation",
    Role.DOC: "documentation",
    Role.CODE: "source",
}
