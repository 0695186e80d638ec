"""`verify`: the check that must never fail open."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from model_provenance.cli.console import colour, plain_progress, progress
from model_provenance.cli.decorate import options


@click.command("verify", short_help="Check a model against its evidence; refuse what does not check out.")
@click.argument("target", metavar="TARGET", type=click.Path(path_type=Path))
@options(
    "verify",
    key={"help": "Public key (PEM) that must have signed."},
    bundle={"metavar": "FILE", "help": "Verify only what this Sigstore bundle says. May be repeated."},
)
@click.option("-v", "--verbose", is_flag=True, help="Show the checks that passed, too.")
def command(target: Path, *, verbose: bool, **given: Any) -> int:
    """Verify TARGET: a model directory with --evidence, a release folder with an archive, an archive, an OCI layout, a file,
    or with --bundle the digest of a file (sha256:HEX).

    Who must have signed is always yours to say: --key, --signer, or --certificate-identity with --certificate-oidc-issuer.
    Opens no connection. Exits 0 only when everything was checked and holds.

    Example: model-provenance verify model/ --evidence dist/minilm-1.0.0 --key release.pub --name minilm --version 1.0.0
    """
    from model_provenance.flows.expectation import SignerOptions  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.verify import VerifyRequest, verify  # noqa: PLC0415

    request = VerifyRequest(
        target=target,
        signer=SignerOptions(
            key=given["key"],
            signer=given["signer"],
            builder=given["builder"],
            certificate_identity=given["certificate_identity"],
            certificate_identity_regexp=given["certificate_identity_regexp"],
            certificate_oidc_issuer=given["certificate_oidc_issuer"],
            source_repository=given["source_repository"],
            allow_events=given["allow_event"],
        ),
        evidence=given["evidence"],
        bundles=tuple(Path(path) for path in given["bundle"]),
        name=given["name"],
        version=given["version"],
        digest=given["digest"],
        trust_config=given["trust_config"],
        trusted_root=given["trusted_root"],
        allow_symlinks=given["allow_symlinks"],
        ignore=given["ignore_path"],
        ignore_unsigned_files=given["ignore_unsigned_files"],
    )
    start = time.perf_counter()
    shown = progress("reading") if sys.stderr.isatty() else plain_progress()
    with shown as advance:
        report = verify(request, progress=advance)
    seconds = time.perf_counter() - start
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415
        from model_provenance.formats.report import report_value  # noqa: PLC0415

        click.echo(document(report_value(report)), nl=False)
    else:
        from model_provenance.report.text import report_text  # noqa: PLC0415

        text = report_text(report, target=os.fspath(target), colour=colour(), seconds=seconds, verbose=verbose)
        click.echo(text, nl=False)
    return report.exit_status
