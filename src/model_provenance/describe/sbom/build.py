"""Facts to documents: one description of a release, rendered once for each format that was asked for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from model_provenance.describe.sbom.native import describe
from model_provenance.domain.context import Context
from model_provenance.domain.evidence import SbomDocument
from model_provenance.domain.facts import ModelFacts
from model_provenance.domain.finding import Finding
from model_provenance.domain.package import Package
from model_provenance.domain.sbom import EngineScan, SbomFacts, SbomSummary
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import cyclonedx, spdx

#: Name on the command line -> writer. A new format is one writer and one line here.
WRITERS: Mapping[str, Callable[[SbomFacts], SbomDocument]] = {
    "spdx-json": spdx.render,
    "cyclonedx-json": cyclonedx.render,
}


@dataclass(frozen=True, slots=True)
class SbomRequest:
    """What the SBOMs of one release are made from."""

    name: str
    version: str
    package: Package
    facts: ModelFacts
    context: Context
    #: The value of the source manifest; empty where there is none.
    manifest: Mapping[str, Any]
    #: From `describe.sbom.syft.scan`; the native engine needs none.
    scan: EngineScan = field(default_factory=EngineScan)
    formats: Sequence[str] = tuple(WRITERS)


@dataclass(frozen=True, slots=True)
class Sboms:
    """The documents, in the order asked for, and what to tell about them."""

    documents: tuple[SbomDocument, ...]
    findings: tuple[Finding, ...]
    summary: SbomSummary


def build_sboms(request: SbomRequest) -> Sboms:
    """Describe the release once and write each document. Raises `sbom.format` for a format without a writer."""
    writers = [_writer(format) for format in dict.fromkeys(request.formats)]
    facts, findings = describe(
        name=request.name,
        version=request.version,
        package=request.package,
        facts=request.facts,
        context=request.context,
        manifest=request.manifest,
        scan=request.scan,
    )
    documents = tuple(writer(facts) for writer in writers)
    return Sboms(documents, (*request.scan.findings, *findings), _summary(facts, request.scan))


def _writer(format: str) -> Callable[[SbomFacts], SbomDocument]:
    if format not in WRITERS:
        known = ", ".join(WRITERS)
        raise ModelProvenanceError("sbom.format", f"there is no SBOM format {shown(format, 40)}; there are {known}")
    return WRITERS[format]


def _summary(facts: SbomFacts, scan: EngineScan) -> SbomSummary:
    return SbomSummary(
        engine=f"native, with Syft {scan.tool.version}" if scan.tool else "native",
        files=len(facts.files),
        packages=len(facts.packages),
        datasets=len(facts.datasets),
        base_models=tuple(base.name for base in facts.base_models),
        license=facts.licensing.declared,
    )
