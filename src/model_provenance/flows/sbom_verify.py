"""`sbom verify`: derive an SBOM again from the bytes of the model, and name every fact that is not the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model_provenance.describe.sbom.build import SbomRequest, build_sboms
from model_provenance.domain.context import Context, Fact, Known, Provider, Visibility
from model_provenance.domain.finding import Finding, failed, passed, skipped
from model_provenance.domain.observed_sbom import ObservedSbom
from model_provenance.domain.package import Layout, Package
from model_provenance.domain.text import shown
from model_provenance.flows.datasets import joined, named
from model_provenance.flows.evaluations import with_evaluations
from model_provenance.flows.files import read_file
from model_provenance.flows.source import load
from model_provenance.formats.sbom_observed import LIMIT, observed_of
from model_provenance.pack.read import read
from model_provenance.pack.walk import walk
from model_provenance.readers.inspect import inspect

#: A compressed archive's digest follows from the compressor too, so it cannot be derived from the files.
_RECOMPUTED = (Layout.LAYERS, Layout.RAW, Layout.TAR)
_SHOWN = 50
_VALUE_LIMIT = 120
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class SbomVerification:
    """The options of `sbom verify`."""

    sbom: Path
    model: Path
    #: Without it what the manifest declared is not compared.
    manifest: Path | None = None
    ignore: Sequence[str] = ()
    allow_symlinks: bool = False
    #: As given to `release`.
    datasets: Sequence[str] = ()
    #: Result files of evaluations: what they measured is compared like what the manifest declares.
    evaluations: Sequence[Path] = ()


def verify_sbom(options: SbomVerification) -> tuple[Finding, ...]:
    """Findings about the SBOM: every drift is a failed one, what could not be derived is a skipped one."""
    said = observed_of(read_file(options.sbom, option="SBOM", limit=LIMIT))
    fresh, package = _derived(said, options)
    declared = options.manifest is not None or bool(options.datasets) or bool(options.evaluations)
    compared = _compared(said, fresh, with_manifest=declared)
    drifts = [failed("sbom.drift", text, location=place) for place, text in _drifts(said, fresh, compared)]
    findings = drifts[:_SHOWN]
    if len(drifts) > _SHOWN:
        findings.append(failed("sbom.drift", f"{len(drifts) - _SHOWN} more facts are not those of the model"))
    if not said.named_right:
        findings.append(failed("sbom.edited", "the name of the document does not follow from what it says"))
    if not findings:
        findings.append(passed("sbom.drift", f"{len(compared)} facts derived again from {len(package.files)} files"))
    return (*findings, *_left_out(said, fresh, compared))


def _derived(said: ObservedSbom, options: SbomVerification) -> tuple[ObservedSbom, Package]:
    """The same document made anew from the bytes, under the name and layout that it claims."""
    source, _ = with_evaluations(load(options.manifest), options.evaluations)
    source = joined(source, named(options.datasets))
    layout = said.layout if said.layout in _RECOMPUTED else Layout.RAW
    with walk(
        options.model, ignore=options.ignore, allow_symlinks=options.allow_symlinks, refuse_secrets=False
    ) as inventory:
        facts = inspect(inventory.entries, inventory)
        package = read(inventory, layout=layout)
        inventory.recheck()
    if layout is not said.layout:
        package = replace(package, layout=said.layout, package_digest=said.package_digest)
    request = SbomRequest(
        name=said.name,
        version=said.version,
        package=package,
        facts=facts,
        context=NOBODY,
        manifest={} if source is None else source.value,
        formats=(said.format,),
    )
    [document] = build_sboms(request).documents
    return observed_of(document.data), package


def _compared(said: ObservedSbom, fresh: ObservedSbom, *, with_manifest: bool) -> list[str]:
    places = said.facts.keys() | fresh.facts.keys()
    return sorted(places if with_manifest else places - said.from_manifest - fresh.from_manifest)


def _drifts(said: ObservedSbom, fresh: ObservedSbom, places: Sequence[str]) -> Iterator[tuple[str, str]]:
    for place in places:
        here, there = said.facts.get(place, _ABSENT), fresh.facts.get(place, _ABSENT)
        if here is _ABSENT:
            yield place, f"the SBOM does not say what the model does: {_text(there)}"
        elif there is _ABSENT:
            yield place, f"nothing in the model gives what the SBOM says: {_text(here)}"
        elif here != there:
            inner, mine, other = _narrowed(here, there)
            yield f"{place}{inner}", f"the SBOM says {_text(mine)}, and the model {_text(other)}"


def _narrowed(here: Any, there: Any) -> tuple[str, Any, Any]:
    """The innermost place where two values differ, if it is one: a whole object says little about what is wrong."""
    if isinstance(here, dict) and isinstance(there, dict) and here.keys() == there.keys():
        steps: list[Any] = [name for name in here if here[name] != there[name]]
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        steps = [number for number in range(len(here)) if here[number] != there[number]]
    else:
        return "", here, there
    if len(steps) != 1:
        return "", here, there
    inner, mine, other = _narrowed(here[steps[0]], there[steps[0]])
    return f"/{steps[0]}{inner}", mine, other


def _left_out(said: ObservedSbom, fresh: ObservedSbom, compared: Sequence[str]) -> Iterator[Finding]:
    left = len(said.facts.keys() | fresh.facts.keys()) - len(compared)
    if left:
        yield skipped("sbom.manifest_needed", f"{left} facts that the source manifest declares were not compared")
    if said.layout not in _RECOMPUTED:
        yield skipped("sbom.package_not_read", "the digest of a compressed archive does not follow from the files")


def _text(value: Any) -> str:
    return shown(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str), _VALUE_LIMIT)


#: A context in which nothing is known: what only a runner says is not derived from bytes.
NOBODY = Context(
    provider=Provider.LOCAL,
    git=None,
    run=None,
    identity=None,
    release_commit=Fact(None, Known.UNKNOWN),
    training_commit=Fact(None, Known.UNKNOWN),
    container_digest=Fact(None, Known.UNKNOWN),
    container_image=None,
    visibility=Visibility.UNKNOWN,
    epoch=None,
)
