"""What the manifest declares of evaluations, and what result files measured, made one list; nothing is overruled silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_provenance.domain.evaluation import Measured, Outcome, Results, number_of
from model_provenance.domain.finding import Finding, warned
from model_provenance.domain.manifest import SourceManifest
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.evaluations import bounded, fault, outcome, title

_LIMIT = 1000
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Found:
    """A measured number, with the file that has it."""

    entry: Mapping[str, Any]
    file: str


def with_results(
    source: SourceManifest | None, results: Sequence[Results]
) -> tuple[SourceManifest | None, tuple[Finding, ...]]:
    """The source manifest with the values of the files in its `tests`, each judged by the bounds that the manifest declares.

    The findings name what failed. Raises `evaluation.conflict` where two say different things of one evaluation,
    `evaluation.ambiguous` where an entry could mean several, and `evaluation.unmeasured` where nothing was measured that a
    bound could be held against.
    """
    declared = [] if source is None else [dict(test) for test in source.value.get("tests", ())]
    found = _once(results)
    if not declared and not found:
        return source, ()
    place = "" if source is None else source.place("tests")
    tests = [_judged(test, place) for test in _joined(declared, found, place)]
    if len(tests) > _LIMIT:
        message = f"{len(tests)} evaluations are more than the {_LIMIT} that a manifest holds"
        raise ModelProvenanceError("evaluation.malformed", message)
    held = source or SourceManifest({}, "", {})
    return SourceManifest({**held.value, "tests": tests}, held.file_name, held.places), tuple(_failures(tests, place))


def _once(results: Sequence[Results]) -> list[_Found]:
    """Every number once; one evaluation with two values is nobody's to choose from."""
    kept: dict[tuple[Any, ...], _Found] = {}
    for file in results:
        for measured in file.measured:
            new = _Found(_entry(measured, file), file.file)
            key = tuple(new.entry.get(part) for part in ("name", "metric", "dataset", "group"))
            old = kept.setdefault(key, new)
            if not _same(old.entry["value"], new.entry["value"]):
                raise _conflict(new.entry, f"{old.entry['value']} in {old.file}", f"{new.entry['value']} in {new.file}")
    return list(kept.values())


def _entry(measured: Measured, file: Results) -> dict[str, Any]:
    parts = {
        name: getattr(measured, name)
        for name in ("name", "kind", "metric", "value", "dataset", "group", "url", "notes")
    }
    entry = {name: value for name, value in parts.items() if value is not None}
    return {**entry, "result": "measured", "report": file.file, "digest": str(file.digest)}


def _joined(declared: Sequence[Mapping[str, Any]], found: Sequence[_Found], place: str) -> Iterator[dict[str, Any]]:
    """The declared entries in their order, with what was measured; then what nobody has declared."""
    taken: set[int] = set()
    for entry in declared:
        fitting = [(number, one) for number, one in enumerate(found) if _fits(entry, one.entry)]
        if not fitting:
            _refuse_near(entry, declared, found, place)
            yield dict(entry)
            continue
        if len(fitting) > 1 and (bounded(entry) or "value" in entry):
            metrics = ", ".join(shown(title(one.entry), 80) for _, one in fitting[:_SHOWN])
            message = f"`{shown(title(entry), 120)}` could be any of: {metrics}"
            raise ModelProvenanceError("evaluation.ambiguous", message, location=place)
        for number, one in fitting:
            taken.add(number)
            yield _merged(entry, one, place)
    yield from (dict(one.entry) for number, one in enumerate(found) if number not in taken)


def _fits(
    entry: Mapping[str, Any], measured: Mapping[str, Any], keys: Sequence[str] = ("metric", "dataset", "group")
) -> bool:
    """Whether a declared entry means a measured one. What one of the two leaves unsaid keeps nothing apart."""
    named = entry["name"] == measured["name"]
    return named and all(key not in entry or entry[key] == measured.get(key, entry[key]) for key in keys)


def _refuse_near(
    entry: Mapping[str, Any], declared: Sequence[Mapping[str, Any]], found: Sequence[_Found], place: str
) -> None:
    """The same metric on other data is another evaluation, unless no entry means the data of the file."""
    for one in found:
        if _fits(entry, one.entry, ("metric", "group")) and not any(_fits(other, one.entry) for other in declared):
            said, read = entry["dataset"], one.entry["dataset"]
            raise _conflict(entry, f"on {said} in the manifest", f"on {read} in {one.file}", place)


def _merged(entry: Mapping[str, Any], one: _Found, place: str) -> dict[str, Any]:
    for key in ("value", "digest"):
        if key in entry and not _same(entry[key], one.entry[key]):
            raise _conflict(entry, f"{entry[key]} in the manifest", f"{one.entry[key]} in {one.file}", place)
    # The value is the file's, to the letter; everything else that people said of it stands.
    return {**one.entry, **entry, "value": one.entry["value"]}


def _judged(entry: dict[str, Any], place: str) -> dict[str, Any]:
    """The entry with the result that its bounds give; a declared failure stays one."""
    if not bounded(entry):
        return entry
    if number_of(entry.get("value")) is None:
        message = f"`{shown(title(entry), 200)}` has a bound, and no number was measured that could be held against it"
        raise ModelProvenanceError("evaluation.unmeasured", message, location=place)
    why = fault(entry)
    if entry.get("result") == "passed" and why is not None:
        raise _conflict(entry, "passed in the manifest", f"it {why}", place)
    return {**entry, "result": "passed" if outcome(entry) is Outcome.PASSED else "failed"}


def _failures(tests: Sequence[Mapping[str, Any]], place: str) -> Iterator[Finding]:
    for test in tests:
        if outcome(test) is Outcome.FAILED:
            why = fault(test) or "is said to have failed"
            yield warned(
                "evaluation.failed",
                f"{shown(title(test), 200)} {why}",
                location=place or shown(str(test.get("report", ""))),
            )


def _same(one: Any, other: Any) -> bool:
    """Equal as numbers where both are, else as texts."""
    first, second = number_of(one), number_of(other)
    return one == other if first is None or second is None else first == second


def _conflict(entry: Mapping[str, Any], one: str, other: str, place: str = "") -> ModelProvenanceError:
    message = f"`{shown(title(entry), 200)}` is {shown(one, 200)}, and {shown(other, 200)}"
    return ModelProvenanceError("evaluation.conflict", message, location=place)
