"""What the files of a status list are called: a number to sort by, and digests so that no two are the same. Hints, no facts."""

from __future__ import annotations

import re

from model_provenance.domain.digest import Digest

SNAPSHOTS, REVOCATIONS = "snapshots", "revocations"
#: Bundles of snapshots that are looked at; a list keeps far fewer.
LOOKED_AT = 64
#: Earlier snapshots that are kept beside the newest, for people: their digests are inside it.
_KEPT = 8
_SNAPSHOT = re.compile(rf"{SNAPSHOTS}/([0-9]{{10,13}})-[0-9a-f]{{12}}-[0-9a-f]{{12}}\.sigstore\.json")


def snapshot_name(seq: int, payload: Digest, bundle: bytes) -> str:
    """Of one revoker's signature over the snapshot `seq`."""
    return f"{SNAPSHOTS}/{seq:010d}-{payload.hex[:12]}-{Digest.of(bundle).hex[:12]}.sigstore.json"


def revocation_name(seq: int, payload: Digest) -> str:
    """Of the revocation that the snapshot `seq` was made for."""
    return f"{REVOCATIONS}/{seq:010d}-{payload.hex[:12]}.sigstore.json"


def is_outdated(name: str, newest: str) -> bool:
    """Whether a snapshot is so old that it goes when `newest` comes."""
    old, new = _SNAPSHOT.fullmatch(name), _SNAPSHOT.fullmatch(newest)
    return old is not None and new is not None and int(old[1]) + _KEPT < int(new[1])
