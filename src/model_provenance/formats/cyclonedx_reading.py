"""CycloneDX 1.6 and 1.7 JSON as `formats.cyclonedx` writes it, read back by a verifier: untrusted, typed, bounded."""

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

VERSION = "1.6"
CITING_VERSION = "1.7"
PACKAGE_REF = "package"
MODEL_REF = "model"
PREFIX = "model-provenance"
MODEL_DIGEST_PROPERTY = f"{PREFIX}:model-digest"
FILES_DIGEST_PROPERTY = f"{PREFIX}:files-digest"
_WHAT = "the CycloneDX document"


def files_of(document: Any) -> dict[str, str]:
    """Path -> hex SHA-256 of every file of the model. Raises `sbom.malformed`."""
    files: dict[str, str] = {}
    for component in objects_in(_model(document), "components", "the model"):
        if component.get("type") != "file":
            malformed("the model holds a component that is not a file")
        add_file(files, text_in(component, "name", "a file"), _hash(component, "a file"))
    return files


def binding_of(document: Any) -> SbomBinding:
    """Which release the document says it is about. Raises `sbom.malformed`."""
    model = _model(document)
    metadata = object_of(object_of(document, _WHAT).get("metadata"), "`metadata`")
    package = object_of(metadata.get("component"), "`metadata.component`")
    if any(model.get(key) != package.get(key) for key in ("name", "version", "hashes")):
        malformed("the package and the model in it differ in name, version or digest")
    return SbomBinding(
        name=text_in(model, "name", "the model"),
        version=text_in(model, "version", "the model"),
        package_digest=_hash(model, "the package"),
        model_digest=_property(model, MODEL_DIGEST_PROPERTY),
        files_digest=_property(model, FILES_DIGEST_PROPERTY),
    )


def _model(document: Any) -> dict[str, Any]:
    root = object_of(document, _WHAT)
    if root.get("bomFormat") != "CycloneDX" or root.get("specVersion") not in (VERSION, CITING_VERSION):
        malformed(f"{_WHAT} is not CycloneDX {VERSION} or {CITING_VERSION}")
    models = [c for c in objects_in(root, "components", _WHAT) if c.get("type") == "machine-learning-model"]
    if len(models) != 1 or models[0].get("bom-ref") != MODEL_REF:
        malformed(f"{_WHAT} does not describe the one model")
    return models[0]


def _hash(component: dict[str, Any], what: str) -> Digest:
    hashes = objects_in(component, "hashes", what)
    return only_digest([text_in(h, "content", what) for h in hashes if h.get("alg") == "SHA-256"], what)


def _property(model: dict[str, Any], name: str) -> Digest:
    values = [text_in(p, "value", name) for p in objects_in(model, "properties", "the model") if p.get("name") == name]
    return digest_in(values[0], name) if len(values) == 1 else malformed(f"the model has not exactly one {name}")
