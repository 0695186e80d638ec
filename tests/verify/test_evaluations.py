"""A signed test result belongs to its release, and says what the signed manifest does."""

from __future__ import annotations

from typing import Any

import pytest

from model_provenance.domain.evidence import Predicate, Statement
from model_provenance.domain.verification import Expectation, Trust
from model_provenance.formats.intoto import named_statement
from model_provenance.verify.bundle import verify_bundle

TESTS = b"""\
tests:
  - {name: hellaswag, metric: acc, min: 0.7, value: 0.72}
  - {name: parity, kind: bias, max: 0.05, value: 0.02}
"""
FAILED = TESTS.replace(b"value: 0.72", b"value: 0.62")


def draft_of(api: Any, source: bytes = TESTS, **more: Any) -> Any:
    """A release with evaluations."""
    return api.Draft(source=source, **more)


def test_a_release_with_evaluations_verifies_with_its_test_result(api: Any, judge: Any) -> None:
    """Check 17 says what it holds, and policies get the signed predicate."""
    draft = draft_of(api)
    report = judge(api.by_key(draft.statements), draft.directory)
    assert api.failures(report) == set()
    assert Predicate.TEST_RESULT in report.predicate_types
    assert report.verified.test_result["result"] == "PASSED"
    assert "PASSED: 2 passed, 0 failed, 0 only measured" in [
        f.message for f in report.findings if f.id == "evaluations"
    ]


def test_a_release_without_evaluations_has_none_and_says_so(api: Any, judge: Any) -> None:
    """No check is silent."""
    draft = api.Draft()
    report = judge(api.by_key(draft.statements), draft.directory)
    assert "no evaluation is claimed" in [f.message for f in report.findings if f.id == "evaluations"]
    assert report.verified.test_result == {}


def test_a_failed_evaluation_is_a_warning(api: Any, judge: Any) -> None:
    """The release is what it says it is, and says that it failed: whether it may be used is a policy's to decide."""
    draft = draft_of(api, FAILED)
    report = judge(api.by_key(draft.statements), draft.directory)
    assert api.failures(report) == set()
    assert "evaluation.failed" in api.warnings(report)
    assert report.verified.test_result["failedTests"] == ["hellaswag: acc"]


def test_a_test_result_that_was_taken_away_is_missed(api: Any, judge: Any) -> None:
    """The provenance names it: exit status 12."""
    draft = draft_of(api, FAILED)
    bundles = api.by_key(draft.statements)
    del bundles["test-result"]
    report = judge(bundles, draft.directory)
    assert api.failures(report) == {"evidence.missing"}
    assert report.exit_status == 12


def test_a_release_that_was_made_without_a_test_result_is_known_as_such(api: Any, judge: Any) -> None:
    """Its provenance names none, so nothing was taken away; the finding says that nothing is signed of its evaluations."""
    draft = draft_of(api)
    made = api.relinked([s for s in draft.statements if s.name != "test-result"])
    report = judge(api.by_key(made), draft.directory)
    assert api.failures(report) == set()
    assert "evaluation.unsigned" in api.warnings(report)
    assert report.verified.test_result == {}


def test_a_test_result_of_another_release_is_refused(api: Any, judge: Any) -> None:
    """That of the last version, which passed, beside this one, which failed: well signed, and not of this set."""
    old, new = draft_of(api, TESTS, version="0.9.0"), draft_of(api, FAILED)
    bundles = api.by_key(new.statements) | {"test-result": api.by_key(old.statements)["test-result"]}
    report = judge(bundles, new.directory)
    assert {"set.unnamed", "evidence.missing", "evaluation.differs"} <= api.failures(report)


def test_a_second_test_result_is_refused(api: Any, judge: Any) -> None:
    """Which of the two counts would be the choice of whoever arranged the folder."""
    old, new = draft_of(api, TESTS, version="0.9.0"), draft_of(api, FAILED)
    bundles = api.by_key(new.statements) | {"aa-test-result": api.by_key(old.statements)["test-result"]}
    assert {"set.duplicate", "set.unnamed"} <= api.failures(judge(bundles, new.directory))


def test_a_test_result_that_somebody_else_signed_does_not_join_a_release(api: Any, judge: Any) -> None:
    """A release is the word of one signer."""
    draft = draft_of(api, FAILED)
    good = draft_of(api, TESTS)
    bundles = api.by_key(draft.statements)
    bundles["test-result"] = api.by_key(good.statements, api.OTHER_KEY)["test-result"]
    report = judge(bundles, draft.directory)
    assert {"signature.invalid", "set.signer"} <= api.failures(report)
    assert report.exit_status == 10


def test_a_test_result_beside_a_release_without_evaluations_is_refused(api: Any, judge: Any) -> None:
    """Also where the releaser's own provenance names it."""
    plain, tested = api.Draft(), draft_of(api)
    statements = [s for s in tested.statements if s.name == "test-result"]
    made = api.relinked([*plain.statements[:-1], *statements, plain.statements[-1]])
    assert api.failures(judge(api.by_key(made), plain.directory)) == {"evaluation.differs"}


LIES: dict[str, Any] = {
    "it says PASSED": lambda p: p.update(result="PASSED"),
    "a failure is among the passed": lambda p: p.update(passedTests=[*p["passedTests"], *p.pop("failedTests")]),
    "a failure is left out": lambda p: p.update(failedTests=[]),
    "another value": lambda p: p["configuration"][0]["annotations"]["tests"][0].update(value="0.72"),
    "another bound": lambda p: p["configuration"][0]["annotations"]["tests"][0].update(min="0.6"),
    "an evaluation is left out": lambda p: p["configuration"][0]["annotations"]["tests"].pop(0),
    "another manifest": lambda p: p["configuration"][0]["digest"].update(sha256="ab" * 32),
    "a report that nobody read": lambda p: p["configuration"].append({"name": "r", "digest": {"sha256": "ab" * 32}}),
    "another form": lambda p: p.pop("configuration"),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_test_result_that_says_other_things_than_the_manifest_is_refused(api: Any, judge: Any, lie: Any) -> None:
    """Signed by the releaser, in one set: what other tools read and what our policies read must be one."""
    draft = draft_of(api, FAILED)
    made = api.edited(draft.statements, "test-result", lambda value: lie(value["predicate"]))
    report = judge(api.by_key(made), draft.directory)
    assert api.failures(report) == {"evaluation.differs"}
    assert report.exit_status == 11


def test_one_test_result_can_be_verified_alone(api: Any) -> None:
    """As `--bundle`: that it was signed, about this model; it is not a release."""
    draft = draft_of(api)
    bundle = api.by_key(draft.statements)["test-result"]
    report = verify_bundle(bundle, draft.directory, Expectation(api.key_expectation()), Trust(None))
    assert api.failures(report) == set()
    assert report.predicate_types == (Predicate.TEST_RESULT,)
    assert report.verified.test_result == {}


@pytest.mark.parametrize("name", ["test-result", "manifest"])
def test_one_statement_alone_says_what_failed(api: Any, name: str) -> None:
    """A person who verifies it with `--bundle` sees that the evaluation it signs failed, and not only that it was signed."""
    draft = draft_of(api, FAILED)
    bundle = api.by_key(draft.statements)[name]
    report = verify_bundle(bundle, draft.directory, Expectation(api.key_expectation()), Trust(None))
    assert [(f.message, f.location) for f in report.findings if f.id == "evaluation.failed"] == [
        ("failed: hellaswag: acc", name)
    ]
    assert api.failures(report) == set()
    assert "the test result says what the manifest does" in report.not_checked


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        ({"result": "FAILED", "configuration": []}, "failed: the test result as a whole"),
        ({"result": "FAILED", "failedTests": ["a", "b", "c", "d"]}, "failed: a, b, c and 1 more"),
        ({"result": "PASSED", "failedTests": ["a\u202e"]}, "failed: a\\u202e"),
    ],
)
def test_a_test_result_of_another_tool_alone_says_what_failed(api: Any, predicate: Any, message: str) -> None:
    """The fields of in-toto are enough; a name among the failures counts whatever the result says."""
    report = foreign_alone(api, predicate)
    assert [f.message for f in report.findings if f.id == "evaluation.failed"] == [message]
    assert api.failures(report) == set()


@pytest.mark.parametrize("predicate", [{}, {"result": "failed"}, {"result": "PASSED", "failedTests": "a"}])
def test_a_test_result_alone_without_an_outcome_is_no_pass(api: Any, predicate: Any) -> None:
    """What cannot be read may have failed."""
    assert api.failures(foreign_alone(api, predicate)) == {"evidence.malformed"}


def foreign_alone(api: Any, predicate: Any) -> Any:
    """The report over a test result of another tool, about the model."""
    draft = api.Draft()
    payload = named_statement([("oms-root", draft.package.model_digest.hex)], Predicate.TEST_RESULT, predicate)
    bundle = api.by_key([Statement("foreign", Predicate.TEST_RESULT, payload)])["foreign"]
    return verify_bundle(bundle, draft.directory, Expectation(api.key_expectation()), Trust(None))
