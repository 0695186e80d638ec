"""Package URLs (purl-spec) of models, packages and containers; never one for what no purl type fits."""

from __future__ import annotations

import re

from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Package

_HUB_MODEL = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,95}/[0-9A-Za-z][0-9A-Za-z._-]{0,95}")
#: `[host[:port]/]path[:tag][@digest]`
_IMAGE = re.compile(
    r"(?P<name>[0-9A-Za-z][0-9A-Za-z._/-]*(?::\d+/[0-9a-z._/-]+)?)(?::[0-9A-Za-z._-]+)?(?:@sha256:[0-9a-f]{64})?"
)


def of_package(name: str, version: str, package: Package) -> str:
    """`pkg:oci/…@sha256:…` for OCI layouts, `pkg:generic/…@VERSION?checksum=…` for archives."""
    namespace, _, last = name.rpartition("/")
    if package.layout.is_archive:
        return _purl("generic", namespace or None, last, version, {"checksum": str(package.package_digest)})
    return _purl("oci", None, last, str(package.package_digest), {"tag": version})


def of_hub_model(name: str, version: str | None = None) -> str | None:
    """`pkg:huggingface/OWNER/NAME[@COMMIT]` for a name of that shape, which is what cards mean by it."""
    if not _HUB_MODEL.fullmatch(name):
        return None
    owner, _, model = name.partition("/")
    commit = version if version and re.fullmatch(r"[0-9a-f]{40}", version) else None
    return _purl("huggingface", owner, model, commit, {})


def of_image(reference: str, digest: Digest) -> str | None:
    """`pkg:oci/NAME@sha256:…?repository_url=…` of a container image reference."""
    match = _IMAGE.fullmatch(reference)
    if match is None:
        return None
    repository = match["name"]
    return _purl("oci", None, repository.rpartition("/")[2], str(digest), {"repository_url": repository})


def _purl(kind: str, namespace: str | None, name: str, version: str | None, qualifiers: dict[str, str]) -> str:
    from packageurl import PackageURL  # noqa: PLC0415 - 20 ms that `--help` need not pay

    return PackageURL(kind, namespace, name, version, qualifiers).to_string()
