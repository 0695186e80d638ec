"""SPDX 2.3 and 2.2 JSON as `formats.spdx` writes it, read back by a verifier: untrusted, typed, bounded."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.sbom import SbomBinding
from model_provenance.formats.sbom_reading import (
    add_file,
    digest_in,
    malformed,
    object_of,
    objects_in,
    only_digest,
    text_in,
)

VERSION = "SPDX-2.3"
OLDER_VERSION = "SPDX-2.2"
DOCUMENT_REF = "SPDXRef-DOCUMENT"
MODEL_REF = "SPDXRef-Model"
#: External references (7.21, category OTHER) that bind the document to contents and names of the model.
MODEL_DIGEST_REF = "oms-root"
FILES_DIGEST_REF = "files-digest"
_WHAT = "the SPDX document"


def files_of(document: Any) -> dict[str, str]:
    """Path -> hex SHA-256 of every file that the model contains. Raises `sbom.malformed`."""
    packages, related = _packages(document), _relationships(document)
    contained = {target for source, kind, target in related if (source, kind) == (MODEL_REF, "CONTAINS")}
    files: dict[str, str] = {}
    for ref, package in packages.items():
        # 2.2 has no purposes; only a file of ours has a file name.
        if ("packageFileName" in package) != (ref in contained) or _purpose(package) not in (None, ref in contained):
            malformed("the files that are listed and the files that the model contains are not the same")
        if ref in contained:
            path = text_in(package, "packageFileName", "a file")
            add_file(files, path, _checksum(package, "a file"))
    if missing := contained - packages.keys():
        malformed(f"the model contains {len(missing)} elements that are not there")
    return files


def binding_of(document: Any) -> SbomBinding:
    """Which release the document says it is about. Raises `sbom.malformed`."""
    packages, related = _packages(document), _relationships(document)
    described = {target for source, kind, target in related if (source, kind) == (DOCUMENT_REF, "DESCRIBES")}
    if described != {MODEL_REF} or MODEL_REF not in packages:
        malformed(f"{_WHAT} does not describe the one model")
    model = packages[MODEL_REF]
    return SbomBinding(
        name=text_in(model, "name", "the model"),
        version=text_in(model, "versionInfo", "the model"),
        package_digest=_checksum(model, "the package"),
        model_digest=_reference(model, MODEL_DIGEST_REF),
        files_digest=_reference(model, FILES_DIGEST_REF),
    )


def _packages(document: Any) -> dict[str, dict[str, Any]]:
    root = object_of(document, _WHAT)
    if root.get("spdxVersion") not in (VERSION, OLDER_VERSION):
        malformed(f"{_WHAT} is not {VERSION}")
    if root.get("files") or root.get("snippets"):
        malformed(f"{_WHAT} lists files in a place that we do not write")
    packages: dict[str, dict[str, Any]] = {}
    for package in objects_in(root, "packages", _WHAT):
        ref = text_in(package, "SPDXID", "a package")
        if ref in packages:
            malformed("two packages have one SPDXID")
        packages[ref] = package
    return packages


def _purpose(package: dict[str, Any]) -> bool | None:
    """Whether the package says that it is a file; None where it does not say what it is."""
    purpose = package.get("primaryPackagePurpose")
    return None if purpose is None else purpose == "FILE"


def _relationships(document: Any) -> list[tuple[str, str, str]]:
    names = ("spdxElementId", "relationshipType", "relatedSpdxElement")
    found = []
    for relation in objects_in(object_of(document, _WHAT), "relationships", _WHAT):
        source, kind, target = (text_in(relation, name, "a relationship") for name in names)
        found.append((source, kind, target))
    return found


def _checksum(package: dict[str, Any], what: str) -> Digest:
    checksums = objects_in(package, "checksums", what)
    return only_digest([text_in(c, "checksumValue", what) for c in checksums if c.get("algorithm") == "SHA256"], what)


def _reference(model: dict[str, Any], kind: str) -> Digest:
    references = objects_in(model, "externalRefs", "the model")
    found = [text_in(r, "referenceLocator", kind) for r in references if r.get("referenceType") == kind]
    return digest_in(found[0], kind) if len(found) == 1 else malformed(f"the model has not exactly one {kind}")
