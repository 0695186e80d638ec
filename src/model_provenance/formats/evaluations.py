"""The entries of a manifest's `tests`: their names, their bounds, and how each ended by what was declared of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from model_provenance.domain.evaluation import Outcome, beyond, number_of

Entry = Mapping[str, Any]


def title(entry: Entry) -> str:
    """`NAME: METRIC (DATASET) [GROUP]`, of these what is said."""
    parts = (("metric", ": {}"), ("dataset", " ({})"), ("group", " [{}]"))
    return str(entry["name"]) + "".join(form.format(entry[key]) for key, form in parts if entry.get(key))


def titles(entries: Sequence[Entry]) -> tuple[str, ...]:
    """A title for each; one that repeats is numbered, so that every name stands for one evaluation."""
    seen: Counter[str] = Counter()
    found = []
    for entry in entries:
        text = title(entry)
        seen[text] += 1
        found.append(text if seen[text] == 1 else f"{text} #{seen[text]}")
    return tuple(found)


def bounds(entry: Entry) -> tuple[Decimal | None, Decimal | None]:
    """The declared `min` and `max`."""
    return number_of(entry.get("min")), number_of(entry.get("max"))


def bounded(entry: Entry) -> bool:
    """Whether it was declared what the value should come to."""
    return "min" in entry or "max" in entry


def bound_words(entry: Entry) -> str | None:
    """`at least 0.7, at most 0.9`, as far as it is declared."""
    words = (f"{word} {entry[key]}" for key, word in (("min", "at least"), ("max", "at most")) if key in entry)
    return ", ".join(words) or None


def fault(entry: Entry) -> str | None:
    """Why an evaluation with bounds does not keep them, in words that follow its name; None where it does, or has none."""
    if not bounded(entry):
        return None
    value, (low, high) = number_of(entry.get("value")), bounds(entry)
    if (low is None and "min" in entry) or (high is None and "max" in entry):
        return "has a bound that is no number"
    return "has no number as its value" if value is None else beyond(value, low, high)


def outcome(entry: Entry) -> Outcome | None:
    """FAILED where it is said or its bounds say so, PASSED only by bounds; None for what was only measured.

    Nobody's word that it passed is enough: that is WARNED.
    """
    if entry.get("result") == "failed" or fault(entry) is not None:
        return Outcome.FAILED
    if bounded(entry):
        return Outcome.PASSED
    return Outcome.WARNED if entry.get("result") == "passed" else None


def together(outcomes: Sequence[Outcome | None]) -> Outcome:
    """The result of all: the worst of them. Where nothing passed, because nothing had a bound, it is WARNED."""
    order = (Outcome.FAILED, Outcome.WARNED, Outcome.PASSED)
    return next((worst for worst in order if worst in outcomes), Outcome.WARNED)


def problems(entry: Entry) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) of one entry whose values are of the right types."""
    low, high = bounds(entry)
    if low is not None and high is not None and low > high:
        yield "min", "`min` is above `max`, so nothing could hold"
    elif entry.get("result") == "passed" and "value" in entry and (why := fault(entry)) is not None:
        yield "result", f"it is said to have passed, and it {why}"


def released_problems(entry: Entry) -> Iterator[tuple[str, str]]:
    """The same for an entry of a release: who set a bound has measured, and says what came out."""
    if "report" in entry and "digest" not in entry:
        yield "report", "it was read from a file whose digest is not said"
    if not bounded(entry):
        return
    if number_of(entry.get("value")) is None:
        yield "value", "it has a bound, and its value is no number"
    elif entry.get("result") != ("passed" if outcome(entry) is Outcome.PASSED else "failed"):
        yield "result", "its `result` does not follow from its value and its bounds"
