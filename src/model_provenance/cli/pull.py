"""`pull`: out of a registry, verified first."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import click

from model_provenance.cli.console import colour, plain_progress, progress
from model_provenance.cli.decorate import options
from model_provenance.cli.expected import SCHEME, verify_request


@click.command("pull", short_help="Fetch a model from a registry, verified before and after.")
@click.argument("reference", metavar="REFERENCE")
@options("pull", required=("output",))
def command(reference: str, **given: Any) -> int:
    """Fetch the model at REFERENCE (oci://HOST/REPOSITORY:TAG or @sha256:…) into a new folder.

    The evidence is verified before a weight is fetched, every file as it comes, the whole at the end, and a --policy decides
    about it; only then the folder gets its name. An interrupted pull goes on where it stopped.

    Example: model-provenance pull oci://ghcr.io/acme/minilm:1.0.0 --output model --signer github:acme/minilm --name minilm
    """
    from model_provenance.flows.remote import pull  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.verify import asked_of, decided, remote_request  # noqa: PLC0415

    target = reference if reference.startswith(SCHEME) else SCHEME + reference
    expected = verify_request(target, given)
    request, asked = remote_request(expected), asked_of(expected)
    start = time.perf_counter()
    shown = progress("fetching") if sys.stderr.isatty() else plain_progress()
    with shown as advance:
        pulled = pull(request, given["output"], progress=advance, decide=lambda report: decided(report, asked))
    seconds = time.perf_counter() - start
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415
        from model_provenance.formats.report import report_value  # noqa: PLC0415

        click.echo(document(report_value(pulled.report)), nl=False)
    else:
        from model_provenance.report.text import report_text  # noqa: PLC0415

        click.echo(report_text(pulled.report, target=target, colour=colour(), seconds=seconds), nl=False)
        if pulled.path is not None:
            click.echo(f"\nWritten: {os.fspath(pulled.path)}")
    return pulled.report.exit_status
