"""Neither the model nor anything that it comes from is revoked, says a fresh status list by those who may revoke.

A revocation alone could be hidden. So what passes is not that none was found, but that a snapshot which lists them all is
fresh, is the newest that was ever seen, and names nothing of this model: taking evidence away can only deny.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.lineage import Ancestor, bases_of
from model_provenance.domain.moment import rfc3339
from model_provenance.domain.policy import Answer, Verdict
from model_provenance.domain.status import Action, Affected, Entry, Status
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Verified
from model_provenance.errors import ModelProvenanceError
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused
from model_provenance.policy.revocation import Revocation

GATE_ID = "revocation"
#: Clocks of honest machines differ by less.
_SKEW = 300
_HOUR = 3600
_DONE = {Action.REVOKE: "revoked", Action.SUSPEND: "suspended"}
_SHOWN = 5


def decide(section: Revocation, case: Case) -> Answer:
    """The status list that was given, against everything that the model is and comes from."""
    status = case.status
    if status is None:
        fix = "Give the list with --status-list, or name it as `revocation.source` in the policy."
        return cannot_decide(
            GATE_ID, "no status list was given", "what is not looked up is not known to be unrevoked", fix
        )
    if isinstance(status, ModelProvenanceError):
        return cannot_decide(GATE_ID, status.message, f"the status list cannot be used ({status.code})", status.remedy)
    if case.verified.model_digest is None:
        fix = "Verify the whole release."
        return cannot_decide(GATE_ID, "the model digest is not known", "a list of digests says nothing about it", fix)
    release = case.verified.signer
    if any((who.subject, who.issuer) == (release.subject, release.issuer) for who in status.revokers):
        why = "who releases a model must not be who says that it still counts"
        return cannot_decide(
            GATE_ID, "the status list is signed by who released the model", why, "Let somebody else revoke."
        )
    # First what is known for certain: that a snapshot is old does not make what it says untrue.
    said = list(_said(status, case))
    denied = [f"{what}: {_DONE[entry.action]}, {entry.reason}" for what, entry in said if entry.denies]
    if denied:
        return _denied(section, denied, [entry for _, entry in said if entry.denies])
    stale = _stale(section, status, case.now)
    if stale is not None:
        return stale
    unseen = _unseen(section, case)
    if unseen is not None:
        return unseen
    superseded = [entry for _, entry in said if entry.action is Action.SUPERSEDE]
    if superseded:
        return Answer(
            GATE_ID,
            Verdict.WARN,
            "the model is superseded",
            superseded[0].comment or "there is a newer one",
            _instead(superseded),
        )
    when = f", as of {rfc3339(status.as_of)}" if status.as_of is not None else ""
    snapshot = status.snapshot
    return passed(
        GATE_ID, f"nothing of it is in `{snapshot.list}` number {snapshot.seq} of {rfc3339(snapshot.this_update)}{when}"
    )


def _unseen(section: Revocation, case: Case) -> Answer | None:
    """Why not all that the model comes from could be looked up. Were that let through, hiding evidence would be a way past."""
    if section.ancestors == "named":
        return None
    bases = bases_of(case.verified.manifest)
    if bases is None or len(bases) != sum(ancestor.depth == 1 for ancestor in case.lineage):
        what = "the base models of the manifest were not looked up"
        return cannot_decide(GATE_ID, what, "they could be revoked", "Verify the whole release.")
    hidden = next((ancestor for ancestor in case.lineage if not ancestor.is_backed), None)
    if hidden is None:
        return None
    fix = (
        "Give its evidence with --base-evidence, or a summary with --accept-vsa; a policy may say `ancestors: named` where"
        " their digests are enough."
    )
    what = f"its base model {shown(hidden.name, 60)} (generation {hidden.depth}): {hidden.why}"
    return cannot_decide(GATE_ID, what, "what it was made from could be revoked, and cannot be looked up", fix)


def _denied(section: Revocation, denied: list[str], entries: list[Entry]) -> Answer:
    more = f" and {len(denied) - _SHOWN} more" if len(denied) > _SHOWN else ""
    why = next((entry.comment for entry in entries if entry.comment), "a revoker has signed that it must not be used")
    return refused(GATE_ID, section.effect, "; ".join(denied[:_SHOWN]) + more, shown(why, 400), _instead(entries))


def _instead(entries: list[Entry]) -> str:
    replaced = next((entry.replaced_by for entry in entries if entry.replaced_by is not None), None)
    return (
        f"Use {replaced} instead."
        if replaced is not None
        else "Do not load it; ask who revoked it what to use instead."
    )


def _said(status: Status, case: Case) -> Iterator[tuple[str, Entry]]:
    """(what it is of the model, the entry), for everything that the model is and comes from."""
    verified = case.verified
    known = [digest for digest in (verified.model_digest, verified.package_digest) if digest is not None]
    for digest in dict.fromkeys(
        [*known, *(subject.digest for subject in verified.subjects), *(file.digest for file in verified.files)]
    ):
        yield from _one(status, Affected.ARTIFACT, digest, "this model")
    yield from _evidence(status, verified, "")
    for entry in status.about_signer(verified.signer, verified.signed_at):
        yield "its signer", entry
    yield from _sources(status, verified.manifest, "", direct=True)
    for ancestor in case.lineage:
        of = f" of its base model {shown(ancestor.name, 60)}"
        for digest in ancestor.digests:
            yield from _base(status, digest, f"its base model {shown(ancestor.name, 60)}", direct=ancestor.depth == 1)
        if ancestor.signer is not None:
            for entry in status.about_signer(ancestor.signer, ancestor.signed_at):
                yield f"the signer{of}", entry
        yield from _evidence(status, ancestor, of)
        yield from _sources(status, ancestor.manifest, of, direct=False)


def _evidence(status: Status, whose: Verified | Ancestor, of: str) -> Iterator[tuple[str, Entry]]:
    """By the bytes of a bundle or by what it signs: a bundle that was written in another way is no other attestation."""
    for name, digest in dict.fromkeys((*whose.attestations, *whose.statements)):
        yield from _one(status, Affected.ATTESTATION, digest, f"the evidence {shown(name, 80)}{of}")


def _sources(status: Status, manifest: Mapping[str, Any], of: str, *, direct: bool) -> Iterator[tuple[str, Entry]]:
    """Datasets and base models that a signed manifest names by digest; that each has one is the gate `datasets`."""
    for dataset in _listed(manifest.get("datasets")):
        digest = _digest(dataset)
        entry = None if digest is None else status.about(Affected.DATASET, digest)
        if entry is not None and (direct or entry.propagates):
            yield f"the dataset {shown(str(dataset.get('name')), 80)}{of}", entry
    tuned = manifest.get("fine_tuned_from")
    for base in _listed([*([tuned] if tuned else []), *_list(manifest.get("merged_from"))]):
        digest = _digest(base)
        if digest is not None:
            yield from _base(status, digest, f"the base model {shown(str(base.get('model')), 80)}{of}", direct=direct)


def _base(status: Status, digest: Digest, what: str, *, direct: bool) -> Iterator[tuple[str, Entry]]:
    """A base model is denied as such, or as a model whose revocation reaches its descendants."""
    entry = status.about(Affected.BASE_MODEL, digest)
    if entry is not None and (direct or entry.propagates):
        yield what, entry
    entry = status.about(Affected.ARTIFACT, digest)
    if entry is not None and entry.propagates and entry.denies:
        yield what, entry


def _one(status: Status, affected: Affected, digest: Digest, what: str) -> Iterator[tuple[str, Entry]]:
    entry = status.about(affected, digest)
    if entry is not None:
        yield what, entry


def _stale(section: Revocation, status: Status, now: int) -> Answer | None:
    """Why the snapshot is not fresh enough; None when it is. Where a model is loaded, it is warned of for a while."""
    snapshot, moment = status.snapshot, now
    if status.as_of is not None:
        if section.air_gap is None or not now - section.air_gap <= status.as_of <= now + _SKEW:
            fix = "Fetch a newer snapshot, or let the policy allow it with `revocation.airGap`."
            return cannot_decide(
                GATE_ID, f"it is to be decided as of {rfc3339(status.as_of)}", "the policy does not allow that", fix
            )
        moment = status.as_of
    if moment < snapshot.this_update - _SKEW:
        fix = "Set the clock of this machine."
        return cannot_decide(
            GATE_ID, f"the snapshot is of {rfc3339(snapshot.this_update)}", "this machine's clock is behind", fix
        )
    ends = snapshot.next_update
    if section.max_staleness is not None:
        ends = min(ends, snapshot.this_update + section.max_staleness)
    if moment <= ends + _SKEW:
        return None
    what = f"the snapshot {snapshot.seq} of {rfc3339(snapshot.this_update)} is stale since {rfc3339(ends)}"
    fix = "Fetch the list again; let a revoker run `model-provenance status publish`."
    if moment <= ends + _SKEW + status.grace:
        return Answer(
            GATE_ID,
            Verdict.WARN,
            what,
            f"it is accepted for {status.grace // _HOUR} hours where a model is loaded",
            fix,
        )
    return cannot_decide(GATE_ID, what, "something may have been revoked since", fix)


def _listed(value: Any) -> Iterator[dict[str, Any]]:
    return (entry for entry in _list(value) if isinstance(entry, dict))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _digest(entry: Mapping[str, Any]) -> Digest | None:
    try:
        return Digest.parse(entry["digest"])
    except (KeyError, TypeError, ValueError):
        return None


GATE = Gate(GATE_ID, "nothing of it is revoked, says a fresh list", lambda policy: policy.revocation, decide)
