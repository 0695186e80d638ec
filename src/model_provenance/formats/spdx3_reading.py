"""SPDX 3.0.1 JSON-LD as `formats.spdx3` writes it, read back by a verifier: untrusted, typed, bounded."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.sbom import SbomBinding
from model_provenance.formats.sbom_reading import (
    LIST_LIMIT,
    add_file,
    digest_in,
    malformed,
    object_of,
    objects_in,
    only_digest,
    text_in,
)

VERSION = "3.0.1"
CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
MODEL_REF = "Model"
DISTRIBUTION_REF = "Distribution"
#: Comments of the external identifiers that bind the document to contents and names of the model.
MODEL_DIGEST_REF = "oms-root"
FILES_DIGEST_REF = "files-digest"
_WHAT = "the SPDX 3 document"


def files_of(document: Any) -> dict[str, str]:
    """Path -> hex SHA-256 of every file that the model contains. Raises `sbom.malformed`."""
    elements = _elements(document)
    model = _model(elements)
    contained = _targets(elements, model, "contains")
    shipped = _distribution(elements, model)
    files: dict[str, str] = {}
    for ref, element in elements.items():
        if ref != shipped and (element.get("type") == "software_File") != (ref in contained):
            malformed("the files that are listed and the files that the model contains are not the same")
        if ref in contained:
            add_file(files, text_in(element, "name", "a file"), _hash(element, "a file"))
    if missing := contained - elements.keys():
        malformed(f"the model contains {len(missing)} elements that are not there")
    return files


def binding_of(document: Any) -> SbomBinding:
    """Which release the document says it is about. Raises `sbom.malformed`."""
    elements = _elements(document)
    model = elements[_model(elements)]
    return SbomBinding(
        name=text_in(model, "name", "the model"),
        version=text_in(model, "software_packageVersion", "the model"),
        package_digest=_hash(model, "the package"),
        model_digest=_identifier(model, MODEL_DIGEST_REF),
        files_digest=_identifier(model, FILES_DIGEST_REF),
    )


def states_license(document: Any) -> bool:
    """Whether a declared licence, not the absence of one, is related to the model. Raises `sbom.malformed`."""
    elements = _elements(document)
    declared = _targets(elements, _model(elements), "hasDeclaredLicense")
    return any(elements.get(ref, {}).get("type") == "simplelicensing_LicenseExpression" for ref in declared)


def _elements(document: Any) -> dict[str, dict[str, Any]]:
    root = object_of(document, _WHAT)
    if root.get("@context") != CONTEXT:
        malformed(f"{_WHAT} is not SPDX {VERSION}")
    elements: dict[str, dict[str, Any]] = {}
    for element in objects_in(root, "@graph", _WHAT):
        if element.get("type") == "CreationInfo":
            if element.get("specVersion") != VERSION:
                malformed(f"{_WHAT} is not SPDX {VERSION}")
            continue
        ref = text_in(element, "spdxId", "an element")
        if ref in elements:
            malformed("two elements have one spdxId")
        elements[ref] = element
    return elements


def _model(elements: dict[str, dict[str, Any]]) -> str:
    """The one AI package, which the one SBOM in the one document is about."""
    models = [ref for ref, element in elements.items() if element.get("type") == "ai_AIPackage"]
    sboms = [ref for ref, element in elements.items() if element.get("type") == "software_Sbom"]
    documents = [ref for ref, element in elements.items() if element.get("type") == "SpdxDocument"]
    if (len(models), len(sboms), len(documents)) != (1, 1, 1):
        malformed(f"{_WHAT} does not describe the one model")
    if elements[sboms[0]].get("rootElement") != models or elements[documents[0]].get("rootElement") != sboms:
        malformed(f"{_WHAT} is not about the model in it")
    return models[0]


def _targets(elements: dict[str, dict[str, Any]], source: str, kind: str) -> set[str]:
    found: set[str] = set()
    for element in elements.values():
        if element.get("relationshipType") == kind and element.get("from") == source:
            targets = element.get("to")
            if not isinstance(targets, list) or len(targets) > LIST_LIMIT:
                malformed("a relationship has no list of targets, or one that is too long")
            if not all(isinstance(target, str) for target in targets):
                malformed("a relationship leads to something without an identifier")
            found.update(targets)
    return found


def _distribution(elements: dict[str, dict[str, Any]], model: str) -> str | None:
    """The one file that is handed on and is no part of the model: it has the digest of the package."""
    shipped = _targets(elements, model, "hasDistributionArtifact")
    if not shipped:
        return None
    ref = next(iter(shipped))
    element = elements.get(ref, {})
    if len(shipped) > 1 or element.get("type") != "software_File" or ref in _targets(elements, model, "contains"):
        malformed("what is handed on is not one file beside those of the model")
    if _hash(element, "what is handed on") != _hash(elements[model], "the package"):
        malformed("what is handed on has another digest than the package")
    return ref


def _hash(element: dict[str, Any], what: str) -> Digest:
    found = objects_in(element, "verifiedUsing", what)
    return only_digest([text_in(h, "hashValue", what) for h in found if h.get("algorithm") == "sha256"], what)


def _identifier(model: dict[str, Any], kind: str) -> Digest:
    entries = objects_in(model, "externalIdentifier", "the model")
    found = [text_in(entry, "identifier", kind) for entry in entries if entry.get("comment") == kind]
    return digest_in(found[0], kind) if len(found) == 1 else malformed(f"the model has not exactly one {kind}")
