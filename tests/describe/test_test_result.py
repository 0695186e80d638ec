"""The in-toto test result: a function of the released manifest, of the published form, and there with evaluations only."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult as Published

from model_provenance.domain.digest import Digest
from model_provenance.domain.evaluation import Outcome
from model_provenance.domain.evidence import Predicate
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical
from model_provenance.formats.manifest import released
from model_provenance.formats.test_result import parse, result_predicate

GOLDEN = Path(__file__).parent / "golden"
TESTS = b"""\
tests:
  - {name: hellaswag, metric: acc_norm, dataset: Rowan/hellaswag, value: 0.7211810396335391, min: 0.7}
  - {name: parity, kind: bias, metric: tpr_gap, group: women, value: 0.08, max: 0.05}
  - {name: red team, kind: safety, result: passed, url: "https://example.org/red-team"}
  - {name: perplexity, value: 12}
"""
BARE = b"tests: [{name: hellaswag, min: 0.7, value: 0.8}]\n"


def predicate_of(statements: Any) -> dict[str, Any]:
    """The predicate of the one test result."""
    [found] = [s for s in statements if s.predicate_type == Predicate.TEST_RESULT]
    assert found.name == "test-result"
    return dict(json.loads(found.payload)["predicate"])


def test_a_test_result_is_byte_for_byte_the_one_that_is_kept(release: Any) -> None:
    """Names in the lists by outcome; numbers and bounds as annotations of the manifest; what was only measured in no list."""
    made = release(source=TESTS)
    predicate = predicate_of(made.statements)
    assert canonical(predicate) == (GOLDEN / "test-result.json").read_bytes().rstrip(b"\n")
    assert predicate["configuration"][0]["digest"]["sha256"] == Digest.of(made.manifest.data).hex


def test_the_published_schema_reads_it_and_keeps_every_field(release: Any) -> None:
    """By in-toto's own protobuf, which refuses a field that it does not know; and back again without a difference."""
    predicate = predicate_of(release(source=TESTS).statements)
    message = json_format.ParseDict(predicate, Published(), ignore_unknown_fields=False)
    assert list(message.passed_tests) == ["hellaswag: acc_norm (Rowan/hellaswag)"]
    assert list(message.warned_tests) == ["red team"]
    assert list(message.failed_tests) == ["parity: tpr_gap [women]"]
    assert message.result == "FAILED"
    assert json_format.MessageToDict(message) == {key: value for key, value in predicate.items() if value != []}


def test_without_evaluations_there_is_none(release: Any) -> None:
    """And the other statements have the bytes that they had before there were any."""
    assert Predicate.TEST_RESULT not in {s.predicate_type for s in release().statements}


def test_it_stands_before_the_provenance_which_names_it(release: Any) -> None:
    """So it belongs to the set, with the subjects of every other statement."""
    statements = release(source=TESTS).statements
    assert [s.name for s in statements][-2:] == ["test-result", "provenance"]
    provenance = json.loads(statements[-1].payload)
    named = {entry["name"]: entry["digest"]["sha256"] for entry in provenance["predicate"]["runDetails"]["byproducts"]}
    assert named["test-result"] == statements[-2].digest.hex
    assert json.loads(statements[-2].payload)["subject"] == provenance["subject"]


def test_it_passes_only_by_bounds(release: Any) -> None:
    """One bound that is kept is PASSED, a number alone or a word is WARNED."""
    for source, result in (
        (BARE, "PASSED"),
        (b"tests: [{name: a, value: 1}]\n", "WARNED"),
        (b"tests: [{name: a, result: passed}]\n", "WARNED"),
        (b"tests: [{name: a, value: 1, min: 1}, {name: b, result: passed}]\n", "WARNED"),
        (b"tests: [{name: a, value: 1, min: 1}, {name: b, value: 2}]\n", "PASSED"),
    ):
        assert predicate_of(release(source=source).statements)["result"] == result, source


def test_it_is_read_as_it_was_written(release: Any) -> None:
    """A verifier sees what was made; fields that it does not know are left alone, as in-toto asks for."""
    predicate = predicate_of(release(source=TESTS).statements)
    found = parse({**predicate, "somebodyElses": 1})
    assert found.result is Outcome.FAILED
    assert (found.passed, found.failed) == (("hellaswag: acc_norm (Rowan/hellaswag)",), ("parity: tpr_gap [women]",))
    assert [test["name"] for test in found.tests] == ["hellaswag", "parity", "red team", "perplexity"]


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "no result": lambda p: p.pop("result"),
    "another word": lambda p: p.update(result="passed"),
    "no configuration": lambda p: p.pop("configuration"),
    "an empty configuration": lambda p: p.update(configuration=[]),
    "a configuration of texts": lambda p: p.update(configuration=["x"]),
    "a manifest without annotations": lambda p: p["configuration"][0].pop("annotations"),
    "annotations of another type": lambda p: p["configuration"][0].update(annotations=[]),
    "evaluations of another type": lambda p: p["configuration"][0]["annotations"].update(tests="x"),
    "an evaluation of another type": lambda p: p["configuration"][0]["annotations"].update(tests=[1]),
    "too many evaluations": lambda p: p["configuration"][0]["annotations"].update(tests=[{}] * 1001),
    "a descriptor without a name": lambda p: p["configuration"][0].pop("name"),
    "a descriptor without a digest": lambda p: p["configuration"][0].pop("digest"),
    "a digest of another type": lambda p: p["configuration"][0]["digest"].update(sha256=1),
    "names of another type": lambda p: p.update(passedTests=[1]),
    "names that are no list": lambda p: p.update(failedTests="x"),
    "too many names": lambda p: p.update(warnedTests=["x"] * 1001),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_no_test_result_of_a_release_is_refused(
    release: Any, change: Callable[[dict[str, Any]], object]
) -> None:
    """Each with the one code, and what is wrong."""
    predicate = predicate_of(release(source=TESTS).statements)
    change(predicate)
    with pytest.raises(ModelProvenanceError) as refused:
        parse(predicate)
    assert refused.value.code == "evaluation.differs"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["result", "configuration", "passedTests", "failedTests", "url"]), JSON))
def test_any_predicate_is_read_or_refused(value: Any) -> None:
    """With one error."""
    code = ""
    try:
        parse(value)
    except ModelProvenanceError as error:
        code = error.code
    assert code in ("", "evaluation.differs")


def test_a_released_manifest_whose_results_do_not_follow_from_its_bounds_is_refused(release: Any) -> None:
    """Whoever signs `passed` beside a number that misses the bound has no valid manifest."""
    value = json.loads(release(source=BARE).manifest.data)
    for change in (
        {"result": "failed", "min": "0.6"},
        {"value": "0.5"},
        {"value": "x"},
        {"result": "measured"},
        {"report": "r.json"},
    ):
        tests = [{**value["tests"][0], **change}]
        if change == {"result": "failed", "min": "0.6"}:
            assert released({**value, "tests": tests}).value["tests"] == tests  # a declared failure is believed
            continue
        with pytest.raises(ModelProvenanceError) as refused:
            released({**value, "tests": tests})
        assert refused.value.code == "manifest.invalid"


def test_there_is_no_predicate_where_there_is_no_evaluation(release: Any) -> None:
    """Of a manifest as such."""
    assert result_predicate(release().manifest) is None
