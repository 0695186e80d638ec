"""`release`: a model directory becomes a described, signed release folder, in one read of its bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import model_provenance
from model_provenance.context.collect import collect
from model_provenance.context.gates import check_may_sign
from model_provenance.describe.manifest import ReleasedManifest, complete
from model_provenance.describe.sbom.build import SbomRequest, build_sboms
from model_provenance.describe.statements import StatementOptions, build_statements
from model_provenance.domain.context import Context
from model_provenance.domain.evidence import Bundle, SbomDocument, SignerIdentity, Statement
from model_provenance.domain.facts import ModelFacts
from model_provenance.domain.finding import Finding
from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.package import Layout, Package
from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows import folder
from model_provenance.flows.clock import Stopwatch
from model_provenance.flows.signing import Signing
from model_provenance.formats.canonical import document
from model_provenance.formats.receipt import receipt_value
from model_provenance.pack.inventory import Inventory
from model_provenance.pack.refuse import check_model
from model_provenance.pack.walk import walk
from model_provenance.readers.inspect import inspect


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
    manifest: Path | None = None
    sbom_engine: str = "auto"
    syft: Path | None = None
    allow_symlinks: bool = False
    ignore: Sequence[str] = ()
    training_commit: str | None = None
    trained_here: bool = False
    container_digest: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the release is written."""
        return self.output or Path("dist") / f"{self.name.file_stem}-{self.version}"


@dataclass(frozen=True, slots=True)
class _Described:
    """The unsigned part of a release."""

    package: Package
    facts: ModelFacts
    manifest: ReleasedManifest
    sboms: tuple[SbomDocument, ...]
    statements: tuple[Statement, ...]
    findings: tuple[Finding, ...]
    sbom_engine: str
