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
from model_provenance.domain.sbom import EngineScan, Environment, SbomFacts, SbomSummary
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import cyclonedx, spdx, spdx3, spdx22

Writer = Callable[[SbomFacts], SbomDocument]

#: Name on the command line -> writer. A new format is one writer and one line here.
WRITERS: Mapping[str, Writer] = {
    "spdx-json": spdx.render,
    "spdx-json@2.3": spdx.render,
    "spdx-json@2.2": spdx22.render,
    "spdx3-json": spdx3.render,
    "spdx3-json@3.0.1": spdx3.render,
    "cyclonedx-json": cyclonedx.render,
    "cyclonedx-json@1.6": cyclonedx.render,
    "cyclonedx-json@1.7": cyclonedx.render_with_citations,
}
#: What is written where nobody asks for anything else.
DEFAULT_FORMATS = ("spdx-json", "cyclonedx-json")


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
    formats: Sequence[str] = DEFAULT_FORMATS
    #: From `--environment`.
    environment: Environment | None = None


@dataclass(frozen=True, slots=True)
class Sboms:
    """The documents, in the order asked for, and what to tell about them."""

    documents: tuple[SbomDocument, ...]
    findings: tuple[Finding, ...]
    summary: SbomSummary


def build_sboms(request: SbomRequest) -> Sboms:
    """Describe the release once and write each document. Raises `sbom.format` for a format without a writer."""
    writers = _writers(request.formats)
    facts, findings = describe(
        name=request.name,
        version=request.version,
        package=request.package,
        facts=request.facts,
        context=request.context,
        manifest=request.manifest,
        scan=request.scan,
        environment=request.environment,
    )
    documents = tuple(writer(facts) for writer in writers)
    return Sboms(documents, (*request.scan.findings, *findings), _summary(facts, request.scan))


def formats_of(text: str | None) -> tuple[str, ...]:
    """The formats that `--sbom` names, joined by commas; the default ones for None. Raises `sbom.format`."""
    if text is None:
        return DEFAULT_FORMATS
    formats = tuple(part.strip() for part in text.split(","))
    check_formats(formats)
    return formats


def check_formats(formats: Sequence[str]) -> None:
    """Refuse early, before anything is read, what could not be written. Raises `sbom.format`."""
    _writers(formats)


def _writers(formats: Sequence[str]) -> tuple[Writer, ...]:
    """One writer a document. Two versions of one format would be two files of one name, so they are refused."""
    chosen: dict[str, Writer] = {}
    for format in formats:
        if format not in WRITERS:
            known = ", ".join(WRITERS)
            raise ModelProvenanceError("sbom.format", f"there is no SBOM format {shown(format, 40)}; there are {known}")
        family = format.partition("@")[0]
        if chosen.setdefault(family, WRITERS[format]) is not WRITERS[format]:
            raise ModelProvenanceError("sbom.format", f"{family} is asked for in two versions; choose one of them")
    if not chosen:
        raise ModelProvenanceError("sbom.format", "no SBOM format is named")
    return tuple(chosen.values())


def _summary(facts: SbomFacts, scan: EngineScan) -> SbomSummary:
    return SbomSummary(
        engine=f"native, with Syft {scan.tool.version}" if scan.tool else "native",
        files=len(facts.files),
        packages=len(facts.packages),
        datasets=len(facts.datasets),
        base_models=tuple(base.name for base in facts.base_models),
        license=facts.licensing.declared,
    )
