"""CycloneDX 1.6 JSON, ML-BOM (CycloneDX/specification, tag 1.6.2): render the facts of a model.

`metadata.component` is what is shipped, `components[0]` the model with its files inside, so that readers of
either place find it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, SbomDocument
from model_provenance.domain.files import Role
from model_provenance.domain.licenses import License
from model_provenance.domain.package import Layout
from model_provenance.domain.sbom import (
    BaseModel,
    ContainerEntry,
    DatasetEntry,
    FileFact,
    SbomFacts,
    SoftwarePackage,
)
from model_provenance.formats.canonical import document
from model_provenance.formats.cyclonedx_reading import (
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
    value = _document(facts)
    value["serialNumber"] = f"urn:uuid:{identity(value)}"
    return SbomDocument("sbom.cdx.json", MEDIA_TYPE, Predicate.CYCLONEDX, document(value))


def _document(facts: SbomFacts) -> dict[str, Any]:
    packages = [_package(package) for package in facts.packages]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": VERSION,
        "version": 1,
        "metadata": _metadata(facts),
        "components": [_model(facts), *(_dataset(dataset) for dataset in facts.datasets), *packages],
        "dependencies": [
            {"ref": PACKAGE_REF, "dependsOn": [MODEL_REF]},
            {"ref": MODEL_REF, "dependsOn": sorted(package["bom-ref"] for package in packages)},
        ],
        # The files are all there are (each byte was read); what the model needs to run, nobody states completely.
        "compositions": [
            {"aggregate": "complete", "assemblies": [MODEL_REF]},
            {"aggregate": "unknown", "dependencies": [MODEL_REF]},
        ],
        **({"formulation": [_formula(facts.containers)]} if facts.containers else {}),
    }


def _metadata(facts: SbomFacts) -> dict[str, Any]:
    created = None if facts.epoch is None else datetime.fromtimestamp(facts.epoch, tz=timezone.utc)
    return {
        **({"timestamp": created.strftime("%Y-%m-%dT%H:%M:%SZ")} if created else {}),
        "lifecycles": [{"phase": "build"}],
        "tools": {
            "components": [{"type": "application", "name": tool.name, "version": tool.version} for tool in facts.tools]
        },
        "component": {
            "type": "container" if facts.layout is Layout.LAYERS else "file",
            "bom-ref": PACKAGE_REF,
            **_identity(facts),
            "properties": _properties([(f"{PREFIX}:layout", facts.layout.value)]),
        },
        **_supplier(facts.supplier),
    }


def _model(facts: SbomFacts) -> dict[str, Any]:
    origins = ((f"{PREFIX}:known:{name}", str(origin)) for name, origin in sorted(facts.origins.items()))
    return {
        "type": "machine-learning-model",
        "bom-ref": MODEL_REF,
        **_identity(facts),
        **_licenses([claim.license for claim in facts.licensing.claims], facts.licensing.declared),
        "modelCard": _model_card(facts),
        **_pedigree(facts),
        **_references(facts),
        "components": [_file(file) for file in facts.files],
        "properties": _properties(
            [
                (MODEL_DIGEST_PROPERTY, str(facts.model_digest)),
                (FILES_DIGEST_PROPERTY, str(facts.files_digest)),
                *origins,
            ]
        ),
    }


def _identity(facts: SbomFacts) -> dict[str, Any]:
    """Name, version, digest and address, the same for the package and for the model in it."""
    return {
        "name": facts.name,
        "version": facts.version,
        "purl": facts.purl,
        "hashes": _hashes(facts.package_digest),
        **_supplier(facts.supplier),
    }


def _model_card(facts: SbomFacts) -> dict[str, Any]:
    traits = facts.traits
    parameters = {
        "task": traits.task,
        "architectureFamily": traits.model_type,
        "modelArchitecture": traits.architecture,
        "datasets": [{"ref": _dataset_ref(dataset)} for dataset in facts.datasets],
    }
    # `cdx:ai-ml:*` are names of the CycloneDX property taxonomy; what it has no name for has ours.
    more: Iterable[tuple[str, Any]] = (
        ("cdx:ai-ml:model:parameter:count", traits.parameters),
        ("cdx:ai-ml:model:languages", ",".join(traits.languages)),
        ("cdx:ai-ml:model:hyperparameter:quantization", traits.quantization),
        ("cdx:ai-ml:model:tokenizer", traits.tokenizer),
        ("cdx:ai-ml:model:hyperparameter:vocab_size", traits.vocabulary_size),
        (f"{PREFIX}:library", traits.library),
        (f"{PREFIX}:formats", ",".join(traits.formats)),
        (f"{PREFIX}:chat-template-digest", traits.chat_template),
        *((f"{PREFIX}:parameters:{name}", count) for name, count in traits.element_types),
    )
    return {
        "modelParameters": _given(**parameters),
        "properties": _properties((name, str(value)) for name, value in more if value),
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
    found += [
        {"type": "model-card", "url": quote(file.path), "hashes": _hashes(file.digest)}
        for file in facts.files
        if file.role is Role.CARD
    ]
    return {"externalReferences": found} if found else {}


def _file(file: FileFact) -> dict[str, Any]:
    properties = [
        (f"{PREFIX}:role", file.role.value),
        (f"{PREFIX}:size", str(file.size)),
        (f"{PREFIX}:format", file.format),
        (f"{PREFIX}:inspection", file.inspection.value),
    ]
    if file.executable:
        properties.append((f"{PREFIX}:can-execute-code", "yes"))
    return {
        "type": "file",
        "bom-ref": f"file:{file.path}",
        "name": file.path,
        "hashes": _hashes(file.digest),
        "properties": _properties(properties),
    }


def _dataset(dataset: DatasetEntry) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": _dataset_ref(dataset),
        "name": dataset.name,
        **_given(version=dataset.version, hashes=_hashes(dataset.digest)),
        **_licenses([dataset.license] if dataset.license else [], None),
        "data": [{"type": "dataset", "name": dataset.name, **_given(contents=_given(url=dataset.url))}],
        "properties": _properties(
            [
                (f"{PREFIX}:known", str(dataset.origin)),
                *((f"{PREFIX}:dataset:{name}", value) for name, value in dataset.notes),
            ]
        ),
    }


def _base_model(base: BaseModel) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"base-model:{base.name}",
        "name": base.name,
        **_given(version=base.version, purl=base.purl, hashes=_hashes(base.digest)),
        "properties": _properties([(f"{PREFIX}:known", str(base.origin))]),
    }


def _package(package: SoftwarePackage) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": f"package:{package.key}",
        "name": package.name,
        **_given(version=package.version, purl=package.purl),
        **_licenses([package.license] if package.license else [], None),
        "evidence": {"occurrences": [{"location": path} for path in package.locations]},
        "properties": _properties([(f"{PREFIX}:known", "observed"), (f"{PREFIX}:package-type", package.type)]),
    }


def _formula(containers: Iterable[ContainerEntry]) -> dict[str, Any]:
    """How the model came about, apart from what is shipped."""
    return {"bom-ref": "formulation", "components": [_container(container) for container in containers]}


def _container(container: ContainerEntry) -> dict[str, Any]:
    return {
        "type": "container",
        "bom-ref": f"container:{container.role}",
        "name": container.name,
        "version": str(container.digest),
        **_given(purl=container.purl, hashes=_hashes(container.digest)),
        "properties": _properties(
            [(f"{PREFIX}:known", str(container.origin)), (f"{PREFIX}:container-of", container.role)]
        ),
    }


def _licenses(licenses: list[License], declared: str | None) -> Mapping[str, Any]:
    """A list of licences, or one expression: the schema takes no mixture (definitions.licenseChoice)."""
    if not licenses:
        return {}
    if any(license.is_compound for license in licenses):
        expression = declared or licenses[0].expression
        return {"licenses": [{"expression": expression, "acknowledgement": "declared"}]}
    distinct = {license.expression: license for license in licenses}
    return {"licenses": [{"license": _license(license)} for license in distinct.values()]}


def _license(license: License) -> dict[str, Any]:
    named = {"name": license.references[0][1]} if license.references else {"id": license.expression}
    return {
        **named,
        "acknowledgement": "declared",
        **_given(url=license.url, properties=_properties(_license_properties(license))),
    }


def _license_properties(license: License) -> Iterator[tuple[str, str]]:
    if license.references:
        yield f"{PREFIX}:license:reference", license.expression
    if license.ambiguous:
        yield f"{PREFIX}:license:ambiguous", license.written
    for restriction in license.restrictions:
        yield f"{PREFIX}:license:restriction", restriction.value


def _given(**fields: Any) -> dict[str, Any]:
    """The fields that have a value: an absent one says more than an empty one."""
    return {name: value for name, value in fields.items() if value}


def _supplier(supplier: str | None) -> Mapping[str, Any]:
    return {"supplier": {"name": supplier}} if supplier else {}


def _dataset_ref(dataset: DatasetEntry) -> str:
    return f"dataset:{dataset.name}"


def _hashes(digest: Digest | None) -> list[dict[str, str]]:
    return [] if digest is None else [{"alg": "SHA-256", "content": digest.hex}]


def _properties(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
