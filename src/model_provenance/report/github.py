"""GitHub's surfaces: outputs, annotations, masks and the job summary. The one adapter around `actions-toolkit`.

It corrects what the library gets wrong: properties that are not set are left out (it would print `file=,line=`), and a
missing output file is our error rather than a bare `Exception`. It has no job summary, so that is written here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from actions_toolkit import core
from actions_toolkit.command import issue_command

from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.errors import ModelProvenanceError
from model_provenance.report.markdown import fitted

#: GitHub drops the *whole* summary of a step above 1 MiB (actions/runner, FileCommandManager); stay well below.
SUMMARY_LIMIT = 900 * 1024
#: Ten of each kind a step are shown; the rest would be lost in silence (toolkit, docs/problem-matchers.md).
_ANNOTATIONS_A_KIND = 10
_NEW_COMMAND = re.compile(r"(^|[\n\r])([^\S\n\r]*)::")


def set_outputs(env: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Write step outputs. The library reads GITHUB_OUTPUT from the process, so `env` must be the process's."""
    if not env.get("GITHUB_OUTPUT"):
        return
    for name, value in outputs.items():
        try:
            core.set_output(name, value)
        except Exception as error:  # the library raises bare Exception
            raise ModelProvenanceError("ci.outputs", f"cannot write the output {name}: {error}") from error


def mask(secret: str) -> None:
    """Hide a value in everything the job prints from now on. Only for GitHub's runner: any other would print it."""
    core.set_secret(secret)
    sys.stdout.flush()


def inert(text: str) -> str:
    """Text for the log in which the runner finds no command: `::` after white space, `##[` anywhere (ActionCommand)."""
    return _NEW_COMMAND.sub(r"\1\2\\::", text).replace("##[", "##\\[")


def annotate(findings: tuple[Finding, ...]) -> None:
    """Errors, warnings and notices on the run, at most ten of each; the summary has them all."""
    counts = {"error": 0, "warning": 0, "notice": 0}
    for finding in findings:
        command = _command(finding)
        if command is None:
            continue
        counts[command] += 1
        if counts[command] > _ANNOTATIONS_A_KIND:
            continue
        properties = _properties(finding)
        # A place that is no line of a file is no property either, and the message alone says too little.
        message, place = finding.message, "" if "file" in properties else finding.location
        if place and not message.startswith(f"{place} "):
            message = f"{place}: {message}"
        message += f"\nFix: {finding.remedy}" if finding.remedy else ""
        issue_command(command, properties, message)


def append_summary(env: Mapping[str, str], markdown: str) -> None:
    """Append to the job summary, within its byte budget."""
    path = env.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    data = fitted(markdown, SUMMARY_LIMIT, rest="the receipt has everything").encode()
    try:
        with Path(path).open("ab") as file:
            file.write(data)
    except OSError as error:
        raise ModelProvenanceError("ci.summary", f"cannot write the job summary: {error.strerror}") from error


def _command(finding: Finding) -> str | None:
    if finding.status is Status.PASS or finding.severity is Severity.INFO:
        return None
    return "error" if finding.severity is Severity.ERROR else "warning"


def _properties(finding: Finding) -> dict[str, object]:
    properties: dict[str, object] = {"title": finding.id}
    # Locations are `file`, `file:line` or `file:line:column`.
    file, _, rest = finding.location.partition(":")
    line, _, column = rest.partition(":")
    if file and line.isdigit():
        properties |= {"file": file, "line": int(line)}
        if column.isdigit():
            properties["col"] = int(column)
    return properties
