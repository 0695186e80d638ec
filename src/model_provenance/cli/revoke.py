"""`revoke`: say, signed, that a model, a dataset or a signer must not be relied on any more."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import click

from model_provenance.cli.access import access
from model_provenance.cli.decorate import options
from model_provenance.cli.status_options import moment_of, place_name, seconds_of, signing_of, status_request
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

if TYPE_CHECKING:
    from model_provenance.domain.status import Entry

#: Who made a model from bad data, or from a bad model, did not know: it is the descendants that are in use.
_PROPAGATING = ("dataset", "base-model")


@click.command("revoke", short_help="Revoke a model, a dataset or a signer, or reinstate it.")
@click.argument("target", metavar="DIGEST|TARGET", required=False)
@options("revoke", required=("reason",))
def command(target: str | None, **given: Any) -> int:
    """Sign that DIGEST (sha256:HEX), a model directory, an archive or oci://HOST/REPOSITORY:TAG must not be used any more.

    The next snapshot of the status list is published with it. Policies name in their section `revocation` who may do that;
    it is somebody else than who releases. `--action reinstate` takes it back.

    Example: model-provenance revoke sha256:HEX --scope dataset --reason poisoned-data --key revoker.key --status-list status/
    """
    from model_provenance.flows.revoke import reached  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.signing import prepare  # noqa: PLC0415
    from model_provenance.flows.status import Publication, publish  # noqa: PLC0415
    from model_provenance.report.status import entry_line  # noqa: PLC0415

    request = status_request(given, target)
    valid_for = seconds_of(given["valid_for"])
    entry = _entry(target, given)
    affected = () if given["among"] is None else reached(entry, given["among"])
    prepared = prepare(signing_of(given), os.environ)
    done = publish(request, Publication(prepared, int(time.time()), valid_for, place_name(request.source)), entry)
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415
        from model_provenance.formats.revocation import entry_value  # noqa: PLC0415

        value = {
            "list": done.snapshot.list,
            "seq": done.snapshot.seq,
            "revocation": entry_value(entry),
            "affected": list(affected),
        }
        click.echo(document(value), nl=False)
        return 0
    click.echo(f"PUBLISHED {done.snapshot.list} number {done.snapshot.seq}\n  {entry_line(entry)}")
    click.echo(f"  signed by {shown(done.signer.subject, 200)}")
    for name in affected:
        click.echo(f"  reaches {name}  (found, not verified)")
    if given["among"] is not None and not affected:
        click.echo(f"  reaches no release below {shown(str(given['among']), 200)}")
    return 0


def _entry(target: str | None, given: dict[str, Any]) -> Entry:
    from model_provenance.domain.digest import Digest  # noqa: PLC0415 - loaded when used
    from model_provenance.domain.status import Action, Affected, Entry, SignerWindow  # noqa: PLC0415
    from model_provenance.flows.revoke import attestation, meant  # noqa: PLC0415

    affected = Affected(given["scope"])
    if (affected is Affected.SIGNER) is (target is not None) or (given["signer_identity"] is None) is (
        affected is Affected.SIGNER
    ):
        raise ModelProvenanceError(
            "usage.invalid",
            "a revocation is about one digest or target, or with --scope signer about one --signer-identity",
            remedy="Name exactly one of the two.",
        )
    signer, subject, name = None, None, None
    if target is not None:
        alone = affected is Affected.ATTESTATION
        what = attestation(target) if alone else meant(target, given["evidence"], access(given))
        subject, name = what.digest, what.name
    else:
        signer = SignerWindow(
            given["signer_identity"],
            given["signer_issuer"],
            moment_of(given["not_before"], "--not-before"),
            moment_of(given["not_after"], "--not-after"),
        )
    moment_of(given["invalid_since"], "--invalid-since")
    propagate = given["propagate"] or ("descendants" if given["scope"] in _PROPAGATING else "none")
    try:
        replaced = None if given["replaced_by"] is None else Digest.parse(given["replaced_by"])
    except ValueError as error:
        raise ModelProvenanceError("usage.invalid", f"--replaced-by: {error}", remedy="Write sha256:HEX.") from error
    return Entry(
        Action(given["action"]),
        affected,
        given["reason"],
        digest=subject,
        signer=signer,
        propagates=propagate == "descendants",
        invalid_since=given["invalid_since"],
        replaced_by=replaced,
        name=name,
        comment=given["comment"],
        references=tuple(given["reference"]),
    )
