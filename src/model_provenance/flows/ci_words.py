"""Messages name options of the command line; who reads them in a job knows the same things as inputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from model_provenance.domain.finding import Finding
from model_provenance.errors import ModelProvenanceError

_OPTION = re.compile(r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)(?![\w-])")


def findings_of_a_job(findings: Iterable[Finding], env: Mapping[str, str]) -> tuple[Finding, ...]:
    """The findings, with inputs in the place of options."""
    return tuple(
        replace(each, message=as_inputs(each.message, env), remedy=as_inputs(each.remedy, env)) for each in findings
    )


def error_of_a_job(error: ModelProvenanceError, env: Mapping[str, str]) -> ModelProvenanceError:
    """The error, with inputs in the place of options."""
    message, remedy = as_inputs(error.message, env), as_inputs(error.remedy, env)
    return ModelProvenanceError(error.code, message, remedy=remedy, location=error.location)


def as_inputs(text: str, env: Mapping[str, str]) -> str:
    """`--allow-public-log` as ``the input `allow-public-log` `` where the job has it; every input is a variable, if empty."""

    def spoken(match: re.Match[str]) -> str:
        variable = "MODEL_PROVENANCE_" + match[1].upper().replace("-", "_")
        return f"the input `{match[1]}`" if variable in env else match[0]

    # What stands between backticks is a command that somebody is to type.
    parts = text.split("`")
    return "`".join(part if number % 2 else _OPTION.sub(spoken, part) for number, part in enumerate(parts))
