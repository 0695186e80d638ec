"""What a training ran with: pip requirement files, `pip freeze`, and SBOMs of images (SPDX 2, CycloneDX), as packages.

Untrusted and bounded. A line that names no exact version still names a package; what is no package is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from model_provenance.domain.digest import Digest
from model_provenance.domain.sbom import Environment, SoftwarePackage
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json

_CODE = "sbom.environment"
_PACKAGE_LIMIT = 20_000
_JSON_LIMIT = 64 * 1024 * 1024
_LINE_LIMIT = 4000
#: PEP 508: a name, optional extras, then an exact version or anything else.
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9]([A-Za-z0-9._-]{0,150}[A-Za-z0-9])?)(\[[A-Za-z0-9._, -]{0,200}\])?\s*"
    r"(===?\s*(?P<version>[A-Za-z0-9][A-Za-z0-9._+!-]{0,100}))?(?P<rest>.*)",
    re.DOTALL,
)
_REST = re.compile(r"\s*(([<>!~=@;,\\#]|--).*)?", re.DOTALL)


def environment_of(data: bytes, source: str) -> Environment:
    """The packages that `data` names; `source` is the name of its file. Raises `sbom.environment`."""
    if data.lstrip()[:1] == b"{":
        packages = _of_json(parse_json(data, what="the environment", limit=_JSON_LIMIT, code=_CODE))
    else:
        packages = _of_requirements(data)
    found = {package.key: package for package in packages}
    if not found:
        _refuse("it names no package")
    if len(found) > _PACKAGE_LIMIT:
        _refuse(f"it names more than {_PACKAGE_LIMIT} packages")
    return Environment(shown(source), Digest.of(data), tuple(found[key] for key in sorted(found)))


def _of_requirements(data: bytes) -> Iterator[SoftwarePackage]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelProvenanceError(_CODE, "the environment is not text in UTF-8") from error
    for number, raw in enumerate(text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines(), 1):
        line = raw.strip()
        # Options of pip (hashes, indexes, editable checkouts) and comments name no package.
        if not line or line.startswith(("#", "-")):
            continue
        match = _REQUIREMENT.fullmatch(line) if len(line) <= _LINE_LIMIT * 100 else None
        if match is None or not _REST.fullmatch(match["rest"]):
            _refuse(f"line {number} is no requirement of pip: {shown(line, 80)}")
        yield _pypi(match["name"], match["version"])


def _pypi(name: str, version: str | None) -> SoftwarePackage:
    from packageurl import PackageURL  # noqa: PLC0415 - 20 ms that `--help` need not pay

    normal = re.sub(r"[-_.]+", "-", name).lower()
    return SoftwarePackage(normal, version, "python", PackageURL("pypi", None, normal, version).to_string(), None, ())


def _of_json(value: Any) -> Iterator[SoftwarePackage]:
    if not isinstance(value, Mapping):
        _refuse("it is not an object")
    if value.get("bomFormat") == "CycloneDX":
        yield from (_component(entry) for entry in _objects(value, "components") if entry.get("type") != "file")
    elif str(value.get("spdxVersion", "")).startswith("SPDX-2"):
        yield from (_spdx_package(entry) for entry in _objects(value, "packages"))
    else:
        _refuse("it is neither CycloneDX nor SPDX 2")


def _component(entry: Mapping[str, Any]) -> SoftwarePackage:
    return _package(entry.get("name"), entry.get("version"), entry.get("purl"), entry.get("type"))


def _spdx_package(entry: Mapping[str, Any]) -> SoftwarePackage:
    references = entry.get("externalRefs")
    purls = [
        reference.get("referenceLocator")
        for reference in (references if isinstance(references, list) else ())
        if isinstance(reference, Mapping) and reference.get("referenceType") == "purl"
    ]
    return _package(entry.get("name"), entry.get("versionInfo"), purls[0] if purls else None, "library")


def _package(name: Any, version: Any, purl: Any, kind: Any) -> SoftwarePackage:
    if not isinstance(name, str) or not name:
        _refuse("a package in it has no name")
    return SoftwarePackage(
        name=shown(name),
        version=shown(version) or None if isinstance(version, str) else None,
        type=shown(kind, 40) if isinstance(kind, str) else "unknown",
        purl=purl if isinstance(purl, str) and _is_purl(purl) else None,
        license=None,
        locations=(),
    )


def _objects(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    entries = value.get(key)
    if not isinstance(entries, list) or len(entries) > _PACKAGE_LIMIT:
        _refuse(f"`{key}` is not a list, or has more than {_PACKAGE_LIMIT} entries")
    if not all(isinstance(entry, Mapping) for entry in entries):
        _refuse(f"`{key}` holds something that is not an object")
    return entries


def _is_purl(text: str) -> bool:
    return bool(re.fullmatch(r"pkg:[a-z][a-z0-9.+-]*/[!-~]{1,900}", text))


def _refuse(why: str) -> NoReturn:
    raise ModelProvenanceError(_CODE, f"the description of the training environment cannot be used: {why}")
