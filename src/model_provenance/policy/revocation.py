"""The section `revocation` of a policy: whose status lists count, and how old a snapshot may be."""

from __future__ import annotations

import re
from dataclasses import dataclass

from model_provenance.errors import ModelProvenanceError
from model_provenance.policy.reading import Node
from model_provenance.policy.sections import Section, effect_of, keys_of
from model_provenance.policy.signers import PolicySigner, Signers

_LIST = re.compile(r"[a-z0-9][a-z0-9._/-]{0,199}")


@dataclass(frozen=True, slots=True)
class Revocation(Section):
    """Who may revoke, and what it takes to believe that nothing was."""

    revokers: frozenset[PolicySigner]
    #: How many of them, each another, must have signed a snapshot.
    threshold: int = 1
    #: Name of the list; None for whichever was seen first.
    list: str | None = None
    #: A folder, relative to where the command runs, or `oci://…`; None where the caller says.
    source: str | None = None
    #: Seconds since a snapshot was made; None for until it says that there will be a newer one.
    max_staleness: int | None = None
    #: Seconds before now that a caller may decide as of; None for not at all.
    air_gap: int | None = None
    #: `named`: an ancestor of which nothing but its digest is known passes; None where nobody said, which is `seen`.
    ancestors: str | None = None


def read_revocation(node: Node, named: Signers) -> Revocation:
    """`revocation: {revokers, threshold, list, source, maxStaleness, onStale: deny, airGap, ancestors: seen|named}`."""
    known = ("revokers", "threshold", "list", "source", "maxStaleness", "onStale", "airGap", "ancestors")
    keys = keys_of(node, *known, needed=("revokers",))
    revokers = named.listed(keys["revokers"])
    if "onStale" in keys:
        # Were a stale snapshot let through, keeping the newer ones away would be the way past this gate.
        keys["onStale"].one_of(("deny",))
    name = keys["list"].text() if "list" in keys else None
    if name is not None and not _LIST.fullmatch(name):
        keys["list"].fail("the name of a list is of a-z, 0-9, '.', '_', '-', '/'")
    return Revocation(
        effect_of(keys),
        revokers,
        threshold=keys["threshold"].number(1, len(revokers)) if "threshold" in keys else 1,
        list=name,
        source=keys["source"].text() if "source" in keys else None,
        max_staleness=keys["maxStaleness"].seconds() if "maxStaleness" in keys else None,
        air_gap=keys["airGap"].seconds() if "airGap" in keys else None,
        ancestors=keys["ancestors"].one_of(("seen", "named")) if "ancestors" in keys else None,
    )


def stricter(base: Revocation, own: Revocation, effect: str) -> Revocation:
    """`own` on top of `base`: fewer revokers, more signatures, fresher snapshots. Raises `policy.loosens`."""
    if not own.revokers <= base.revokers:
        raise _loosens("revokers", "names somebody whom the policy that is extended does not")
    if own.threshold < base.threshold:
        raise _loosens(
            "threshold", f"is {base.threshold} in the policy that is extended and cannot become {own.threshold}"
        )
    if base.list is not None and own.list not in (None, base.list):
        raise _loosens("list", "is another one in the policy that is extended")
    if own.air_gap is not None and (base.air_gap is None or own.air_gap > base.air_gap):
        raise _loosens("airGap", "reaches further back than the policy that is extended allows")
    if own.ancestors == "named" and base.ancestors != "named":
        raise _loosens("ancestors", "cannot become `named`")
    return Revocation(
        effect,
        own.revokers,
        threshold=own.threshold,
        list=own.list or base.list,
        source=own.source or base.source,
        max_staleness=min((s for s in (base.max_staleness, own.max_staleness) if s is not None), default=None),
        air_gap=own.air_gap,
        ancestors=own.ancestors or base.ancestors,
    )


def _loosens(key: str, why: str) -> ModelProvenanceError:
    return ModelProvenanceError("policy.loosens", f"`revocation.{key}` {why}")
