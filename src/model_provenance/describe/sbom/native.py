"""The native engine: what the bytes, the manifest and the runner say about a model, as facts for every SBOM format."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import model_provenance
from model_provenance.describe.sbom import lineage, purl
from model_provenance.describe.sbom.datasets import datasets
from model_provenance.describe.sbom.declared import declarations
from model_provenance.describe.sbom.licensing import licensing
from model_provenance.describe.sbom.lineage import MANIFEST
from model_provenance.domain.agents import Agent
from model_provenance.domain.context import Context, Known
from model_provenance.domain.digest import Digest
from model_provenance.domain.facts import FileFacts, Inspection, ModelFacts
from model_provenance.domain.files import Role, in_oms_order
from model_provenance.domain.finding import Finding, skipped, warned
from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.package import Package
from model_provenance.domain.sbom import (
    OBSERVED,
    Distribution,
    EngineScan,
    Environment,
    FileFact,
    Licensing,
    ModelTraits,
    Origin,
    SbomFacts,
    SoftwarePackage,
    Tool,
)
from model_provenance.domain.text import shown
from model_provenance.formats.manifest_rules import artifact_name

OWN_TOOL = Tool("model-provenance", model_provenance.__version__)
_NOT_READ = FileFacts("", "unknown", Inspection.NOT_INSPECTED)


def describe(
    *,
    name: str,
    version: str,
    package: Package,
    facts: ModelFacts,
    context: Context,
    manifest: Mapping[str, Any],
    scan: EngineScan,
    environment: Environment | None = None,
) -> tuple[SbomFacts, tuple[Finding, ...]]:
    """Everything that an SBOM of this release says, and what a person should know about it. Pure."""
    # `release` gives parsed names; the folder that `sbom` takes a name from may be called anything.
    name, version = shown(name) or "model", shown(version) or "0"
    roles = {file.path: file.role for file in package.files}
    declared = manifest.get("license")
    license, about_license = licensing(declared if isinstance(declared, str) else None, facts.licenses, roles)
    bases, about_bases = lineage.base_models(manifest, facts)
    packages, about_packages = _within(scan.packages, roles.keys())
    release = lineage.commit(context.release_commit)
    stated = declarations(manifest)
    owner = lineage.repository_owner(release)
    supplier = stated.supplier or owner
    known = MANIFEST if stated.supplier else release.origin if release and owner else None
    traits = _traits(facts)
    described = SbomFacts(
        name=name,
        version=version,
        purl=purl.of_package(name, version, package),
        layout=package.layout,
        package_digest=package.package_digest,
        model_digest=package.model_digest,
        files_digest=package.files_digest,
        supplier=supplier,
        licensing=license,
        traits=traits,
        files=_files(package, facts),
        datasets=datasets(manifest, facts.datasets),
        base_models=bases,
        packages=packages,
        containers=lineage.containers(manifest, context),
        release_commit=release,
        training_commit=lineage.commit(context.training_commit),
        tools=(OWN_TOOL, *([scan.tool] if scan.tool else [])),
        origins=_origins(traits, license, _speakers(facts, roles), known),
        epoch=context.epoch,
        declared=stated,
        distribution=_distribution(name, version, package),
        environment=environment,
    )
    return described, (*about_license, *about_bases, *about_packages, *_about_supplier(supplier))


def _distribution(name: str, version: str, package: Package) -> Distribution | None:
    """What is handed on; an archive that was only described has no bytes to say more of."""
    file_name = artifact_name(ModelName(name), Version(version), package.layout.value)
    if package.layout.is_archive:
        return Distribution(file_name, package.package_digest, None, is_archive=True)
    if package.index is None:
        return None
    sha512 = hashlib.sha512(package.index.data).hexdigest()
    return Distribution(file_name, package.index.digest, sha512, is_archive=False)


def _files(package: Package, facts: ModelFacts) -> tuple[FileFact, ...]:
    read = {file.path: file for file in facts.files}
    executable = frozenset(facts.executable)
    return tuple(
        FileFact(
            path=file.path,
            size=file.size,
            digest=file.digest,
            role=file.role,
            format=shown(read.get(file.path, _NOT_READ).format, 60),
            inspection=read.get(file.path, _NOT_READ).inspection,
            executable=file.path in executable,
        )
        for file in in_oms_order(package.files)
    )


def _traits(facts: ModelFacts) -> ModelTraits:
    tokenizer = facts.tokenizer
    return ModelTraits(
        architecture=_text(facts.architecture),
        model_type=_text(facts.model_type),
        task=_text(facts.task),
        library=_text(facts.library),
        languages=_texts(facts.languages),
        parameters=facts.parameters,
        element_types=tuple((shown(name, 30), count) for name, count in facts.element_types),
        formats=_texts(facts.formats),
        quantization=_text(facts.quantization),
        quantized_by=_text(facts.quantized_by),
        tokenizer=_text(tokenizer.type) if tokenizer else None,
        vocabulary_size=tokenizer.vocabulary_size if tokenizer else None,
        chat_template=_digest_text(tokenizer.chat_template_digest) if tokenizer else None,
    )


def _origins(
    traits: ModelTraits, license: Licensing, speakers: Mapping[str, Origin], supplier: Origin | None
) -> dict[str, Origin]:
    """How each fact of the model as a whole is known; facts that are not there have no origin."""
    known = {
        "architecture": OBSERVED if traits.architecture else None,
        "files": OBSERVED,
        "languages": speakers["languages"] if traits.languages else None,
        "library": speakers["library"] if traits.library else None,
        "license": license.claims[0].origin if license.claims else Origin(Known.UNKNOWN),
        "model-type": OBSERVED if traits.model_type else None,
        "name": Origin(Known.DECLARED),
        "quantization": OBSERVED if traits.quantization else None,
        "quantized-by": speakers["quantized-by"] if traits.quantized_by else None,
        "parameters": OBSERVED if traits.parameters else None,
        "supplier": supplier or Origin(Known.UNKNOWN),
        "task": speakers["task"] if traits.task else None,
        "tokenizer": OBSERVED if traits.tokenizer else None,
        "version": Origin(Known.DECLARED),
    }
    return {name: origin for name, origin in known.items() if origin is not None}


def _speakers(facts: ModelFacts, roles: Mapping[str, Role]) -> dict[str, Origin]:
    """Who says what people or tools write into files: typed by an author, but for a library that a configuration is made for."""
    paths = {name: facts.sources.get(name, "") for name in ("languages", "library", "task", "quantized-by")}
    made_for = paths["library"] and roles.get(paths["library"]) is not Role.CARD
    return {
        name: Origin(Known.OBSERVED if name == "library" and made_for else Known.DECLARED, shown(path))
        for name, path in paths.items()
    }


def _within(
    packages: Sequence[SoftwarePackage], paths: Collection[str]
) -> tuple[tuple[SoftwarePackage, ...], tuple[Finding, ...]]:
    """Packages that files of this release name, one entry each; an engine may have looked at more than is released."""
    kept: dict[str, SoftwarePackage] = {}
    outside = 0
    for package in packages:
        locations = {path for path in package.locations if path in paths}
        if not locations:
            outside += 1
            continue
        earlier = kept.get(package.key)
        merged = tuple(sorted(locations.union(earlier.locations if earlier else ())))
        kept[package.key] = SoftwarePackage(
            package.name, package.version, package.type, package.purl, package.license, merged
        )
    findings = []
    if outside:
        findings.append(
            skipped("sbom.outside", f"{outside} packages that no file of the release names are not in the SBOM")
        )
    return tuple(kept[key] for key in sorted(kept)), tuple(findings)


def _about_supplier(supplier: Agent | None) -> tuple[Finding, ...]:
    if supplier is not None:
        return ()
    return (
        warned(
            "sbom.supplier_unknown",
            "the SBOM names no supplier: no commit of a repository was observed, and no manifest names one",
        ),
    )


def _text(value: str | None) -> str | None:
    return shown(value, 100) or None if value else None


def _texts(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(shown(value, 60) for value in values[:100])


def _digest_text(value: str | None) -> str | None:
    try:
        return str(Digest.parse(value)) if value else None
    except ValueError:
        return None
