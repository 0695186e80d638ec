"""A status list for people and as JSON."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.moment import rfc3339
from model_provenance.domain.status import Entry, Snapshot
from model_provenance.domain.text import shown
from model_provenance.formats.revocation import entry_value

SCHEMA = "https://model-provenance.dev/schemas/status/v1"


def status_text(snapshot: Snapshot, *, signers: tuple[str, ...], now: int, verified: bool) -> str:
    """The list with its freshness, a line for each entry."""
    fresh = "fresh until" if now <= snapshot.next_update else "STALE since"
    lines = [
        f"status list {snapshot.list}  number {snapshot.seq} of {rfc3339(snapshot.this_update)}",
        f"  {fresh} {rfc3339(snapshot.next_update)}",
        f"  signed by {', '.join(shown(signer, 200) for signer in signers)}{'' if verified else '  (found, not verified)'}",
        f"  entries: {len(snapshot.entries)}",
    ]
    return "\n".join([*lines, *(f"  {entry_line(entry)}" for entry in snapshot.entries)]) + "\n"


def entry_line(entry: Entry) -> str:
    """One entry: what is done, about what, why, and what to use instead."""
    about = f"{entry.digest}" if entry.signer is None else shown(entry.signer.subject, 200)
    words = [entry.action.value, entry.affected.value, about]
    if entry.name is not None:
        words.append(f"({shown(entry.name, 200)})")
    words.append(entry.reason)
    if entry.propagates:
        words.append("and its descendants")
    if entry.replaced_by is not None:
        words.append(f"use {entry.replaced_by}")
    if entry.comment is not None:
        words.append(f"- {shown(entry.comment, 400)}")
    return " ".join(words)


def status_value(snapshot: Snapshot, *, signers: tuple[str, ...], now: int, verified: bool) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "schema": SCHEMA,
        "list": snapshot.list,
        "seq": snapshot.seq,
        "this_update": rfc3339(snapshot.this_update),
        "next_update": rfc3339(snapshot.next_update),
        "fresh": now <= snapshot.next_update,
        "signers": list(signers),
        "verified": verified,
        "digest": str(snapshot.digest),
        "entries": [entry_value(entry) for entry in snapshot.entries],
    }
