"""SPDX 2.3 JSON (spdx/spdx-spec, tag v2.3): render the facts of a model.

Each file is a package of purpose FILE with its SHA-256. The `files` section of SPDX 2 demands a SHA-1 of every file
(8.4, cardinality 1..1), and hashing terabytes once more with a broken digest would prove nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, SbomDocument
from model_provenance.domain.files import Role
from model_provenance.domain.licenses import License
from model_provenance.domain.moment import rfc3339
from model_provenance.domain.sbom import FileFact, ModelTraits, SbomFacts, SoftwarePackage
from model_provenance.formats.canonical import document
from model_provenance.formats.licenses import LIST_VERSION
from model_provenance.formats.sbom_identity import identity
from model_provenance.formats.spdx_declared import actor, comment, dated, originator
from model_provenance.formats.spdx_reading import (
    DOCUMENT_REF,
    FILES_DIGEST_REF,
    MODEL_DIGEST_REF,
    MODEL_REF,
    VERSION,
    binding_of,
    files_of,
)

__all__ = ["MEDIA_TYPE", "binding_of", "files_of", "render"]

MEDIA_TYPE = "application/spdx+json"
NOASSERTION = "NOASSERTION"
_NAMESPACE = "https://model-provenance.dev/spdx"


def render(facts: SbomFacts) -> SbomDocument:
    """`sbom.spdx.json`: the same facts give the same bytes."""
    return SbomDocument("sbom.spdx.json", MEDIA_TYPE, Predicate.SPDX, document(named(build(facts), facts)))


def named(value: dict[str, Any], facts: SbomFacts) -> dict[str, Any]:
    """The document with the namespace that follows from what it says."""
    name = f"{quote(facts.name, safe='')}-{quote(facts.version, safe='')}"
    return {**value, "documentNamespace": f"{_NAMESPACE}/{name}-{identity(value)}"}


def build(facts: SbomFacts) -> dict[str, Any]:
    """The document without a namespace."""
    parts = [
        *_datasets(facts),
        *_base_models(facts),
        *_containers(facts),
        *(_package(package) for package in facts.packages),
        *_build_tools(facts),
    ]
    # The format demands a time; where none is known it is the epoch, so that nothing about this run enters.
    created = rfc3339(facts.epoch or 0)
    return {
        "spdxVersion": VERSION,
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT_REF,
        "name": f"{facts.name}-{facts.version}",
        "creationInfo": {
            "created": created,
            "creators": [
                *(f"Tool: {tool.name}-{tool.version}" for tool in facts.tools),
                *([actor(facts.supplier)] if facts.supplier else []),
            ],
            "licenseListVersion": LIST_VERSION,
            "comment": "SBOM type: build. Made from the bytes of the files, the release manifest and the runner.",
        },
        "packages": [_model(facts), *(_file(facts, file) for file in facts.files), *parts],
        "relationships": list(_relationships(facts)),
        "hasExtractedLicensingInfos": _extracted(facts),
    }


def _model(facts: SbomFacts) -> dict[str, Any]:
    return {
        "SPDXID": MODEL_REF,
        "name": facts.name,
        "versionInfo": facts.version,
        "supplier": actor(facts.supplier),
        **originator(facts.maker),
        "downloadLocation": facts.declared.download_url or NOASSERTION,
        "filesAnalyzed": False,
        "primaryPackagePurpose": "ARCHIVE" if facts.layout.is_archive else "OTHER",
        "checksums": [_checksum(facts.package_digest)],
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": facts.purl},
            _external(MODEL_DIGEST_REF, facts.model_digest),
            _external(FILES_DIGEST_REF, facts.files_digest),
        ],
        "licenseDeclared": facts.licensing.declared or NOASSERTION,
        "licenseConcluded": facts.licensing.concluded or NOASSERTION,
        **({"licenseComments": facts.licensing.comment} if facts.licensing.comment else {}),
        "copyrightText": facts.declared.copyright or NOASSERTION,
        "description": _description(facts.traits),
        **comment(facts),
        "sourceInfo": _source_info(facts),
    }


def _file(facts: SbomFacts, file: FileFact) -> dict[str, Any]:
    executable = "; loading it can run code" if file.executable else ""
    return {
        "SPDXID": _ref("File", file.path),
        "name": file.path,
        "packageFileName": file.path,
        "versionInfo": facts.version,
        "supplier": actor(facts.supplier),
        "downloadLocation": NOASSERTION,
        "filesAnalyzed": False,
        "primaryPackagePurpose": "FILE",
        "checksums": [_checksum(file.digest)],
        "comment": (
            f"role: {file.role.value}; format: {file.format}; bytes: {file.size};"
            f" inspection: {file.inspection.value}{executable}"
        ),
    }


def _datasets(facts: SbomFacts) -> Iterator[dict[str, Any]]:
    for dataset in facts.datasets:
        notes = "".join(f"; {name}: {value}" for name, value in dataset.notes)
        yield {
            **_foreign(_ref("Dataset", dataset.name), dataset.name, dataset.digest, dataset.url),
            **_version(dataset.version),
            **originator(dataset.card.originator),
            **dated(dataset),
            **_licensed(dataset.license),
            "primaryPackagePurpose": "OTHER",
            "comment": f"dataset{notes}",
            "sourceInfo": str(dataset.origin),
        }


def _base_models(facts: SbomFacts) -> Iterator[dict[str, Any]]:
    for base in facts.base_models:
        yield {
            **_foreign(_ref("BaseModel", base.name), base.name, base.digest),
            **_version(base.version),
            **_purl(base.purl),
            "primaryPackagePurpose": "OTHER",
            "comment": f"base model; relation: {base.relation}" if base.relation else "base model",
            "sourceInfo": str(base.origin),
        }


def _containers(facts: SbomFacts) -> Iterator[dict[str, Any]]:
    for container in facts.containers:
        yield {
            **_foreign(_ref("Container", container.role), container.name, container.digest),
            **_purl(container.purl),
            "versionInfo": str(container.digest),
            "primaryPackagePurpose": "CONTAINER",
            "comment": f"the {container.role} ran in it",
            "sourceInfo": str(container.origin),
        }


def _package(package: SoftwarePackage) -> dict[str, Any]:
    return {
        **_foreign(_ref("Package", package.key), package.name, None),
        **_version(package.version),
        **_purl(package.purl),
        **_licensed(package.license),
        "primaryPackagePurpose": "LIBRARY",
        "sourceInfo": f"observed ({', '.join(package.locations)})",
    }


def _build_tools(facts: SbomFacts) -> Iterator[dict[str, Any]]:
    """What the training ran with: never contained, never depended on."""
    if facts.environment is None:
        return
    for package in facts.environment.packages:
        yield {
            **_foreign(_ref("BuildTool", package.key), package.name, None),
            **_version(package.version),
            **_purl(package.purl),
            "primaryPackagePurpose": "LIBRARY",
            "comment": "the training ran with it",
            "sourceInfo": f"declared ({facts.environment.source})",
        }


def _relationships(facts: SbomFacts) -> Iterator[dict[str, str]]:
    yield _relation(DOCUMENT_REF, "DESCRIBES", MODEL_REF)
    for file in facts.files:
        ref = _ref("File", file.path)
        yield _relation(MODEL_REF, "CONTAINS", ref)
        if file.role is Role.CARD:
            yield _relation(ref, "DOCUMENTATION_OF", MODEL_REF)
    for dataset in facts.datasets:
        kind = "TEST_OF" if dataset.for_tests else "DATA_FILE_OF"
        yield _relation(_ref("Dataset", dataset.name), kind, MODEL_REF)
    for base in facts.base_models:
        yield _relation(MODEL_REF, "DESCENDANT_OF", _ref("BaseModel", base.name))
        if base.relation == "quantized":
            yield _relation(MODEL_REF, "VARIANT_OF", _ref("BaseModel", base.name))
    for container in facts.containers:
        yield _relation(_ref("Container", container.role), "BUILD_TOOL_OF", MODEL_REF)
    for package in facts.packages:
        yield _relation(MODEL_REF, "DEPENDS_ON", _ref("Package", package.key))
    for package in facts.environment.packages if facts.environment else ():
        yield _relation(_ref("BuildTool", package.key), "BUILD_TOOL_OF", MODEL_REF)


def _extracted(facts: SbomFacts) -> list[dict[str, Any]]:
    """One entry a `LicenseRef-` in use; the texts are their authors', so a name and an address stand for them."""
    licenses = [
        *(claim.license for claim in facts.licensing.claims),
        *(dataset.license for dataset in facts.datasets),
        *(package.license for package in facts.packages),
    ]
    found: dict[str, dict[str, Any]] = {}
    for license in filter(None, licenses):
        for reference, name in license.references:
            found.setdefault(
                reference,
                {
                    "licenseId": reference,
                    "name": name,
                    "extractedText": f"{name}. The text is not part of this document.",
                    **({"seeAlsos": [license.url]} if license.url else {}),
                },
            )
    return [found[reference] for reference in sorted(found)]


def _description(traits: ModelTraits) -> str:
    parts: Iterable[tuple[str, Any]] = (
        ("architecture", traits.architecture),
        ("model type", traits.model_type),
        ("task", traits.task),
        ("library", traits.library),
        ("languages", ", ".join(traits.languages)),
        ("parameters", traits.parameters),
        ("element types", ", ".join(f"{name} {count}" for name, count in traits.element_types)),
        ("formats", ", ".join(traits.formats)),
        ("quantization", traits.quantization),
        ("quantized by", traits.quantized_by),
        ("tokenizer", traits.tokenizer),
        ("vocabulary", traits.vocabulary_size),
        ("chat template", traits.chat_template),
    )
    return "; ".join(["machine-learning model", *(f"{name}: {value}" for name, value in parts if value)])


def _source_info(facts: SbomFacts) -> str:
    known = "; ".join(f"{name} {origin}" for name, origin in sorted(facts.origins.items()))
    commits = (("release commit", facts.release_commit), ("training commit", facts.training_commit))
    return known + "".join(
        f"; {name} git+{commit.repository}@{commit.revision} {commit.origin}"
        for name, commit in commits
        if commit is not None
    )


def _foreign(ref: str, name: str, digest: Digest | None, url: str | None = None) -> dict[str, Any]:
    """A package that somebody else supplies."""
    return {
        "SPDXID": ref,
        "name": name,
        "supplier": NOASSERTION,
        "downloadLocation": url or NOASSERTION,
        "filesAnalyzed": False,
        **({"checksums": [_checksum(digest)]} if digest else {}),
    }


def _version(version: str | None) -> Mapping[str, str]:
    return {"versionInfo": version} if version else {}


def _licensed(license: License | None) -> Mapping[str, str]:
    return {"licenseDeclared": license.expression if license else NOASSERTION}


def _purl(purl: str | None) -> Mapping[str, Any]:
    if purl is None:
        return {}
    return {
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl},
        ]
    }


def _external(kind: str, digest: Digest) -> dict[str, str]:
    return {"referenceCategory": "OTHER", "referenceType": kind, "referenceLocator": str(digest)}


def _checksum(digest: Digest) -> dict[str, str]:
    return {"algorithm": "SHA256", "checksumValue": digest.hex}


def _relation(source: str, kind: str, target: str) -> dict[str, str]:
    return {"spdxElementId": source, "relationshipType": kind, "relatedSpdxElement": target}


def _ref(kind: str, key: str) -> str:
    """SPDX identifiers take few characters (3.2), so a digest stands for the name; 128 bits of it."""
    return f"SPDXRef-{kind}-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
