"""What one run of `release` did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from model_provenance.domain.evidence import Bundle, SignerIdentity, Statement
from model_provenance.domain.facts import ModelFacts
from model_provenance.domain.finding import Finding
from model_provenance.domain.package import Package


class ReleaseResult(Enum):
    """SIGNED, or UNSIGNED after a dry run; anything else ended with an error and has no receipt."""

    SIGNED = "SIGNED"
    UNSIGNED = "UNSIGNED"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Digests, signer, log entries and timings of one release; written to `receipt.json`, shown in every report."""

    result: ReleaseResult
    name: str
    version: str
    package: Package
    statements: tuple[Statement, ...]
    bundles: tuple[Bundle, ...]
    signer: SignerIdentity | None
    findings: tuple[Finding, ...]
    #: e.g. "native, with Syft 1.18.1"
    sbom_engine: str
    #: step -> seconds of wall time
    timings: tuple[tuple[str, float], ...]
    #: How to check this release: the options of `verify` after the target.
    verify_options: tuple[str, ...]
    #: `HOST/REPOSITORY@sha256:…` of each registry that holds the release.
    references: tuple[str, ...] = ()
    slsa_level: int | None = None
    slsa_reasons: tuple[str, ...] = ()
    #: The released manifest and what the readers found, for reports; evidence has them signed.
    manifest: Mapping[str, Any] = field(default_factory=dict)
    facts: ModelFacts | None = None
    #: Software packages in the SBOM.
    packages: int = 0
