"""What a release was asked for, and what it has described before anything is signed: the values of its flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from model_provenance.describe.sbom.build import DEFAULT_FORMATS
from model_provenance.domain.evidence import SbomDocument, Statement
from model_provenance.domain.facts import ModelFacts
from model_provenance.domain.finding import Finding
from model_provenance.domain.manifest import ReleasedManifest
from model_provenance.domain.names import ModelName, Version, release_stem
from model_provenance.domain.package import Layout, Package
from model_provenance.domain.sbom import SbomSummary
from model_provenance.flows.signing import Signing

if TYPE_CHECKING:
    from model_provenance.flows.push import PushRequest

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """What the caller asked for; the fields are the options of `release`."""

    model: Path
    name: ModelName
    version: Version
    #: None for a dry run: nothing is signed, no evidence is written.
    signing: Signing | None
    output: Path | None = None
    layout: Layout = Layout.LAYERS
    oci_layout: Path | None = None
    push: PushRequest | None = None
    manifest: Path | None = None
    #: As given: `NAME=PATH`, `NAME@sha256:HEX` or a file of entries.
    datasets: Sequence[str] = ()
    #: Formats of the SBOMs, in order; the first is the manifest's `sbom`.
    sboms: Sequence[str] = DEFAULT_FORMATS
    #: What the training ran with.
    environment: Path | None = None
    #: Result files of evaluations.
    evaluations: Sequence[Path] = ()
    sbom_engine: str = "auto"
    syft: Path | None = None
    allow_symlinks: bool = False
    ignore: Sequence[str] = ()
    training_commit: str | None = None
    trained_here: bool = False
    container_digest: str | None = None
    #: Nothing else may be released than files of this digest; None where nobody said what to expect.
    files_digest: str | None = None
    #: When Sigstore is down, keep the unsigned statements for `sign --spool` instead of failing.
    sign_later: bool = False
    #: Statements that an earlier run kept, by name: this run signs nothing else.
    kept: Mapping[str, bytes] | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the release is written."""
        return self.output or Path("dist") / release_stem(self.name, self.version)


@dataclass(frozen=True, slots=True)
class Described:
    """The unsigned part of a release."""

    package: Package
    manifest: ReleasedManifest
    sboms: tuple[SbomDocument, ...]
    statements: tuple[Statement, ...]
    findings: tuple[Finding, ...]
    facts: ModelFacts
    summary: SbomSummary
