"""The model manifest, declared and released (design, 4.2). Made only by `formats.manifest` and `describe.manifest`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_provenance.domain.context import Known
from model_provenance.domain.digest import Digest
from model_provenance.domain.finding import Finding
from model_provenance.domain.package import Layout

#: Datasets of one manifest (schema).
DATASET_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class SourceManifest:
    """What people declare: validated JSON values, in which a number with a fraction is the text as written.

    With the datasets of `--dataset`; where their files were read, `digest_known` says so.
    """

    value: Mapping[str, Any]
    file_name: str
    #: Top-level key -> `file:line:column`.
    places: Mapping[str, str]

    def place(self, key: str) -> str:
        """Where `key` is declared; the file where it is not."""
        return self.places.get(key, self.file_name)


@dataclass(frozen=True, slots=True)
class SbomReference:
    """One entry of the manifest's `sboms`."""

    name: str
    media_type: str
    predicate_type: str
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class ReleasedManifest:
    """The manifest of a release: valid against `manifest/v1` and its semantic rules.

    `value` is the predicate of the manifest statement, `data` the bytes of `model-manifest.json`. `findings` say what
    was left out or overruled while it was completed; a parsed manifest has none.
    """

    value: Mapping[str, Any]
    data: bytes
    findings: tuple[Finding, ...] = ()

    @property
    def model_name(self) -> str:
        """A valid `ModelName`, as text."""
        return str(self.value["model_name"])

    @property
    def version(self) -> str:
        """A valid `Version`, as text."""
        return str(self.value["version"])

    @property
    def layout(self) -> Layout:
        """How the package is serialised."""
        return Layout(self.value["layout"])

    @property
    def package_digest(self) -> Digest:
        """`artifact_sha256`: of the model index, or of the archive."""
        return Digest(self.value["artifact_sha256"])

    @property
    def model_digest(self) -> Digest:
        """The OMS root digest."""
        return Digest.parse(self.value["model_digest"])

    @property
    def files_digest(self) -> Digest:
        """What binds names to contents."""
        return Digest.parse(self.value["files_digest"])

    @property
    def sboms(self) -> tuple[SbomReference, ...]:
        """Every SBOM of the release; never empty."""
        return tuple(
            SbomReference(e["name"], e["media_type"], e["predicate_type"], Digest.parse(e["digest"]), e["size"])
            for e in self.value["sboms"]
        )

    def known(self, field: str) -> Known:
        """How `field` is known; UNKNOWN for one that the manifest does not speak of."""
        return Known(self.value["known"].get(field, "unknown"))
