"""`sbom check`: an SBOM, or a release folder, held against a list of minimum elements."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_provenance.domain.conformance import Conformance
from model_provenance.domain.digest import Digest
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.evidence import read_bounded, read_evidence
from model_provenance.flows.files import read_file
from model_provenance.formats.bundle import parse_bundle
from model_provenance.formats.conformance import evaluate, profile
from model_provenance.formats.manifest import parse_released
from model_provenance.formats.release_view import release_view
from model_provenance.formats.sbom_observed import LIMIT
from model_provenance.formats.sbom_view import view_of

_SUMS_LIMIT = 64 * 1024 * 1024
_MANIFEST_LIMIT = 16 * 1024 * 1024


def check_sbom(path: Path, name: str) -> Conformance:
    """Judge what lies at `path`: a release folder for `minimum`, an SBOM for every other profile.

    Signatures are not verified here, only found: `verify` does that.
    """
    wanted = profile(name)
    if name == "minimum":
        return evaluate(wanted, _release(path))
    if path.is_dir():
        raise ModelProvenanceError(
            "usage.invalid",
            f"the profile {name} is about an SBOM, and this is a folder",
            remedy="Name the SBOM in it, e.g. sbom.spdx.json, or use --profile minimum.",
            location=str(path),
        )
    view = view_of(read_file(path, option="SBOM", limit=LIMIT))
    signed = (path.parent / "evidence").is_dir()
    return evaluate(wanted, {**view, "document": {**view["document"], "signature": signed}})


def _release(folder: Path) -> Mapping[str, Any]:
    if not (folder / "model-manifest.json").is_file():
        raise ModelProvenanceError(
            "usage.invalid",
            "the profile minimum is about a release folder, and there is no model-manifest.json",
            remedy="Give the folder that `model-provenance release` wrote.",
            location=str(folder),
        )
    manifest = parse_released(read_bounded(folder / "model-manifest.json", _MANIFEST_LIMIT))
    files = [folder / reference.name for reference in manifest.sboms]
    licensed = all(path.is_file() and _licensed(path) for path in files)
    signed, logged = _signatures(folder)
    return release_view(manifest.value, checksums=_checksums(folder), licensed=licensed, signed=signed, logged=logged)


def _licensed(path: Path) -> bool:
    return bool(view_of(read_bounded(path, LIMIT))["model"].get("license_declared"))


def _checksums(folder: Path) -> bool:
    """Whether both lists are there and the one about the folder holds."""
    sums = folder / "SHA256SUMS"
    if not sums.is_file() or not (folder / "MODEL.SHA256SUMS").is_file():
        return False
    for line in read_bounded(sums, _SUMS_LIMIT).decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        path = folder / name
        if Path(name).name != name or not path.is_file() or _digest(path) != digest:
            return False
    return True


def _digest(path: Path) -> str:
    import hashlib  # noqa: PLC0415 - only here

    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return Digest(digest.hexdigest()).hex


def _signatures(folder: Path) -> tuple[bool, bool]:
    """(whether there are bundles, whether each of them carries a log entry)."""
    try:
        evidence = read_evidence(folder)
    except ModelProvenanceError:
        return False, False
    bundles = [parse_bundle(data) for _, data in evidence.bundles]
    return True, all(bool(bundle.entries) for bundle in bundles)
