"""`trust`: fetch the trust of a private Sigstore."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from model_provenance.cli.decorate import options


@click.command("trust", short_help="Fetch the trust of a private Sigstore from its TUF repository.")
@click.argument("mirror", metavar="URL|DIR", type=str)
@options("trust", required=("root", "output"))
def command(mirror: str, **given: Any) -> int:
    """Fetch trusted root and signing config from a TUF repository, verified from --root, and write them to --output.

    Release with --trust-config DIR/trust-config.json, verify with --trusted-root DIR/trusted_root.json. Run it again to
    refresh: a repository that is older than the last one, or has expired, is refused.

    Example: model-provenance trust https://tuf.example.com --root root.json --output sigstore
    """
    from model_provenance.flows.trust import refresh_trust  # noqa: PLC0415 - loaded when used

    output: Path = given["output"]
    fetched = refresh_trust(mirror, root=given["root"], output=output)
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415

        value = {"files": [str(output / name) for name in fetched.files], "trusted_root": str(fetched.trusted_root)}
        click.echo(document(value), nl=False)
    else:
        click.echo(f"TRUST {fetched.trusted_root}")
        for name in fetched.files:
            click.echo(f"  written  {output / name}")
    return 0
