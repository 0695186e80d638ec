"""The tests and evaluations that the policy asks for were made, as is signed, and came out well enough.

What was measured is declared by who released the model: the gate holds them to it, and cannot measure again. Where there is a
signed test result it is read, and else the manifest; check 17 has held the two against each other. Numbers are compared exactly
as they are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from model_provenance.domain.evaluation import Outcome, beyond, number_of
from model_provenance.domain.policy import Answer
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.evaluations import bounded, fault, outcome, title
from model_provenance.formats.test_result import SignedResult, parse
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused
from model_provenance.policy.sections import Evaluation, Evaluations

_SHOWN = 5


class _UnreadableError(Exception):
    """A value that no bound can be compared with."""


def decide(section: Evaluations, case: Case) -> Answer:
    """Each required evaluation against what is signed of it."""
    try:
        signed = parse(case.verified.test_result) if case.verified.test_result else None
    except ModelProvenanceError as error:
        return _cannot("the signed test result cannot be read", error.message)
    tests = case.verified.manifest.get("tests") if signed is None else list(signed.tests)
    if tests is None:
        fix = "Declare them under `tests` in the source manifest, and release again."
        what = "the manifest does not say which tests were made"
        return refused("evaluations", section.effect, what, "not said is not passed", fix)
    if not isinstance(tests, list) or not all(isinstance(t, dict) and isinstance(t.get("name"), str) for t in tests):
        return _cannot("the list of tests cannot be read", "an entry has no name, or a wrong type")
    try:
        faults = [*_unsigned(section, signed), *_failed(section, tests), *_lacking(section, tests)]
    except _UnreadableError as error:
        return _cannot(str(error), "the policy compares it with a number")
    if faults:
        fix = "Make the evaluations that the policy asks for, and release a model that meets them."
        return refused("evaluations", section.effect, "; ".join(faults[:_SHOWN]), "the policy asks for it", fix)
    made = "" if signed is None else f", with a signed test result that says {signed.result.value}"
    return passed("evaluations", f"{len(section.required or ())} required, among {len(tests)} that were made{made}")


def _unsigned(section: Evaluations, signed: SignedResult | None) -> Iterator[str]:
    if section.signed is not None and signed is None:
        yield "there is no signed test result"
    elif section.signed == "passed" and signed is not None and signed.result is not Outcome.PASSED:
        names, why = signed.failed or signed.warned, "failed" if signed.failed else "was held against no bound"
        more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
        what = f"{shown(names[0], 100)} {why}{more}" if names else "nothing was held against a bound"
        yield f"the signed test result says {signed.result.value}: {what}"


def _failed(section: Evaluations, tests: list[dict[str, Any]]) -> Iterator[str]:
    if section.failed != "allow":
        for test in tests:
            if outcome(test) is Outcome.FAILED:
                yield f"{shown(title(test), 100)} {fault(test) or 'failed'}"


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
    if outcome(test) is Outcome.FAILED:
        return fault(test) or "failed"
    if (why := _short_of(wanted, test)) is not None:
        return why
    if not _compares(wanted):
        return None
    if "value" not in test:
        return "has no value"
    value = number_of(test["value"])
    if value is None:
        msg = f"the value of {shown(wanted.name, 60)} is {shown(str(test['value']), 40)}, which is no number"
        raise _UnreadableError(msg)
    return beyond(value, wanted.at_least, wanted.at_most)


def _short_of(wanted: Evaluation, test: dict[str, Any]) -> str | None:
    """Why it is less than the policy's word for it: measured, passed by a bound, or passed by declaration."""
    result = test.get("result")
    if wanted.result == "measured":
        if result != "measured" and not bounded(test):
            return "was not measured"
        return None if "value" in test else "has no value"
    if wanted.result == "declared" and result != "passed":
        return "is not said to have passed"
    if wanted.result == "passed" and outcome(test) is not Outcome.PASSED and not _compares(wanted):
        # The releaser's word alone would be a pass that nobody measured.
        return f"is {'said to have passed' if result == 'passed' else 'made'}, and was held against no bound"
    return None


def _compares(wanted: Evaluation) -> bool:
    return wanted.at_least is not None or wanted.at_most is not None


def _cannot(what: str, why: str) -> Answer:
    return cannot_decide("evaluations", what, why, "Release again with a valid source manifest.")


GATE = Gate("evaluations", "required evaluations were made and hold", lambda policy: policy.evaluations, decide)
