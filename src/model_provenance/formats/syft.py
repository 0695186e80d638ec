"""syft-json (anchore/syft, schema/json): the few fields we use, the same since Syft 1.0. Untrusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from model_provenance.domain.licenses import License
from model_provenance.domain.sbom import SoftwarePackage
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json
from model_provenance.formats.licenses import expression_of, resolve

OUTPUT_LIMIT = 64 * 1024 * 1024
_CODE = "sbom.syft_failed"
_PACKAGE_LIMIT = 50_000
_LICENSE_LIMIT = 10
_LICENSE_TEXT_LIMIT = 100
#: Syft 1.38 and later call the model itself a package; our own description of it knows more.
_MODEL_TYPE = "model"


def version_of(data: bytes) -> str:
    """The version in the answer to `syft version -o json`. Raises `sbom.syft_failed`."""
    return _version(parse_json(data, what="the answer of `syft version`", limit=64 * 1024, code=_CODE))


def packages_of(data: bytes) -> tuple[str, tuple[SoftwarePackage, ...]]:
    """(version of Syft, software packages it found) in a syft-json document. Raises `sbom.syft_failed`."""
    value = parse_json(data, what="Syft's output", limit=OUTPUT_LIMIT, code=_CODE)
    artifacts = _object(value, "Syft's output").get("artifacts")
    if not isinstance(artifacts, list) or len(artifacts) > _PACKAGE_LIMIT:
        raise ModelProvenanceError(_CODE, "Syft's output has no list of artifacts, or too many")
    found = (_package(_object(artifact, "an artifact")) for artifact in artifacts)
    version = _version(_object(value, "Syft's output").get("descriptor"))
    return version, tuple(package for package in found if package.type != _MODEL_TYPE)


def _version(value: Any) -> str:
    version = value.get("version") if isinstance(value, Mapping) else None
    if not isinstance(version, str):
        raise ModelProvenanceError(_CODE, "Syft does not say its version")
    return shown(version, 60)


def _package(artifact: Mapping[str, Any]) -> SoftwarePackage:
    name, version, purl = artifact.get("name"), artifact.get("version"), artifact.get("purl")
    if not isinstance(name, str) or not name:
        raise ModelProvenanceError(_CODE, "an artifact in Syft's output has no name")
    return SoftwarePackage(
        name=shown(name),
        version=shown(version) or None if isinstance(version, str) else None,
        type=shown(str(artifact.get("type", "unknown")), 40),
        purl=purl if isinstance(purl, str) and _is_purl(purl) else None,
        license=_license(artifact.get("licenses")),
        locations=tuple(sorted(set(_locations(artifact.get("locations"))))),
    )


def _is_purl(text: str) -> bool:
    return text.startswith("pkg:") and "/" in text and len(text) <= 1000 and text.isascii() and text.isprintable()  # noqa: PLR2004


def _license(values: Any) -> License | None:
    """One licence of a package; several are all declared, so they are joined by AND."""
    if not isinstance(values, list) or not 0 < len(values) <= _LICENSE_LIMIT:
        return None
    found = [_resolved(value) for value in values]
    if any(license is None for license in found):
        return None
    distinct = list(dict.fromkeys(license for license in found if license is not None))
    if len(distinct) == 1:
        return distinct[0]
    expression = expression_of(" AND ".join(f"({license.expression})" for license in distinct))
    if expression is None:
        return None
    references = tuple(dict.fromkeys(pair for license in distinct for pair in license.references))
    restrictions = tuple(dict.fromkeys(flag for license in distinct for flag in license.restrictions))
    return License(expression, ", ".join(license.written for license in distinct), references, None, restrictions)


def _resolved(value: Any) -> License | None:
    if not isinstance(value, Mapping):
        return None
    text = value.get("spdxExpression") or value.get("value")
    return resolve(text) if isinstance(text, str) and len(text) <= _LICENSE_TEXT_LIMIT else None


def _locations(values: Any) -> Iterator[str]:
    for value in values if isinstance(values, list) else ():
        path = value.get("accessPath", value.get("path")) if isinstance(value, Mapping) else None
        if isinstance(path, str):
            yield path.removeprefix("/")


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ModelProvenanceError(_CODE, f"{what} is not an object")
    return value
