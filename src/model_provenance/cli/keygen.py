"""`keygen`: a key pair that cosign reads too."""

from __future__ import annotations

from pathlib import Path

import click

from model_provenance.cli.console import new_password
from model_provenance.cli.decorate import options


@click.command("keygen", short_help="Make a signing key pair.")
@options("keygen", required=("output",))
def command(output: Path, *, force: bool) -> int:
    """Make an EC P-256 key pair; the private key is encrypted with COSIGN_PASSWORD or a prompted password.

    Example: model-provenance keygen --output release
    """
    from model_provenance.sign.keygen import keygen  # noqa: PLC0415 - cryptography only when used

    private, public = keygen(output, new_password(), force=force)
    click.echo(f"private key  {private} (keep it secret; encrypted)\npublic key   {public} (give it to who verifies)")
    click.echo(f"\nNext: model-provenance release MODEL_DIR --name NAME --version VERSION --key {private}")
    return 0
