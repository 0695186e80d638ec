"""What the actions and the GitLab component run: inputs are variables, outputs go to the runner."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model_provenance.cli.catalogue import ci_names
from model_provenance.cli.decorate import options

if TYPE_CHECKING:
    from model_provenance.flows.written import WrittenInputs


@click.group("ci", short_help="Run as a CI job.")
def command() -> None:
    """Run as a CI job: inputs come as MODEL_PROVENANCE_* variables, the verdict goes to summary and outputs.

    Example (in a job): MODEL_PROVENANCE_MODEL=model/ model-provenance ci release
    """


@command.command("release")
@options("ci release")
def release(inputs: Path | None) -> int:
    """Release the model that the variables describe, with the identity of this job."""
    from model_provenance.flows.ci import release_job  # noqa: PLC0415 - heavy, only when used

    return release_job(os.environ, _written("release", inputs))


@command.command("verify")
@options("ci verify")
def verify(inputs: Path | None) -> int:
    """Let through the release that the variables pin, or refuse: the gate of a deployment."""
    from model_provenance.flows.ci_verify import verify_job  # noqa: PLC0415 - heavy, only when used

    return verify_job(os.environ, _written("verify", inputs))


@command.command("measure")
def measure() -> int:
    """Give the digest of a model's files to the job that will sign them; needs no identity."""
    from model_provenance.flows.ci_measure import measure_job  # noqa: PLC0415 - heavy, only when used

    return measure_job(os.environ)


def _written(job: str, path: Path | None) -> WrittenInputs | None:
    from model_provenance.flows.written import WrittenInputs  # noqa: PLC0415 - loaded when used

    return None if path is None else WrittenInputs(path, frozenset(ci_names(job)))
