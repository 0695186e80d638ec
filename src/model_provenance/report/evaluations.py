"""The evaluations of a release as rows: what was measured, what was asked for, and how it came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from model_provenance.domain.evaluation import Outcome
from model_provenance.formats.evaluations import outcome, title, together

_WORDS = {Outcome.PASSED: "passed", Outcome.WARNED: "said to have passed", Outcome.FAILED: "FAILED", None: "measured"}
_ORDER = (Outcome.FAILED, Outcome.WARNED, Outcome.PASSED, None)


class EvaluationRow(NamedTuple):
    """One evaluation in words, unescaped."""

    name: str
    value: str
    #: e.g. "≥ 0.7"; empty where there is none.
    bound: str
    outcome: str
    #: The result file, or that the value was typed.
    source: str


def evaluation_rows(manifest: Mapping[str, Any]) -> list[EvaluationRow]:
    """Every evaluation that the manifest names: what failed first, what was only measured last."""
    tests = sorted(_tests(manifest), key=lambda test: _ORDER.index(outcome(test)))
    return [
        EvaluationRow(_name(test), str(test.get("value", "")), _bound(test), _WORDS[outcome(test)], _source(test))
        for test in tests
    ]


def evaluations_line(manifest: Mapping[str, Any]) -> str:
    """All of them in one line, with the result that the signed statement has; empty where there is none."""
    tests = _tests(manifest)
    if not tests:
        return ""
    outcomes = [outcome(test) for test in tests]
    counts = [f"{outcomes.count(each)} {_WORDS[each].lower()}" for each in _ORDER if each in outcomes]
    return f"{together(outcomes).value}: {', '.join(counts)}"


def _tests(manifest: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [test for test in manifest.get("tests") or () if isinstance(test, dict)]


def _name(test: Mapping[str, Any]) -> str:
    kind = test.get("kind")
    return f"{title(test)} · {kind}" if kind in ("bias", "safety") else title(test)


def _bound(test: Mapping[str, Any]) -> str:
    return ", ".join(f"{sign} {test[key]}" for key, sign in (("min", "≥"), ("max", "≤")) if key in test)


def _source(test: Mapping[str, Any]) -> str:
    return str(test.get("report") or "declared")
