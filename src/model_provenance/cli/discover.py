"""`discover`: what is attached to a model in a registry."""

from __future__ import annotations

from typing import Any

import click

from model_provenance.cli.access import access
from model_provenance.cli.decorate import options


@click.command("discover", short_help="Show what is attached to a model in a registry.")
@click.argument("reference", metavar="REFERENCE")
@options("discover")
def command(reference: str, **given: Any) -> int:
    """Show the manifests at REFERENCE (oci://HOST/REPOSITORY:TAG or @sha256:…) and what is attached to each: who signed what.

    Verifies nothing. Unites the referrers API and the fallback tag, as a verification does.

    Example: model-provenance discover oci://ghcr.io/acme/minilm:1.0.0
    """
    from model_provenance.flows.registry import discover  # noqa: PLC0415 - loaded when used
    from model_provenance.report.discovered import discovered_text, discovered_value  # noqa: PLC0415

    found = discover(reference, access(given))
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415

        click.echo(document(discovered_value(found)), nl=False)
    else:
        click.echo(discovered_text(found), nl=False)
    return 0
