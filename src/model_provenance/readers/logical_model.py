"""Joins what the files say into the facts of one model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from model_provenance.domain.facts import Inspection, ModelFacts, TokenizerFacts
from model_provenance.domain.files import Role
from model_provenance.domain.finding import Finding, Severity, Status, skipped, warned
from model_provenance.domain.text import shown
from model_provenance.readers.reading import WeightKind
from model_provenance.readers.registry import WEIGHT_FORMATS
from model_provenance.readers.remote_code import unnamed_code
from model_provenance.readers.weight_sets import Inspected, WeightSet, counted_sets, shard_findings

T = TypeVar("T")

#: Findings about single files of one kind; the rest are counted in one more.
_FINDING_LIMIT = 100
_NAMED_LIMIT = 5
#: Where several files of one folder say the same thing, the one that is made for it decides.
_PRECEDENCE = (
    "config", "components", "model-card", "tokenizer", "chat-template", "adapter-config", "gguf", "tokenizer-config",
    "vocabulary",
)  # fmt: skip
#: Whose word on the library counts, before others: what a person wrote, then what is made for one library only.
_LIBRARY = ("model-card", "adapter-config", "components", "config")
#: Whose word on the relation to the base models counts.
_RELATION = ("model-card", "mergekit", "adapter-config", "gguf")


def joined(files: Sequence[Inspected]) -> ModelFacts:
    """The facts of one model from those of its files, which are in order of path."""
    said = sorted((member for member in files if _speaks_for_model(member)), key=_weight_of_word)
    sets, findings = counted_sets(files)
    executable, warnings = _executable(files)
    return ModelFacts(
        files=tuple(member.facts for member in files),
        formats=tuple(sorted({member.facts.format for member in files} & WEIGHT_FORMATS)),
        parameters=_parameters(sets),
        element_types=_element_types(sets),
        architecture=_first(member.reading.architecture for member in said),
        model_type=_first(member.reading.model_type for member in said),
        task=_first(member.reading.task for member in said),
        library=_first(member.reading.library for member in _by(said, *_LIBRARY)),
        languages=_unique(language for member in said for language in member.reading.languages),
        tokenizer=_tokenizer(said),
        licenses=_unique(license for member in said for license in member.reading.licenses),
        datasets=_unique(dataset for member in said for dataset in member.reading.datasets),
        base_models=_unique(base for member in said for base in member.reading.base_models),
        executable=executable,
        findings=(
            *_bounded(_own(files)),
            *warnings,
            *findings,
            *shard_findings(files),
            *_templates(files),
            *_not_inspected(files),
        ),
        quantization=_quantization(sets, said),
        base_relations=_relations(said),
        base_relation=_first(m.reading.base_relation for m in _by(said, *_RELATION) if not m.reading.base_models),
        quantized_by=_first(member.reading.quantized_by for member in said),
        sources=_sources(said),
    )


def _relations(said: Sequence[Inspected]) -> dict[str, str]:
    """Of each base model by the files that name it: what one says of its own is not said of another's."""
    found: dict[str, str] = {}
    for member in _by(said, *_RELATION):
        if member.reading.base_relation is not None:
            for base in member.reading.base_models:
                found.setdefault(base, member.reading.base_relation)
    return found


def _sources(said: Sequence[Inspected]) -> dict[str, str]:
    """Who says what is taken from the first who does, or from all."""
    speakers = {
        "task": _first(member.facts.path for member in said if member.reading.task is not None),
        "library": _first(m.facts.path for m in _by(said, *_LIBRARY) if m.reading.library is not None),
        "quantized-by": _first(member.facts.path for member in said if member.reading.quantized_by is not None),
    }
    of_languages = [member.facts.path for member in said if member.reading.languages]
    if of_languages:
        speakers["languages"] = of_languages[0] if len(of_languages) == 1 else ""
    return {name: path for name, path in speakers.items() if path is not None}


def _speaks_for_model(member: Inspected) -> bool:
    """Cards and licences in subfolders speak for what lies there: a dataset, a dependency."""
    return len(member.path.parts) == 1 or member.facts.format not in ("model-card", "license")


def _weight_of_word(member: Inspected) -> tuple[bool, int, int, str]:
    """Files nearer to the root speak for the model before files of its parts; projectors and adapters come last."""
    format, weights = member.facts.format, member.reading.weights
    rank = _PRECEDENCE.index(format) if format in _PRECEDENCE else len(_PRECEDENCE)
    beside = weights is not None and weights.kind is not WeightKind.MODEL
    return beside, len(member.path.parts), rank, member.facts.path


def _by(said: Sequence[Inspected], *formats: str) -> Iterator[Inspected]:
    for format in formats:
        yield from (member for member in said if member.facts.format == format)


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _unique(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


def _parameters(sets: Sequence[WeightSet]) -> int | None:
    counts = [one.parameters for one in sets]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _element_types(sets: Sequence[WeightSet]) -> tuple[tuple[str, int], ...]:
    """Largest first; empty where the parameters are not known."""
    if _parameters(sets) is None:
        return ()
    totals: dict[str, int] = {}
    for one in sets:
        for member in one.members:
            for kind, count in member.reading.weights.element_types.items() if member.reading.weights else ():
                totals[kind] = totals.get(kind, 0) + count
    return tuple(sorted(totals.items(), key=lambda item: (-item[1], item[0])))


def _quantization(sets: Sequence[WeightSet], said: Sequence[Inspected]) -> str | None:
    """Of the weights that are counted, else what a configuration says."""
    counted = _first(member.reading.quantization for one in sets for member in one.members)
    return counted or _first(member.reading.quantization for member in _by(said, "config"))


def _tokenizer(said: Sequence[Inspected]) -> TokenizerFacts | None:
    """Field by field from the nearest files that know it."""
    known = [member.reading.tokenizer for member in said if member.reading.tokenizer]
    if not known:
        return None
    return TokenizerFacts(
        _first(facts.type for facts in known),
        _first(facts.vocabulary_size for facts in known),
        _first(facts.chat_template_digest for facts in known),
    )


def _templates(files: Sequence[Inspected]) -> Iterator[Finding]:
    """Files of one folder that carry different default chat templates."""
    folders: dict[str, dict[str, str]] = {}
    for member in files:
        digest = member.reading.tokenizer.chat_template_digest if member.reading.tokenizer else None
        if digest and member.facts.format != "gguf":
            folders.setdefault(str(member.path.parent), {})[digest] = member.facts.path
    for folder, templates in folders.items():
        if len(templates) > 1:
            names = " and ".join(shown(path, 80) for path in sorted(templates.values()))
            yield warned("readers.chat_template", f"{names} carry different chat templates", location=folder)


def _executable(files: Sequence[Inspected]) -> tuple[tuple[str, ...], list[Finding]]:
    """Paths that can run code when loaded the usual way, with a finding for each that is loaded."""
    paths = {member.facts.path for member in files}
    executable: set[str] = set()
    findings = []
    for member in files:
        path, reading = member.facts.path, member.reading
        if reading.executes:
            executable.add(path)
            findings.append(
                warned("readers.executable", f"loading {shown(path)} can run code: {reading.executes}", location=path)
            )
        remote = (*reading.remote_code, *unnamed_code(path))
        elsewhere = [code.reference for code in remote if code.path not in paths and not code.only_with_file]
        here = [code.path for code in remote if code.path in paths]
        executable.update(code for code in here if code)
        if elsewhere:
            executable.add(path)
        if here or elsewhere:
            names = ", ".join(shown(name, 80) for name in _unique([*here, *elsewhere])[:_NAMED_LIMIT] if name)
            message = f"{shown(path)} asks loaders with trust_remote_code to run {names}"
            findings.append(warned("readers.remote_code", message, location=path))
    return tuple(sorted(executable)), _bounded(findings)


def _own(files: Sequence[Inspected]) -> list[Finding]:
    return [finding for member in files for finding in member.reading.findings]


def _bounded(findings: list[Finding]) -> list[Finding]:
    """At most a hundred of them; the last one says how many more there are, at the severity of the worst."""
    if len(findings) <= _FINDING_LIMIT:
        return findings
    rest = findings[_FINDING_LIMIT:]
    worst = max(rest, key=lambda finding: list(Severity).index(finding.severity))
    more = Finding(
        worst.id, worst.severity, worst.status, f"{len(rest)} more files have findings of this kind", worst.remedy
    )
    return [*findings[:_FINDING_LIMIT], more]


def _not_inspected(files: Sequence[Inspected]) -> Iterator[Finding]:
    """What was not looked into: weights as a warning, everything else for the record."""
    weights = [member for member in files if member.role is Role.WEIGHT and member.facts.inspection in _NOT_READ]
    if weights:
        yield skipped("readers.weights_not_inspected", f"the content of {_named(weights)} was not looked into")
    others = [
        member
        for member in files
        if member.role is not Role.WEIGHT and member.facts.inspection is Inspection.NOT_INSPECTED
    ]
    if others:
        message = f"{_named(others)} were not inspected; their formats are none that is read"
        yield Finding("readers.not_inspected", Severity.INFO, Status.SKIPPED, message)


_NOT_READ = (Inspection.NOT_INSPECTED, Inspection.RECOGNISED)


def _named(members: Sequence[Inspected]) -> str:
    names = [shown(member.facts.path, 80) + _format(member) for member in members[:_NAMED_LIMIT]]
    more = len(members) - _NAMED_LIMIT
    return f"{len(members)} files ({', '.join(names)}" + (f" and {more} more)" if more > 0 else ")")


def _format(member: Inspected) -> str:
    return "" if member.facts.format == "other" else f": {member.facts.format}"
