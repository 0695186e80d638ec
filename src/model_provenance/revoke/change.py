"""What an action makes of a status list: one entry about one thing, the latest word about it."""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.status import Action, Entry
from model_provenance.errors import ModelProvenanceError


def changed(entries: Sequence[Entry], entry: Entry) -> tuple[Entry, ...]:
    """The entries after `entry`, sorted, so that equal lists are equal bytes.

    Raises `status.nothing`, and `status.weaker` for an entry that would let through what is denied.
    Reinstating removes what was said; that it was said stays in the signed revocations and in the earlier snapshots.
    """
    others = [each for each in entries if each.key != entry.key]
    if entry.action is not Action.REINSTATE:
        for standing in entries:
            if standing.key == entry.key:
                _refuse_weaker(standing, entry)
        return _sorted([*others, entry])
    if len(others) == len(entries):
        raise ModelProvenanceError("status.nothing", "nothing was revoked or suspended that could be reinstated")
    return _sorted(others)


def _refuse_weaker(standing: Entry, entry: Entry) -> None:
    """What is denied is let through by REINSTATE alone: by any other word that would happen unseen."""
    if not standing.denies:
        return
    if not entry.denies:
        why = "it is revoked or suspended, and naming what is newer would let it through"
    elif standing.propagates and not entry.propagates:
        why = "its descendants are denied, too, and this would let them through"
    else:
        return
    raise ModelProvenanceError("status.weaker", why)


def _sorted(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    def place(entry: Entry) -> tuple[str, str]:
        about = str(entry.digest) if entry.signer is None else f"{entry.signer.subject} {entry.signer.issuer}"
        return entry.affected.value, f"{about} {entry.signer}"

    return tuple(sorted(entries, key=place))
