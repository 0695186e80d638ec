"""Revocations and status lists: what should no longer be used, who says so, and since when that is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import SignerIdentity


class Action(Enum):
    """What is done. REINSTATE takes back what was revoked or suspended; SUPERSEDE only names what to use instead."""

    REVOKE = "revoke"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    SUPERSEDE = "supersede"


class Affected(Enum):
    """What an action is about, and so what its digest is compared with."""

    #: A model, its package, one of its manifests or one of its files.
    ARTIFACT = "artifact"
    #: One signed bundle, by the digest of its bytes.
    ATTESTATION = "attestation"
    #: Everything that one signer has signed in some time.
    SIGNER = "signer"
    DATASET = "dataset"
    BASE_MODEL = "base-model"


REASONS = (
    "poisoned-data",
    "backdoor",
    "licence",
    "privacy-takedown",
    "key-or-workflow-compromise",
    "mis-signed",
    "vulnerability",
    "superseded",
    "other",
)


@dataclass(frozen=True, slots=True)
class SignerWindow:
    """A signer, and the Unix seconds between which its signatures do not count; None is open."""

    subject: str
    issuer: str | None
    not_before: int | None
    not_after: int | None

    def covers(self, signer: SignerIdentity, signed_at: int | None) -> bool:
        """Whether a signature falls into the window; one without a trusted time could have been made at any time."""
        if (signer.subject, signer.issuer) != (self.subject, self.issuer):
            return False
        if signed_at is None:
            return True
        return (self.not_before is None or signed_at >= self.not_before) and (
            self.not_after is None or signed_at <= self.not_after
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One action about one thing, as a revoker has signed it."""

    action: Action
    affected: Affected
    reason: str
    #: What it is about; None for a signer.
    digest: Digest | None = None
    signer: SignerWindow | None = None
    #: Models that were made from it are meant, too, at any depth.
    propagates: bool = False
    #: RFC 3339: since when it is wrong, where somebody knows.
    invalid_since: str | None = None
    replaced_by: Digest | None = None
    #: For people.
    name: str | None = None
    comment: str | None = None
    references: tuple[str, ...] = ()

    @property
    def denies(self) -> bool:
        """Whether what it is about must not be used."""
        return self.action in (Action.REVOKE, Action.SUSPEND)

    @property
    def key(self) -> tuple[Affected, Digest | SignerWindow | None]:
        """What it is about: a later action about the same replaces an earlier one."""
        return self.affected, self.digest if self.signer is None else self.signer


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole status list at one moment. Its number only grows, and it names the ones before it by their digests."""

    #: Name of the list: a snapshot of another list of the same revoker is not this one.
    list: str
    seq: int
    #: Unix seconds: when it was made, and when there will be a newer one.
    this_update: int
    next_update: int
    #: Digests of the snapshots before it, the last one first, as far back as is kept.
    previous: tuple[Digest, ...]
    entries: tuple[Entry, ...]
    #: SHA-256 of the signed statement.
    digest: Digest

    def follows(self, seq: int, digest: Digest) -> bool | None:
        """Whether the snapshot `seq` with `digest` is this one or came before it; None where that is no longer known."""
        if seq == self.seq:
            return digest == self.digest
        back = self.seq - seq - 1
        return None if back >= len(self.previous) else self.previous[back] == digest


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot that enough revokers have signed and that is not older than one that was seen before."""

    snapshot: Snapshot
    #: Who signed it, each once.
    revokers: tuple[SignerIdentity, ...]
    #: Unix seconds that stand for now where no newer snapshot can be had (air gap); None is the present.
    as_of: int | None = None
    #: Seconds for which a stale snapshot is only warned of, where a model is loaded.
    grace: int = 0
    #: Entries by what they are about; signers are few and looked at one by one.
    by_digest: Mapping[tuple[Affected, Digest], Entry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found = {(entry.affected, entry.digest): entry for entry in self.snapshot.entries if entry.digest is not None}
        object.__setattr__(self, "by_digest", found)

    def about(self, affected: Affected, digest: Digest) -> Entry | None:
        """The entry about this digest."""
        return self.by_digest.get((affected, digest))

    def about_signer(self, signer: SignerIdentity, signed_at: int | None) -> Iterator[Entry]:
        """Entries about who signed at that time."""
        for entry in self.snapshot.entries:
            if entry.signer is not None and entry.signer.covers(signer, signed_at):
                yield entry


class StatusStore(Protocol):
    """Where a status list is published."""

    @property
    def location(self) -> str:
        """The place, for messages."""
        ...

    def snapshots(self) -> tuple[tuple[str, bytes], ...]:
        """(name, bytes) of the bundles of recent snapshots; empty where there is no list yet. Raises `status.too_many`."""
        ...

    def add(self, snapshot: tuple[str, bytes], revocation: tuple[str, bytes] | None) -> None:
        """Publish a bundle of a snapshot, and the revocation that it is the first to hold, under these names."""
        ...
