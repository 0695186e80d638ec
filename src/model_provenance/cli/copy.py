"""`copy`: a model with its evidence from one registry to another."""

from __future__ import annotations

import sys
from typing import Any

import click

from model_provenance.cli.access import access
from model_provenance.cli.console import plain_progress, progress
from model_provenance.cli.decorate import options


@click.command("copy", short_help="Copy a model with its evidence to another repository.")
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@options("copy")
def command(source: str, target: str, **given: Any) -> int:
    """Copy the model at SOURCE to TARGET (both oci://HOST/REPOSITORY:TAG), with everything that is attached to it.

    Digests stay what they were, so the copy verifies as the original does. What TARGET has is not sent again; its tag is set
    last. No signature is checked on the way: verify where you use it.

    Example: model-provenance copy oci://ghcr.io/acme/minilm:1.0.0 oci://registry.example.com/models/minilm:1.0.0
    """
    from model_provenance.flows.registry import copy  # noqa: PLC0415 - loaded when used
    from model_provenance.report.units import plural, size  # noqa: PLC0415

    shown = progress("copying") if sys.stderr.isatty() else plain_progress()
    with shown as advance:
        reference, copied = copy(source, target, access(given), allow_move=given["allow_tag_move"], progress=advance)
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415

        value = {
            "schema": "https://model-provenance.dev/schemas/copy/v1",
            "reference": reference,
            "blobs_sent": copied.blobs_sent,
            "bytes_sent": copied.bytes_sent,
            "referrers": copied.referrers,
        }
        click.echo(document(value), nl=False)
    else:
        click.echo(f"COPIED {reference}")
        sent = f"{plural(copied.blobs_sent, 'blob')} sent, {size(copied.bytes_sent)}"
        click.echo(f"  {sent}; {plural(copied.referrers, 'referrer')}; not verified")
        click.echo(f"\nNext: model-provenance verify oci://{reference} …")
    return 0
