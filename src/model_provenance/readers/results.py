"""Result files of evaluations, as their tools write them: read within bounds, nothing believed but that it is written there.

Three forms are told apart by what they hold: `results_*.json` of lm-evaluation-harness (`results`), a list of our own
(`tests`, with the fields of the manifest's), and a model card with a `model-index`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.evaluation import KINDS, Measured, Results, number_of
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.located import WrittenNumber
from model_provenance.formats.manifest_forms import url as url_problem
from model_provenance.readers.bounds import text
from model_provenance.readers.card import card_results
from model_provenance.readers.cursor import ReaderError
from model_provenance.readers.front_matter import SIZE_LIMIT, front_matter
from model_provenance.readers.json_text import JsonWalk

#: Bytes of a file. The harness repeats prompts and task code in its own.
LIMIT = 16 * 1024 * 1024
_PART_LIMIT = 4 * 1024 * 1024
#: What the manifest has room for.
_COUNT_LIMIT = 1000
_TEXT_LIMIT = 299
_NOTES_LIMIT = 2000
_PARTS = ("results", "configs", "n-shot", "versions", "tests")
#: Keys of a task that are not metrics.
_BESIDE = ("alias", "name", "sample_len", "sample_count", "samples")
#: Tasks of the harness whose subject is known, by the name that all of their kind begin with.
_SUBJECTS = (
    ("crows_pairs", "bias"),
    ("bbq", "bias"),
    ("winogender", "bias"),
    ("toxigen", "safety"),
    ("realtoxicityprompts", "safety"),
)


def read_results(data: bytes, file_name: str) -> Results:
    """Everything that a result file measured, in its order; raises `evaluation.malformed`."""
    try:
        measured = tuple(_measured(data))
    except ReaderError as error:
        raise ModelProvenanceError("evaluation.malformed", str(error), location=shown(file_name, 400)) from error
    except (ValueError, RecursionError, ArithmeticError, LookupError, TypeError) as error:
        message = f"reading it ended with {type(error).__name__}"
        raise ModelProvenanceError("evaluation.malformed", message, location=shown(file_name, 400)) from error
    return Results(text(file_name, _TEXT_LIMIT) or "results", Digest.of(data), measured)


def _measured(data: bytes) -> list[Measured]:
    if len(data) > LIMIT:
        raise ReaderError(f"it is {len(data)} bytes, more than the {LIMIT} that are read")
    if data.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")[:1] == b"{":
        parts = _parts(data)
        if "results" not in parts and "tests" not in parts:
            raise ReaderError("it has neither `results`, as lm-evaluation-harness writes them, nor `tests`")
        found = _bounded(_own(parts["tests"]) if "results" not in parts else _harness(parts))
    else:
        card = front_matter(data[:SIZE_LIMIT])
        if card is None:
            raise ReaderError("it is neither JSON nor a model card with front matter")
        found = _bounded(_card(card))
    if not found:
        raise ReaderError("it holds no result")
    return found


def _bounded(found: Iterator[Measured]) -> list[Measured]:
    kept: list[Measured] = []
    for measured in found:
        if len(kept) == _COUNT_LIMIT:
            raise ReaderError(f"it holds more than {_COUNT_LIMIT} results")
        kept.append(measured)
    return kept


def _parts(data: bytes) -> dict[str, Any]:
    """The members that are looked at; everything else is walked over and never built."""
    walk = JsonWalk(data)
    parts: dict[str, Any] = {}
    for key in walk.members():
        if key in _PARTS:
            parts[key] = walk.value(_PART_LIMIT, WrittenNumber)
        else:
            walk.skip()
    if not walk.at_end():
        raise ReaderError("something follows after its end")
    return parts


def _harness(parts: Mapping[str, Any]) -> Iterator[Measured]:
    """lm-evaluation-harness: `results`, task to `METRIC,FILTER` to number, and `METRIC_stderr,FILTER` beside it."""
    for task, values in _object(parts["results"], "results").items():
        if not isinstance(values, dict):
            raise ReaderError(f"the results of {shown(task, 80)!r} are no object")
        config = _member(parts, "configs", task)
        dataset = config.get("dataset_path") if isinstance(config, dict) else None
        for key, value in values.items():
            metric, _, filtered = key.partition(",")
            if key in _BESIDE or metric.endswith("_stderr"):
                continue
            # A text is what the harness writes for what it could not measure (`N/A`, and blanks in groups).
            if isinstance(value, str) and number_of(value.strip()) is not None:
                raise ReaderError(
                    f"a value of {shown(task, 80)!r} is a number written as text, which the harness never writes"
                )
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            yield Measured(
                name=_line(task, "a task"),
                metric=_line(metric if filtered in ("", "none") else key, "a metric"),
                value=_number(value, task),
                dataset=text(dataset, _TEXT_LIMIT) or None,
                kind=next((kind for name, kind in _SUBJECTS if task.lower().startswith(name)), None),
                notes="; ".join(_notes(parts, task, values, f"{metric}_stderr" + (f",{filtered}" if filtered else "")))
                or None,
            )


def _notes(parts: Mapping[str, Any], task: str, values: Mapping[str, Any], error: str) -> Iterator[str]:
    shots, version, spread = _member(parts, "n-shot", task), _member(parts, "versions", task), values.get(error)
    if isinstance(shots, int) and not isinstance(shots, bool):
        yield f"{shots}-shot"
    if isinstance(version, (str, int, float)) and not isinstance(version, bool):
        written = version.text if isinstance(version, WrittenNumber) else str(version)
        yield f"task version {text(written, 60)}"
    if isinstance(spread, (int, float)) and not isinstance(spread, bool):
        yield f"standard error {_number(spread, task)}"


def _own(tests: Any) -> Iterator[Measured]:
    """Our own form: entries as in a manifest. Bounds are not read: what measures does not say what is enough."""
    for entry in _list(tests, "tests"):
        unknown = sorted(entry.keys() - {"name", "metric", "value", "dataset", "kind", "group", "url", "notes"})
        if unknown:
            hint = ", and bounds stand in the manifest" if set(unknown) & {"min", "max", "result"} else ""
            raise ReaderError(f"an entry of `tests` has the key {shown(unknown[0], 80)!r}, which is not read{hint}")
        value = entry.get("value")
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ReaderError(f"the value of {shown(str(entry.get('name')), 80)!r} is neither a number nor text")
        kind, url = entry.get("kind"), _optional(entry, "url", _NOTES_LIMIT)
        if kind is not None and kind not in KINDS:
            raise ReaderError(f"a kind is none of {', '.join(KINDS)}")
        if url is not None and (problem := url_problem(url)) is not None:
            raise ReaderError(f"a url is not usable: {problem.message}")
        yield Measured(
            name=_line(entry.get("name"), "a name"),
            metric=_optional(entry, "metric"),
            value=_number(value, str(entry.get("name"))) if not isinstance(value, str) else _line(value, "a value"),
            dataset=_optional(entry, "dataset"),
            kind=kind,
            group=_optional(entry, "group"),
            url=url,
            notes=text(entry.get("notes"), _NOTES_LIMIT) or None,
        )


def _card(card: Mapping[str, Any]) -> Iterator[Measured]:
    """`model-index` of a model card; results without a value say nothing."""
    for result in card_results(card.get("model-index")):
        task, dataset = result.get("task"), result.get("dataset")
        if "value" in result and (task or dataset):
            yield Measured(
                name=_line(task or dataset, "a task"),
                metric=_optional(result, "metric"),
                value=_line(result["value"], "a value"),
                dataset=_optional(result, "dataset"),
            )


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ReaderError(f"its `{what}` are no object")
    return value


def _list(value: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ReaderError(f"its `{what}` are no list of objects")
    return value


def _member(parts: Mapping[str, Any], part: str, task: str) -> Any:
    held = parts.get(part)
    return held.get(task) if isinstance(held, dict) else None


def _line(value: Any, what: str, limit: int = _TEXT_LIMIT) -> str:
    """A text of the length that a manifest holds, whole: a name that is cut would be another name."""
    found = text(value, limit)
    if not found or len(found) > limit:
        raise ReaderError(f"{what} is no text of at most {limit} characters")
    return found


def _optional(entry: Mapping[str, Any], key: str, limit: int = _TEXT_LIMIT) -> str | None:
    return None if entry.get(key) is None else _line(entry[key], f"a {key}", limit)


def _number(value: float, what: str) -> str | int:
    """The number as a manifest holds it: an integer, or as it is written: the nearest float may keep a bound that it misses."""
    whole = value if isinstance(value, int) and abs(value) < 2**53 else repr(value)
    written = value.text if isinstance(value, WrittenNumber) else whole
    if number_of(written) is None or math.isinf(value):
        raise ReaderError(
            f"a value of {shown(what, 80)!r} is no finite number of at most 30 digits before and after its point"
        )
    return written
