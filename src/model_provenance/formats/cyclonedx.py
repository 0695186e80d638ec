"""CycloneDX 1.6 and 1.7 JSON, ML-BOM (CycloneDX/specification, tags 1.6.2 and 1.7): render the facts of a model.

`metadata.component` is what is shipped, `components[0]` the model with its files inside, so that readers of
either place find it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from model_provenance.domain.agents import Agent
from model_provenance.domain.evidence import Predicate, SbomDocument
from model_provenance.domain.files import Role
from model_provenance.domain.moment import rfc3339
from model_provenance.domain.package import Layout
from model_provenance.domain.sbom import (
    BaseModel,
    ContainerEntry,
    FileFact,
    SbomFacts,
    SoftwarePackage,
)
from model_provenance.formats.canonical import document
from model_provenance.formats.cyclonedx_card import model_card
from model_provenance.formats.cyclonedx_citations import SUPPLIER_REF, citations, tool_ref
from model_provenance.formats.cyclonedx_dataset import dataset_component
from model_provenance.formats.cyclonedx_distribution import distribution_properties, sha512
from model_provenance.formats.cyclonedx_parts import entity, given, hashes, known, licenses, properties
from model_provenance.formats.cyclonedx_reading import (
    CITING_VERSION,
    FILES_DIGEST_PROPERTY,
    MODEL_DIGEST_PROPERTY,
    MODEL_REF,
    PACKAGE_REF,
    PREFIX,
    VERSION,
    binding_of,
    files_of,
)
from model_provenance.formats.sbom_identity import identity

__all__ = ["MEDIA_TYPE", "binding_of", "files_of", "render"]

MEDIA_TYPE = "application/vnd.cyclonedx+json"


def render(facts: SbomFacts) -> SbomDocument:
    """`sbom.cdx.json`: the same facts give the same bytes."""
    return _named(_document(facts, VERSION))


def render_with_citations(facts: SbomFacts) -> SbomDocument:
    """`sbom.cdx.json` as 1.7, which has a place for who says what."""
    value = _document(facts, CITING_VERSION)
    # The format demands a time of each citation; where none is known it is the epoch.
    value["citations"] = citations(value, facts, rfc3339(facts.epoch or 0))
    return _named(value)


def _named(value: dict[str, Any]) -> SbomDocument:
    value["serialNumber"] = f"urn:uuid:{identity(value)}"
    return SbomDocument("sbom.cdx.json", MEDIA_TYPE, Predicate.CYCLONEDX, document(value))


def _document(facts: SbomFacts, version: str) -> dict[str, Any]:
    packages = [_package(package) for package in facts.packages]
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "version": 1,
        "metadata": _metadata(facts),
        "components": [_model(facts), *(dataset_component(dataset) for dataset in facts.datasets), *packages],
        "dependencies": [
            {"ref": PACKAGE_REF, "dependsOn": [MODEL_REF]},
            {"ref": MODEL_REF, "dependsOn": sorted(package["bom-ref"] for package in packages)},
        ],
        # The files are all there are (each byte was read); what the model needs to run, nobody states completely.
        "compositions": [
            {"aggregate": "complete", "assemblies": [MODEL_REF]},
            {"aggregate": "unknown", "dependencies": [MODEL_REF]},
        ],
        **_formulation(facts),
    }


def _metadata(facts: SbomFacts) -> dict[str, Any]:
    return {
        **({} if facts.epoch is None else {"timestamp": rfc3339(facts.epoch)}),
        "lifecycles": [{"phase": "build"}],
        "tools": {
            "components": [
                {"type": "application", "bom-ref": tool_ref(tool.name), "name": tool.name, "version": tool.version}
                for tool in facts.tools
            ]
        },
        "component": {
            "type": "container" if facts.layout is Layout.LAYERS else "file",
            "bom-ref": PACKAGE_REF,
            **_identity(facts),
            "properties": properties([(f"{PREFIX}:layout", facts.layout.value)]),
        },
        **({"supplier": {"bom-ref": SUPPLIER_REF, **entity(facts.supplier)}} if facts.supplier else {}),
    }


def _model(facts: SbomFacts) -> dict[str, Any]:
    publisher = facts.declared.publisher
    origins = ((f"{PREFIX}:known:{name}", str(origin)) for name, origin in sorted(facts.origins.items()))
    return {
        "type": "machine-learning-model",
        "bom-ref": MODEL_REF,
        **_identity(facts),
        **given(publisher=publisher.name if publisher else None, copyright=facts.declared.copyright),
        **given(manufacturer=entity(facts.maker) if facts.maker else None),
        **licenses([claim.license for claim in facts.licensing.claims], facts.licensing.declared),
        "modelCard": model_card(facts),
        **_pedigree(facts),
        **_references(facts),
        "components": [_file(file) for file in facts.files],
        "properties": properties(
            [
                (MODEL_DIGEST_PROPERTY, str(facts.model_digest)),
                (FILES_DIGEST_PROPERTY, str(facts.files_digest)),
                *origins,
                *distribution_properties(facts),
            ]
        ),
    }


def _identity(facts: SbomFacts) -> dict[str, Any]:
    """Name, version, digest and address, the same for the package and for the model in it."""
    return {
        "name": facts.name,
        "version": facts.version,
        "purl": facts.purl,
        "hashes": [*hashes(facts.package_digest), *sha512(facts)],
        **_supplier(facts.supplier),
    }


def _pedigree(facts: SbomFacts) -> Mapping[str, Any]:
    pedigree: dict[str, Any] = {}
    if facts.base_models:
        pedigree["ancestors"] = [_base_model(base) for base in facts.base_models]
    if facts.training_commit is not None:
        commit = facts.training_commit
        pedigree["commits"] = [{"uid": commit.revision, "url": commit.repository}]
        pedigree["notes"] = f"the commit that trained the model: {commit.origin}"
    return {"pedigree": pedigree} if pedigree else {}


def _references(facts: SbomFacts) -> Mapping[str, Any]:
    found: list[dict[str, Any]] = []
    if facts.release_commit is not None:
        commit = facts.release_commit
        comment = f"released from commit {commit.revision}: {commit.origin}"
        found.append({"type": "vcs", "url": commit.repository, "comment": comment})
    if facts.declared.download_url is not None:
        comment = "imported from here: declared (manifest)"
        found.append({"type": "distribution", "url": facts.declared.download_url, "comment": comment})
    found += [
        {"type": "model-card", "url": quote(file.path), "hashes": hashes(file.digest)}
        for file in facts.files
        if file.role is Role.CARD
    ]
    return {"externalReferences": found} if found else {}


def _file(file: FileFact) -> dict[str, Any]:
    about = [
        (f"{PREFIX}:role", file.role.value),
        (f"{PREFIX}:size", str(file.size)),
        (f"{PREFIX}:format", file.format),
        (f"{PREFIX}:inspection", file.inspection.value),
    ]
    if file.executable:
        about.append((f"{PREFIX}:can-execute-code", "yes"))
    return {
        "type": "file",
        "bom-ref": f"file:{file.path}",
        "name": file.path,
        "hashes": hashes(file.digest),
        "properties": properties(about),
    }


def _base_model(base: BaseModel) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"base-model:{base.name}",
        "name": base.name,
        **given(version=base.version, purl=base.purl, hashes=hashes(base.digest)),
        "properties": properties(
            [known(base.origin), *([(f"{PREFIX}:relation", base.relation)] if base.relation else [])]
        ),
    }


def _package(package: SoftwarePackage) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": f"package:{package.key}",
        "name": package.name,
        **given(version=package.version, purl=package.purl),
        **licenses([package.license] if package.license else [], None),
        "evidence": {"occurrences": [{"location": path} for path in package.locations]},
        "properties": properties([(f"{PREFIX}:known", "observed"), (f"{PREFIX}:package-type", package.type)]),
    }


def _formulation(facts: SbomFacts) -> Mapping[str, Any]:
    """How the model came about, apart from what is shipped."""
    tools = facts.environment.packages if facts.environment else ()
    components = [
        *(_container(container) for container in facts.containers),
        *(_build_tool(package, facts.environment.source) for package in tools if facts.environment),
    ]
    return {"formulation": [{"bom-ref": "formulation", "components": components}]} if components else {}


def _build_tool(package: SoftwarePackage, source: str) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": f"build-tool:{package.key}",
        "name": package.name,
        **given(version=package.version, purl=package.purl),
        "properties": properties([(f"{PREFIX}:known", f"declared ({source})"), (f"{PREFIX}:tool-of", "training")]),
    }


def _container(container: ContainerEntry) -> dict[str, Any]:
    return {
        "type": "container",
        "bom-ref": f"container:{container.role}",
        "name": container.name,
        "version": str(container.digest),
        **given(purl=container.purl, hashes=hashes(container.digest)),
        "properties": properties(
            [(f"{PREFIX}:known", str(container.origin)), (f"{PREFIX}:container-of", container.role)]
        ),
    }


def _supplier(supplier: Agent | None) -> Mapping[str, Any]:
    return {"supplier": entity(supplier)} if supplier else {}
