"""`sign`: the OMS signature alone, a drop-in for model_signing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from model_provenance.cli.console import colour, password, plain_progress, progress
from model_provenance.cli.decorate import options
from model_provenance.errors import ModelProvenanceError


@click.command("sign", short_help="Write the OMS signature of a model alone.")
@click.argument("model", metavar="MODEL_DIR|FILE", required=False, type=click.Path(path_type=Path, readable=False))
@options("sign")
def command(model: Path | None, **given: Any) -> int:
    """Sign MODEL_DIR as OpenSSF Model Signing v1.0 and write one bundle; `model_signing verify` accepts it.

    With --spool, sign a whole release that `release --sign-later` left unsigned.

    Example: model-provenance sign model/ --bundle model.sig --key release.key
    """
    from model_provenance.flows.sign import sign_model  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.signing import KeylessSigning, KeySigning, Signing  # noqa: PLC0415

    signing: Signing = KeylessSigning(given["trust_config"], given["identity_token"], given["allow_public_log"])
    if given["key"] is not None:
        signing = KeySigning(given["key"], password, given["certificate"], given["certificate_chain"])
    _refuse_unused(given)
    if given["spool"] is not None:
        return _sign_spool(model, signing, given)
    if model is None or given["bundle"] is None:
        missing = "MODEL_DIR" if model is None else "--bundle"
        raise ModelProvenanceError("usage.invalid", f"{missing} is missing", remedy="Give both, or --spool DIR alone.")
    signed = sign_model(
        model,
        bundle=Path(given["bundle"]),
        signing=signing,
        ignore=given["ignore_path"],
        allow_symlinks=given["allow_symlinks"],
        env=os.environ,
    )
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415
        from model_provenance.formats.receipt import log_entry_value, signer_value  # noqa: PLC0415

        value = {
            "result": "SIGNED",
            "model_digest": str(signed.model_digest),
            "bundle": os.fspath(given["bundle"]),
            "files": signed.files,
            "signer": signer_value(signed.signer),
            "log_entries": [log_entry_value(entry) for entry in signed.log_entries],
        }
        click.echo(document(value), nl=False)
    else:
        from model_provenance.report.signer import signer_line  # noqa: PLC0415
        from model_provenance.report.units import plural  # noqa: PLC0415

        click.echo(f"SIGNED {signed.model_digest}  {plural(signed.files, 'file')}")
        click.echo(f"  signer  {signer_line(signed.signer)}\n  bundle  {given['bundle']}")
    return 0


def _sign_spool(model: Path | None, signing: Any, given: dict[str, Any]) -> int:
    from model_provenance.cli.push_options import push_request  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.sign_spool import sign_spool  # noqa: PLC0415
    from model_provenance.report.release import written_release  # noqa: PLC0415

    given_too = [name for name in ("bundle", "key", "ignore_path", "allow_symlinks") if given[name]]
    if model is not None or given_too:
        what = "MODEL_DIR" if model is not None else f"--{given_too[0].replace('_', '-')}"
        raise ModelProvenanceError(
            "usage.invalid", f"--spool and {what} exclude each other", remedy="The spool holds what was asked for."
        )
    shown = progress("reading") if sys.stderr.isatty() else plain_progress()
    with shown as advance:
        request, receipt = sign_spool(
            given["spool"], signing=signing, env=os.environ, push=push_request(given), progress=advance
        )
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415
        from model_provenance.formats.receipt import receipt_value  # noqa: PLC0415

        click.echo(document(receipt_value(receipt)), nl=False)
    else:
        click.echo(written_release(receipt, model=request.model, folder=request.folder, colour=colour()), nl=False)
    return 0


def _refuse_unused(given: dict[str, Any]) -> None:
    """A certificate is of a key, a login of a registry: without it the option would be ignored in silence."""
    reaching = ("allow_tag_move", "username", "password_stdin", "plain_http", "token_service")
    pairs = [("certificate", "key"), ("certificate_chain", "certificate"), ("push", "spool")]
    pairs += [(option, "push") for option in reaching]
    for option, needed in pairs:
        if given[option] and not given[needed]:
            name, other = (f"--{text.replace('_', '-')}" for text in (option, needed))
            raise ModelProvenanceError(
                "usage.invalid", f"{name} needs {other}", remedy=f"Add {other}, or leave {name} out."
            )
