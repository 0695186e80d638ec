"""Status lists: find the snapshot to go by, publish the next one, add a revocation to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, SignerIdentity, Statement
from model_provenance.domain.status import Entry, Snapshot, Status, StatusStore
from model_provenance.domain.verification import Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.claimed import claimed, claims
from model_provenance.flows.signing import Prepared
from model_provenance.formats.bundle import Envelope, parse_bundle
from model_provenance.formats.intoto import parse
from model_provenance.formats.revocation import revocation_statement
from model_provenance.formats.status_layout import revocation_name, snapshot_name
from model_provenance.formats.status_list import parse_snapshot, snapshot_statement
from model_provenance.oci.access import Access
from model_provenance.policy.signers import PolicySigner
from model_provenance.revoke.change import changed
from model_provenance.revoke.folder import StatusFolder
from model_provenance.revoke.history import Seen, Signed, newest
from model_provenance.revoke.seen import load_seen, save_seen, seen_path
from model_provenance.sign.key import KeySigner
from model_provenance.verify.statement import verify_statement

_SCHEME = "oci://"


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """A status list, and who may speak there."""

    #: A folder, a file with one snapshot, or `oci://HOST/REPOSITORY[:TAG]`.
    source: str
    revokers: frozenset[PolicySigner]
    trust: Trust
    threshold: int = 1
    #: Name of the list; None for whichever was seen before.
    name: str | None = None
    #: Folder that remembers what was seen; None remembers nothing.
    memory: Path | None = None
    access: Access | None = None
    #: As in `Status`.
    as_of: int | None = None
    grace: int = 0


@dataclass(frozen=True, slots=True)
class Publication:
    """How a snapshot is made; times are Unix seconds, and seconds for which it is fresh."""

    prepared: Prepared
    now: int
    valid_for: int
    #: What a list is called that is not there yet, where the request does not say.
    new_name: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What was published, by whom, and how many revokers have signed it by now."""

    snapshot: Snapshot
    signer: SignerIdentity
    signatures: int


def read_status(request: StatusRequest) -> Status:
    """The snapshot to go by, verified, and remembered so that no older one is accepted later.

    Whether it is fresh, and what it says of a model, is for the gate. Raises `status.*`, `registry.*`, `machine.*`.
    """
    with opened(request, write=False) as store:
        found = _newest(store, request)
    if found is None:
        raise ModelProvenanceError("status.missing", "there is no status list", location=store.location)
    snapshot, revokers = found
    return Status(snapshot, revokers, as_of=request.as_of, grace=request.grace)


def publish(request: StatusRequest, publication: Publication, entry: Entry | None = None) -> Published:
    """Sign and publish the next snapshot: the same entries for another while, or with what `entry` changes.

    A list that is there is continued only where a revoker of the request, or who signs now, has signed it.
    """
    wider = _with_own(request, publication.prepared)
    with opened(request, write=True) as store:
        found = _newest(store, wider)
        last = None if found is None else found[0]
        statement = _next(request, publication, last, entry)
        statements = [statement] if entry is None else [statement, revocation_statement(entry)]
        snapshot_bundle, *others = publication.prepared.signer.sign(statements)
        seq = 1 if last is None else last.seq + 1
        named = (snapshot_name(seq, statement.digest, snapshot_bundle.data), snapshot_bundle.data)
        revocation = [(revocation_name(seq, Digest.of(each.payload)), each.data) for each in others]
        store.add(named, revocation[0] if revocation else None)
        after = _newest(store, wider)
    if after is None or after[0].digest != statement.digest:
        raise ModelProvenanceError(
            "status.busy", "somebody else has published at the same time", location=store.location
        )
    return Published(after[0], publication.prepared.signer.identity, len(after[1]))


def cosign(request: StatusRequest, publication: Publication) -> Published:
    """Sign the newest snapshot as it stands, where a threshold asks for several revokers. Raises as `read_status`."""
    wider = _with_own(request, publication.prepared)
    with opened(request, write=True) as store:
        found = _newest(store, wider)
        if found is None:
            raise ModelProvenanceError("status.missing", "there is no status list", location=store.location)
        snapshot = found[0]
        [payload] = {each.payload for each in _signed(store, wider)[0] if each.snapshot.digest == snapshot.digest}
        [bundle] = publication.prepared.signer.sign([Statement("status", Predicate.STATUS, payload)])
        store.add((snapshot_name(snapshot.seq, snapshot.digest, bundle.data), bundle.data), None)
        after = _newest(store, wider)
    return Published(snapshot, publication.prepared.signer.identity, 1 if after is None else len(after[1]))


def found_snapshot(request: StatusRequest) -> tuple[Snapshot, tuple[str, ...]]:
    """The snapshot with the highest number and who claims to have signed it, as found: nothing is verified."""
    with opened(request, write=False) as store:
        found: dict[Snapshot, list[str]] = {}
        for _, data in store.snapshots():
            content = parse_bundle(data).content
            statement = parse(content.payload) if isinstance(content, Envelope) else None
            if statement is not None and statement.predicate_type == Predicate.STATUS:
                claimed = next(claims([("", data)]), None)
                found.setdefault(parse_snapshot(statement), []).append(
                    "unknown" if claimed is None else claimed.subject
                )
    if not found:
        raise ModelProvenanceError("status.missing", "there is no status list", location=store.location)
    last = max(found, key=lambda snapshot: snapshot.seq)
    return last, tuple(found[last])


@contextmanager
def opened(request: StatusRequest, *, write: bool) -> Iterator[StatusStore]:
    """The place of a list."""
    if not request.source.startswith(_SCHEME):
        yield StatusFolder(Path(request.source))
        return
    from model_provenance.oci.reference import Reference  # noqa: PLC0415 - only for registries
    from model_provenance.oci.registry import Registry  # noqa: PLC0415
    from model_provenance.oci.status_list import StatusRepository  # noqa: PLC0415

    with Registry(Reference.parse(request.source), request.access or Access({}), write=write) as registry:
        yield StatusRepository(registry)


def _newest(store: StatusStore, request: StatusRequest) -> tuple[Snapshot, tuple[SignerIdentity, ...]] | None:
    """The snapshot to go by, remembered; None where nothing was ever published."""
    subjects = [signer.subject for signer in request.revokers]
    memory = None if request.memory is None else seen_path(request.memory, request.name or request.source, subjects)
    seen = None if memory is None else load_seen(memory)
    signed, problem = _signed(store, request)
    if not signed:
        if problem is not None:
            raise problem
        if seen is not None:
            raise ModelProvenanceError(
                "status.rollback", f"there is nothing, and number {seen.seq} was seen here before"
            )
        return None
    found = newest(signed, threshold=request.threshold, name=request.name, seen=seen)
    snapshot = found[0]
    if memory is not None and (seen is None or snapshot.seq > seen.seq):
        save_seen(memory, Seen(snapshot.list, snapshot.seq, snapshot.digest))
    return found


def _signed(store: StatusStore, request: StatusRequest) -> tuple[list[Signed], ModelProvenanceError | None]:
    """What revokers have signed, and why the first of the others does not count: those do no harm and no good."""
    signed, problem = [], None
    for name, data in store.snapshots():
        try:
            expected = claimed(request.revokers, [(name, data)])
            statement, who = verify_statement(data, Predicate.STATUS, expected, request.trust, code="status.signature")
            signed.append(Signed(parse_snapshot(statement), statement.payload, who))
        except ModelProvenanceError as error:
            problem = problem or ModelProvenanceError(error.code, error.message, location=f"{store.location}: {name}")
    return signed, problem


def _next(request: StatusRequest, publication: Publication, last: Snapshot | None, entry: Entry | None) -> Statement:
    entries: Sequence[Entry] = () if last is None else last.entries
    if entry is not None:
        entries = changed(entries, entry)
    name = request.name or publication.new_name
    if last is None and name is None:
        raise ModelProvenanceError("status.unnamed", "there is no list there yet, and a new one needs a name")
    return snapshot_statement(
        last.list if last is not None else str(name),
        1 if last is None else last.seq + 1,
        this_update=publication.now,
        next_update=publication.now + publication.valid_for,
        previous=() if last is None else (last.digest, *last.previous),
        entries=tuple(entries),
    )


def _with_own(request: StatusRequest, prepared: Prepared) -> StatusRequest:
    """A key may go on with what it has signed before; who signs keyless is known only by a policy. One signature is enough."""
    revokers, signer = request.revokers, prepared.signer
    if isinstance(signer, KeySigner):
        revokers |= {PolicySigner(signer.identity.subject, public_key=signer.public_key.pem)}
    if not revokers:
        raise ModelProvenanceError(
            "usage.invalid",
            "nobody said who may revoke, and only a key is known before it signs",
            remedy="Add --policy with a section `revocation` that names the revokers.",
        )
    return replace(request, revokers=revokers, threshold=1)
