"""What a CI job tells its runner, whatever it did: log, annotations, summary, outputs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from model_provenance.context.run import run_of
from model_provenance.domain.context import CiRun
from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.ci_words import error_of_a_job
from model_provenance.report import github, gitlab
from model_provenance.report.markdown import error_summary
from model_provenance.report.text import error_text

DOTENV, ANNOTATIONS = Path("model-provenance.env"), Path("model-provenance-annotations.json")
JUNIT, CODE_QUALITY = Path("model-provenance-junit.xml"), Path("model-provenance-codequality.json")


def this_run(env: Mapping[str, str]) -> CiRun:
    """The job that runs this process; `ci.elsewhere` outside of CI."""
    run = run_of(env)
    if run is None:
        raise ModelProvenanceError("ci.elsewhere", "this is neither a GitHub Actions job nor a GitLab CI/CD job")
    return run


def warn(text: str) -> None:
    """A line in the log about something that does not decide."""
    sys.stderr.write(github.inert(f"warning: {text}\n"))


def finding_of(error: ModelProvenanceError) -> Finding:
    """An error as a finding, for what takes only findings."""
    return Finding(error.code, Severity.ERROR, Status.ERROR, error.message, error.remedy, error.location or "")


def report_error(env: Mapping[str, str], error: ModelProvenanceError, faults: Sequence[Finding] = ()) -> int:
    """The error in words of a job in the log, as an annotation and in the summary; none may hide it by failing itself.

    `faults` are its parts, where each has a place of its own.
    """
    error = error_of_a_job(error, env)
    sys.stderr.write(github.inert(error_text(error, colour=False)))
    sys.stderr.flush()
    try:
        if env.get("GITHUB_ACTIONS") == "true":
            github.annotate(tuple(faults) or (finding_of(error),))
            github.append_summary(env, error_summary(error.code, str(error), error.remedy, error.docs))
        if env.get("GITLAB_CI") == "true":
            DOTENV.write_bytes(gitlab.dotenv({"result": "ERROR"}))
            ANNOTATIONS.write_text("{}\n")
            write_reports(env, tuple(faults) or (finding_of(error),))
    except (ModelProvenanceError, OSError) as second:
        sys.stderr.write(f"warning: the runner did not take the report: {second}\n")
    return int(error.exit_status)


def write_reports(env: Mapping[str, str], findings: Sequence[Finding], *, done: str = "") -> None:
    """GitLab's reports of what was checked, in the job's folder; `done` names what went well where no check says so."""
    if env.get("GITLAB_CI") != "true":
        return
    try:
        JUNIT.write_bytes(gitlab.junit(findings, done=done))
        CODE_QUALITY.write_bytes(gitlab.code_quality(findings))
    except OSError as error:
        raise ModelProvenanceError("ci.outputs", f"cannot write the reports: {error.strerror}") from error


def set_verdict(env: Mapping[str, str], outputs: Mapping[str, str], result: str) -> None:
    """Outputs, and `result` as the very last: a job that dies before keeps the ERROR it began with."""
    if env.get("GITLAB_CI") == "true":
        DOTENV.write_bytes(gitlab.dotenv({**outputs, "result": result}))
    github.set_outputs(env, outputs)
    github.set_outputs(env, {"result": result})
