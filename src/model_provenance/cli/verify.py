"""`verify`: the check that must never fail open."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from model_provenance.cli.console import colour, plain_progress, progress
from model_provenance.cli.decorate import options
from model_provenance.cli.expected import verify_request
from model_provenance.cli.vouch import clear_older, refuse_unused, vouching, written

if TYPE_CHECKING:
    from model_provenance.domain.verification import Report
    from model_provenance.flows.verify import VerifyRequest


@click.command("verify", short_help="Check a model against its evidence; refuse what does not check out.")
@click.argument("target", metavar="TARGET", type=str)
@options("verify")
@click.option("-v", "--verbose", is_flag=True, help="Show the checks that passed, too.")
def command(target: str, *, verbose: bool, **given: Any) -> int:
    """Verify TARGET: a model directory with --evidence, or what carries its evidence with it.

    That is a release folder with an archive, an archive, an OCI layout, or a model in a registry (oci://HOST/REPOSITORY:TAG
    or @sha256:…). With --bundle also a file, or its digest (sha256:HEX).

    Who must have signed is always yours to say: --key, --signer, or --certificate-identity with --certificate-oidc-issuer.
    Opens no connection but to the registry that is named. Exits 0 only when everything was checked and holds.

    Example: model-provenance verify model/ --evidence dist/minilm-1.0.0 --key release.pub --name minilm --version 1.0.0
    """
    if given["vsa"] is not None:
        # Before anything can go wrong: what an earlier run decided is not to be read as the answer of this one.
        clear_older(target, given)
    request = verify_request(target, given)
    decide = _decide(request, given)
    start = time.perf_counter()
    shown = progress("reading") if sys.stderr.isatty() else plain_progress()
    with shown as advance:
        report = decide(advance)
    seconds = time.perf_counter() - start
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415
        from model_provenance.formats.report import report_value  # noqa: PLC0415

        click.echo(document(report_value(report)), nl=False)
    else:
        from model_provenance.report.text import report_text  # noqa: PLC0415

        text = report_text(report, target=target, colour=colour(), seconds=seconds, verbose=verbose)
        click.echo(text, nl=False)
        if given["vsa"] is not None:
            click.echo(f"\nSummary: {written(given['vsa'], report)}")
    return report.exit_status


def _decide(request: VerifyRequest, given: dict[str, Any]) -> Callable[[Callable[[int, int], None]], Report]:
    """Verify; with --vsa the decision is signed and written, too."""
    if given["vsa"] is not None:
        from model_provenance.flows.vsa import verify_and_vouch  # noqa: PLC0415 - only with --vsa

        how = vouching(given)
        return lambda advance: verify_and_vouch(request, how, advance)
    from model_provenance.flows.verify import verify  # noqa: PLC0415 - loaded when used

    refuse_unused(given)
    return lambda advance: verify(request, progress=advance)
