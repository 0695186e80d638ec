"""GitLab's reports as its readers take them: well-formed whatever a model is called, and failing only for errors."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from tests.report.gitlab_reader import cases_of, issues

from model_provenance.domain.finding import failed, passed, skipped, undecided, warned
from model_provenance.report.gitlab import code_quality, junit


def test_only_errors_fail_a_test_case() -> None:
    """A passed check and a warning are green, a skipped one is skipped, what failed or could not be decided is red."""
    findings = [
        passed("signer", "as expected"),
        warned("readers.executable", "can run code"),
        skipped("context.dirty", "not looked at"),
        failed("manifest.unknown_key", "no such key", location="m.yaml:2:1"),
        undecided("hooks.git", "cannot tell"),
    ]

    report = junit(findings, done="release m: SIGNED")
    suite = ET.fromstring(report)[0]

    assert list(cases_of(report).values()) == ["passed", "passed", "passed", "skipped", "failure", "error"]

    assert suite.attrib == {"name": "model-provenance", "tests": "6", "failures": "1", "errors": "1", "skipped": "1"}
    assert [[child.tag for child in case] for case in suite] == [
        [], ["system-out"], ["system-out"], ["skipped"], ["failure"], ["error"],
    ]  # fmt: skip


@given(st.text(), st.text(), st.text())
def test_hostile_text_stays_text(message: str, remedy: str, location: str) -> None:
    """Whatever a message or a file name holds, both reports parse and have one entry for it, or none."""
    finding = failed("manifest.unknown_key", message, remedy=remedy, location=location)

    report = junit([finding])
    suite = ET.fromstring(report)[0]

    assert list(cases_of(report).values()) == ["failure"]
    assert len(issues(code_quality([finding]))) <= 1
    assert [child.tag for child in suite[0]] == ["failure"]
    assert len(suite) == 1


def test_an_issue_has_path_and_line_and_a_fingerprint_of_its_own() -> None:
    """`path:line:column` becomes a location; equal findings are one; no line of a file of the project: left out."""
    here = failed("manifest.unknown_key", "no such key", location="./m.yaml:2:1")
    findings = [
        here,
        here,
        failed("hooks.git", "x", location="/etc/passwd:1"),
        failed("hooks.git", "x", location="a/../../b:1"),
        failed("policy.denied", "x", location="rules/small"),
        failed("hooks.git", "x"),
        passed("a", "b"),
    ]

    found = issues(code_quality(findings))

    assert [(i["location"], i["severity"]) for i in found] == [({"path": "m.yaml", "lines": {"begin": 2}}, "critical")]


def test_cases_of_one_name_are_told_apart() -> None:
    """Two findings of one check about one place: GitLab would show cases of one name as one."""
    report = junit([failed("hooks.git", "x"), failed("hooks.git", "y"), passed("hooks.git", "z")])
    assert len(cases_of(report)) == 3
