"""`status`: publish a status list, or show one."""

from __future__ import annotations

import os
import time
from typing import Any

import click

from model_provenance.cli.decorate import options
from model_provenance.cli.status_options import place_name, seconds_of, signing_of, status_request
from model_provenance.domain.text import shown


@click.group("status", short_help="Publish or show a list of what is revoked.")
def command() -> None:
    """Work with status lists: what is revoked, signed by who may revoke, numbered and fresh.

    Example: model-provenance status show --status-list status/ --policy policy.yaml
    """


@command.command("publish")
@options("status publish")
def publish(**given: Any) -> int:
    """Sign and publish the next snapshot: a new list, or the same content fresh for another while.

    With --cosign sign the newest snapshot as it stands, where a policy asks for several revokers.

    Example: model-provenance status publish --status-list status/ --key revoker.key --list acme --valid-for 7d
    """
    from model_provenance.domain.moment import rfc3339  # noqa: PLC0415 - loaded when used
    from model_provenance.flows import status as flow  # noqa: PLC0415
    from model_provenance.flows.signing import prepare  # noqa: PLC0415

    request = status_request(given)
    prepared, valid_for = prepare(signing_of(given), os.environ), seconds_of(given["valid_for"])
    publication = flow.Publication(prepared, int(time.time()), valid_for, place_name(request.source))
    done = (flow.cosign if given["cosign"] else flow.publish)(request, publication)
    snapshot = done.snapshot
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415

        value = {
            "list": snapshot.list,
            "seq": snapshot.seq,
            "digest": str(snapshot.digest),
            "signatures": done.signatures,
        }
        click.echo(document(value), nl=False)
        return 0
    click.echo(f"{'SIGNED' if given['cosign'] else 'PUBLISHED'} {snapshot.list} number {snapshot.seq}")
    click.echo(f"  fresh until {rfc3339(snapshot.next_update)}; entries: {len(snapshot.entries)}")
    click.echo(f"  signed by {shown(done.signer.subject, 200)}; revokers so far: {done.signatures}")
    return 0


@command.command("show")
@options("status show")
def show(**given: Any) -> int:
    """Show the newest snapshot: verified where --policy names the revokers, else as it is found.

    Example: model-provenance status show --status-list oci://registry.example.com/trust/status --policy policy.yaml
    """
    from model_provenance.flows.revoke import is_told_by_manifests, reached  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.status import found_snapshot, read_status  # noqa: PLC0415
    from model_provenance.report.status import status_text, status_value  # noqa: PLC0415

    request, now = status_request(given), int(time.time())
    verified = bool(request.revokers)
    if verified:
        status = read_status(request)
        snapshot, signers = status.snapshot, tuple(who.subject for who in status.revokers)
    else:
        snapshot, signers = found_snapshot(request)
    affected = {}
    if given["among"] is not None:
        affected = {
            str(entry.digest): reached(entry, given["among"])
            for entry in snapshot.entries
            if is_told_by_manifests(entry)
        }
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415

        value = status_value(snapshot, signers=signers, now=now, verified=verified)
        click.echo(document({**value, "affected": {key: list(names) for key, names in affected.items()}}), nl=False)
        return 0
    click.echo(status_text(snapshot, signers=signers, now=now, verified=verified), nl=False)
    for digest, names in affected.items():
        for name in names:
            click.echo(f"  {digest[:19]}… reaches {name}  (found, not verified)")
    return 0
