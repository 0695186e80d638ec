"""`inspect` and `sbom`: what a model is, without signing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_provenance.domain.evidence import SbomDocument
from model_provenance.domain.facts import ModelFacts
from model_provenance.domain.finding import Finding
from model_provenance.flows import folder
from model_provenance.formats.oms import DEFAULT_IGNORED
from model_provenance.pack.walk import walk
from model_provenance.readers.inspect import inspect


@dataclass(frozen=True, slots=True)
class SbomOptions:
    """The options of `sbom`."""

    model: Path
    name: str | None
    version: str | None
    manifest: Path | None
    formats: Sequence[str]
    environment: Path | None
    engine: str
    syft: Path | None
    ignore: Sequence[str]
    allow_symlinks: bool
    env: Mapping[str, str]
    datasets: Sequence[str] = ()
    #: Result files of evaluations.
    evaluations: Sequence[Path] = ()


def inspect_model(model: Path, *, ignore: Sequence[str], allow_symlinks: bool) -> ModelFacts:
    """What the readers find in a model; nothing is executed, nothing is written."""
    with walk(model, ignore=ignore, allow_symlinks=allow_symlinks, refuse_secrets=False) as inventory:
        facts = inspect(inventory.entries, inventory)
        inventory.recheck()
    return facts


def sbom_model(options: SbomOptions, *, output: Path | None) -> tuple[tuple[SbomDocument, ...], tuple[Finding, ...]]:
    """The SBOMs of a model; with `output` they are written there."""
    from model_provenance.context.collect import collect  # noqa: PLC0415 - `inspect` does without
    from model_provenance.describe.sbom.build import SbomRequest, build_sboms  # noqa: PLC0415
    from model_provenance.describe.sbom.syft import Engine, scan  # noqa: PLC0415
    from model_provenance.domain.package import Layout  # noqa: PLC0415
    from model_provenance.flows.datasets import joined, named  # noqa: PLC0415
    from model_provenance.flows.evaluations import with_evaluations  # noqa: PLC0415
    from model_provenance.flows.source import load, load_environment  # noqa: PLC0415
    from model_provenance.pack.read import read  # noqa: PLC0415

    source, measured = with_evaluations(load(options.manifest), options.evaluations)
    source = joined(source, named(options.datasets))
    environment = load_environment(options.environment)
    declared = {} if source is None else source.value
    with walk(options.model, ignore=options.ignore, allow_symlinks=options.allow_symlinks) as inventory:
        facts = inspect(inventory.entries, inventory)
        package = read(inventory, layout=Layout.RAW)
        inventory.recheck()
        context, findings = collect(options.model, env=options.env)
        request = SbomRequest(
            name=options.name or str(declared.get("model_name") or _default_name(options.model)),
            version=options.version or str(declared.get("version") or "0.0.0"),
            package=package,
            facts=facts,
            context=context,
            manifest=declared,
            formats=options.formats,
            environment=environment,
            scan=scan(
                options.model,
                engine=Engine(options.engine),
                env=options.env,
                given=options.syft,
                exclude=(*DEFAULT_IGNORED, *inventory.ignored),
            ),
        )
    made = build_sboms(request)
    if output is not None:
        for document in made.documents:
            folder.write(output, document.file_name, document.data)
    return made.documents, (*facts.findings, *findings, *measured, *made.findings)


def _default_name(model: Path) -> str:
    return model.resolve().name
