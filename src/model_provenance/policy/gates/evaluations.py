"""The tests and evaluations that the policy asks for were made, as the signed manifest says, and came out well enough.

What was measured is declared by who released the model: the gate holds them to it, and cannot measure again. Numbers are
compared exactly as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from model_provenance.domain.policy import Answer
from model_provenance.domain.text import shown
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused
from model_provenance.policy.sections import Evaluation, Evaluations

_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_SHOWN = 5


class _UnreadableError(Exception):
    """A value that no bound can be compared with."""


def decide(section: Evaluations, case: Case) -> Answer:
    """Each required evaluation against the tests of the manifest."""
    tests = case.verified.manifest.get("tests")
    if tests is None:
        fix = "Declare them under `tests` in the source manifest, and release again."
        what = "the manifest does not say which tests were made"
        return refused("evaluations", section.effect, what, "not said is not passed", fix)
    if not isinstance(tests, list) or not all(isinstance(t, dict) and isinstance(t.get("name"), str) for t in tests):
        return _cannot("the list of tests cannot be read", "an entry has no name, or a wrong type")
    try:
        faults = [*_failed(section, tests), *_lacking(section, tests)]
    except _UnreadableError as error:
        return _cannot(str(error), "the policy compares it with a number")
    if faults:
        fix = "Make the evaluations that the policy asks for, and release a model that meets them."
        return refused("evaluations", section.effect, "; ".join(faults[:_SHOWN]), "the policy asks for it", fix)
    return passed("evaluations", f"{len(section.required or ())} required, among {len(tests)} that were made")


def _failed(section: Evaluations, tests: list[dict[str, Any]]) -> Iterator[str]:
    if section.failed != "allow":
        yield from (f"{shown(test['name'], 60)} failed" for test in tests if test.get("result") == "failed")


def _lacking(section: Evaluations, tests: list[dict[str, Any]]) -> Iterator[str]:
    for wanted in sorted(section.required or (), key=lambda e: (e.name, e.metric or "", e.dataset or "")):
        name = shown(wanted.name, 60) + (f" ({shown(wanted.metric, 60)})" if wanted.metric else "")
        faults = [_fault(wanted, test) for test in tests if _is_of(wanted, test)]
        if not faults:
            yield f"{name} was not made"
        elif None not in faults or (section.select != "any" and faults != [None] * len(faults)):
            yield f"{name} {next(fault for fault in faults if fault is not None)}"


def _is_of(wanted: Evaluation, test: dict[str, Any]) -> bool:
    pairs = ((wanted.name, "name"), (wanted.metric, "metric"), (wanted.dataset, "dataset"))
    return all(value is None or test.get(key) == value for value, key in pairs)


def _fault(wanted: Evaluation, test: dict[str, Any]) -> str | None:
    """What is wrong with one test; None where it is as the policy asks."""
    result = test.get("result")
    if result == "failed":
        return "failed"
    if wanted.result is not None and result != wanted.result:
        return f"is not said to have {wanted.result}" if wanted.result == "passed" else "was not measured"
    if wanted.at_least is None and wanted.at_most is None:
        return None
    if "value" not in test:
        return "has no value"
    value = _number(test["value"], shown(wanted.name, 60))
    if wanted.at_least is not None and value < wanted.at_least:
        return f"is {value}, and at least {wanted.at_least} is asked for"
    if wanted.at_most is not None and value > wanted.at_most:
        return f"is {value}, and at most {wanted.at_most} is allowed"
    return None


def _number(value: Any, name: str) -> Decimal:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    msg = f"the value of {name} is {shown(str(value), 40)}, which is no number"
    raise _UnreadableError(msg)


def _cannot(what: str, why: str) -> Answer:
    return cannot_decide("evaluations", what, why, "Release again with a valid source manifest.")


GATE = Gate("evaluations", "required evaluations were made and hold", lambda policy: policy.evaluations, decide)
