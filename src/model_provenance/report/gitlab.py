"""GitLab's surfaces that need no token: dotenv outputs, links on the job page, test cases, findings on lines."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.domain.receipt import Receipt
from model_provenance.domain.text import shown

#: GitLab refuses a dotenv report above 5 KiB, with blank lines, comments, spaces in keys or multi-line values.
_DOTENV_LIMIT = 5 * 1024
_VALUE = re.compile(r"[\x21-\x7e]*")
#: What XML 1.0 cannot carry in any spelling (section 2.2); names and messages come from models.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FAILING = {Status.FAIL: "failure", Status.ERROR: "error"}
_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}
#: `file:line[:column]`; a name alone may be that of a rule, a bundle or a gate, and no file of the project.
_PLACE = re.compile(r"(?P<path>[^/:][^:]*):(?P<line>[1-9][0-9]{0,8})(?::[0-9]+)?")
_MESSAGE = 2000


def dotenv(outputs: Mapping[str, str]) -> bytes:
    """`MODEL_PROVENANCE_RESULT=…` lines; a value that GitLab could not carry is left out."""
    lines = []
    for name, value in outputs.items():
        if _VALUE.fullmatch(value):
            lines.append(f"MODEL_PROVENANCE_{name.upper().replace('-', '_')}={value}\n")
    data = ""
    for line in lines:
        if len(data) + len(line) <= _DOTENV_LIMIT:
            data += line
    return data.encode()


def links(receipt: Receipt) -> bytes:
    """The `annotations` report: links to the log entries, shown on the job page."""
    found = [
        {"external_link": {"label": f"log entry {entry.log_index} ({bundle.name})", "url": entry.entry_url}}
        for bundle in receipt.bundles
        for entry in bundle.log_entries
        if entry.entry_url
    ]
    return (json.dumps({"model-provenance": found}, indent=2) + "\n").encode()


def junit(findings: Sequence[Finding], *, done: str = "") -> bytes:
    """One test case a check. Only an error fails one; what was skipped, or is only worth knowing, says so."""
    taken: set[str] = set()
    cases = [f'    <testcase classname="model-provenance" name={_named(done, taken)}/>\n'] if done else []
    cases += [_case(finding, _named(finding.id + _where(finding), taken)) for finding in findings]
    counts = {word: sum(1 for case in cases if f"<{word} " in case) for word in ("failure", "error", "skipped")}
    totals = (
        f'tests="{len(cases)}" failures="{counts["failure"]}" errors="{counts["error"]}" skipped="{counts["skipped"]}"'
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites>\n  <testsuite name="model-provenance" {totals}>\n{"".join(cases)}  </testsuite>\n</testsuites>\n'
    )
    return text.encode()


def code_quality(findings: Sequence[Finding]) -> bytes:
    """What is wrong on a line of a file of the project, with a fingerprint that is the same as long as the finding is."""
    issues = [issue for finding in findings if (issue := _issue(finding)) is not None]
    # Issues of one fingerprint collapse in GitLab; a list with doubles would only look longer than it is.
    unique = {issue["fingerprint"]: issue for issue in issues}
    return (json.dumps(list(unique.values()), indent=2, ensure_ascii=True) + "\n").encode()


def _named(name: str, taken: set[str]) -> str:
    """GitLab shows cases of one name as one, so a further one is numbered."""
    number, found = 1, _attribute(name)
    while found in taken:
        number += 1
        found = _attribute(f"{shown(name, _MESSAGE // 2)} ({number})")
    taken.add(found)
    return found


def _case(finding: Finding, name: str) -> str:
    head = f'    <testcase classname="model-provenance" name={name}'
    message = _attribute(finding.message)
    body = escape(_xml(f"{finding.message}\n{finding.remedy}".strip()))
    if finding.severity is Severity.ERROR and finding.status in _FAILING:
        word = _FAILING[finding.status]
        return (
            f"{head}>\n      <{word} message={message} type={_attribute(finding.id)}>{body}</{word}>\n    </testcase>\n"
        )
    if finding.status in (Status.SKIPPED, Status.NOT_APPLICABLE):
        return f"{head}>\n      <skipped message={message}/>\n    </testcase>\n"
    return f"{head}>\n      <system-out>{body}</system-out>\n    </testcase>\n"


def _where(finding: Finding) -> str:
    return f" {shown(finding.location)}" if finding.location else ""


def _attribute(text: str) -> str:
    return quoteattr(_xml(shown(text, _MESSAGE)))


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _issue(finding: Finding) -> dict[str, Any] | None:
    place = _PLACE.fullmatch(finding.location)
    if finding.status is Status.PASS or place is None or ".." in place["path"].split("/"):
        return None
    path, line = place["path"].removeprefix("./"), int(place["line"])
    message = shown(finding.message, _MESSAGE)
    key = "\0".join((finding.id, path, str(line), message))
    return {
        "description": message,
        "check_name": finding.id,
        "fingerprint": hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest(),
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": path, "lines": {"begin": line}},
    }
