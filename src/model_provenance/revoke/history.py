"""Which snapshot of a status list is the one to go by: the newest that enough revokers signed, and none older than was seen.

The rules of TUF for a timestamp role (rollback, freeze, threshold), with the digests of all earlier snapshots inside the
newest one: so a list that was forked is noticed whether or not the snapshots between are still there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.status import Snapshot
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError


@dataclass(frozen=True, slots=True)
class Signed:
    """A snapshot and one revoker whose signature over it was verified."""

    snapshot: Snapshot
    #: The bytes that were signed.
    payload: bytes
    revoker: SignerIdentity


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest snapshot that was ever accepted here."""

    list: str
    seq: int
    digest: Digest


def newest(
    signed: Iterable[Signed], *, threshold: int, name: str | None, seen: Seen | None
) -> tuple[Snapshot, tuple[SignerIdentity, ...]]:
    """The snapshot to go by and who signed it. `name` is the list that is expected; None for whichever was seen before.

    Raises `status.threshold`, `status.other_list`, `status.fork`, `status.rollback`, `status.unconnected`.
    """
    enough = _with_enough(signed, threshold)
    expected = name or (seen.list if seen is not None else enough[0][0].list)
    other = next((snapshot.list for snapshot, _ in enough if snapshot.list != expected), None)
    if other is not None:
        raise ModelProvenanceError(
            "status.other_list", f"it is the list `{other}`, and `{shown(expected, 200)}` is expected"
        )
    last, revokers = max(enough, key=lambda each: each[0].seq)
    for snapshot, _ in enough:
        if last.follows(snapshot.seq, snapshot.digest) is False:
            raise _fork(snapshot.seq)
    if seen is not None:
        _refuse_older(last, seen)
    return last, revokers


def _with_enough(signed: Iterable[Signed], threshold: int) -> list[tuple[Snapshot, tuple[SignerIdentity, ...]]]:
    """Snapshots by the bytes that were signed; one revoker counts once, however often it signed."""
    snapshots: dict[Digest, Snapshot] = {}
    revokers: dict[Digest, dict[tuple[str, str | None], SignerIdentity]] = {}
    for each in signed:
        snapshots[each.snapshot.digest] = each.snapshot
        who = revokers.setdefault(each.snapshot.digest, {})
        who.setdefault((each.revoker.subject, each.revoker.issuer), each.revoker)
    enough = [(snapshots[digest], tuple(who.values())) for digest, who in revokers.items() if len(who) >= threshold]
    if not enough:
        most = max((len(who) for who in revokers.values()), default=0)
        raise ModelProvenanceError(
            "status.threshold",
            f"no snapshot is signed by {threshold} of the revokers that are expected, at most by {most}",
        )
    return enough


def _refuse_older(last: Snapshot, seen: Seen) -> None:
    if last.seq < seen.seq:
        raise ModelProvenanceError(
            "status.rollback", f"the newest snapshot is number {last.seq}, and number {seen.seq} was seen here before"
        )
    follows = last.follows(seen.seq, seen.digest)
    if follows is None:
        raise ModelProvenanceError(
            "status.unconnected",
            f"number {seen.seq} was seen here, and number {last.seq} no longer says what came so long before it",
        )
    if not follows:
        raise _fork(seen.seq)


def _fork(seq: int) -> ModelProvenanceError:
    return ModelProvenanceError("status.fork", f"there are two different snapshots with the number {seq}")
