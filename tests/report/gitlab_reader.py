"""Reports read as GitLab reads them: by the published schemas, and by what its readers do beyond those."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema
from lxml import etree

_SCHEMAS = Path(__file__).parent / "gitlab"
_JUNIT = etree.XMLSchema(etree.parse(_SCHEMAS / "junit-10.xsd"))
_ISSUE = jsonschema.Draft7Validator(json.loads((_SCHEMAS / "codeclimate.json").read_text()))
#: The first of these that a case has is what it counts as; without one it has passed.
_STATES = ("failure", "error", "skipped")
#: The words of the merge request widget; GitLab shows any other as unknown.
_SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


def cases_of(report: bytes) -> dict[str, str]:
    """Name of a test case -> passed, failure, error or skipped. Cases of one name and state would be shown as one."""
    root = etree.fromstring(report, etree.XMLParser(resolve_entities=False, no_network=True))
    _JUNIT.assertValid(root)
    cases: dict[str, str] = {}
    for suite in root.iter("testsuite"):
        states = []
        for case in suite.iter("testcase"):
            state = next((state for state in _STATES if case.find(state) is not None), "passed")
            assert case.get("name") not in cases, f"two cases are called {case.get('name')!r}"
            # GitLab makes a link of this to whatever file of the job it names.
            assert state != "failure" or case.find("system-out") is None
            cases[case.get("name")] = state
            states.append(state)
        for state, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.get(count)) == states.count(state)
        assert int(suite.get("tests")) == len(states)
    return cases


def issues(report: bytes) -> list[dict[str, Any]]:
    """The issues of a code quality report. Those of one fingerprint would be shown as one."""
    found: list[dict[str, Any]] = json.loads(report)
    for issue in found:
        _ISSUE.validate(issue)
        place = PurePosixPath(issue["location"]["path"])
        assert issue["location"]["lines"]["begin"] >= 1
        assert issue["severity"] in _SEVERITIES
        assert not place.is_absolute()
        assert ".." not in place.parts
    assert len({issue["fingerprint"] for issue in found}) == len(found)
    return found
