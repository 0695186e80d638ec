"""`doctor`: what is missing for a release, and the lines that add it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from model_provenance.cli.decorate import options


@click.command("doctor", short_help="Say what this environment lacks for a release.")
@options("doctor")
def command(**given: Any) -> int:
    """Look at job, token, checkout, Sigstore, trust root, Syft and, where named, a registry; say what is wrong and what to add.

    Signs nothing and writes nothing. Exits 0 when nothing stands in the way.

    Example: model-provenance doctor --registry oci://ghcr.io/acme/minilm:1.0.0
    """
    from model_provenance.cli.access import access  # noqa: PLC0415 - loaded when used
    from model_provenance.cli.console import colour  # noqa: PLC0415
    from model_provenance.flows.doctor import DoctorRequest, examine, exit_status  # noqa: PLC0415

    request = DoctorRequest(
        folder=Path(),
        env=os.environ,
        trust_config=given["trust_config"],
        syft=given["syft"],
        registry=given["registry"],
        access=access(given) if given["registry"] is not None else None,
    )
    findings = examine(request)
    status = exit_status(findings)
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415
        from model_provenance.formats.receipt import finding_value  # noqa: PLC0415

        click.echo(document({"exit_status": status, "findings": [finding_value(f) for f in findings]}), nl=False)
    else:
        from model_provenance.report.text import findings_text  # noqa: PLC0415

        click.echo(findings_text(findings, colour=colour(), verbose=True), nl=False)
    return status
