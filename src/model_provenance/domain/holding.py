"""Files that stay open after they were verified, and how well their bytes are kept as they were."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from model_provenance.domain.digest import Digest


class Toctou(Enum):
    """What stands between the check of a file and its use, the strongest first (time of check to time of use)."""

    #: The file system checks every read of the file against a digest; the content can never change.
    VERITY = "fs-verity"
    #: A copy in memory that nobody can write to, this process included.
    SEALED = "sealed"
    #: The open file itself under a read lease: nobody had it open for writing when it was hashed, and who wants to is
    #: held off for a while, and noticed.
    LEASED = "leased"
    #: The open file itself: another file under its name changes nothing; a write into the file is noticed afterwards,
    #: but for one through a memory mapping that was there before.
    HELD = "held"
    #: Only a path could be given: whoever can write there decides what is read.
    UNPROTECTED = "unprotected"

    @property
    def rank(self) -> int:
        """0 is the strongest."""
        return list(Toctou).index(self)


#: What each says to who reads a report.
TOCTOU_MEANING = {
    Toctou.VERITY: "the kernel checks every read against a digest",
    Toctou.SEALED: "a copy in memory that nobody can change",
    Toctou.LEASED: "the open file; nobody had it open for writing, and a writer is held off or noticed",
    Toctou.HELD: "the open file; a write into it is noticed afterwards, but not one through an older memory mapping",
    Toctou.UNPROTECTED: "a path only: whoever can write there decides what is read",
}


@dataclass(frozen=True, slots=True)
class HeldFile:
    """One file that stays open. `digest` is None only where nothing was verified."""

    path: str
    size: int
    digest: Digest | None
    toctou: Toctou


def weakest(files: tuple[HeldFile, ...]) -> Toctou:
    """The protection of the whole: that of its least protected file."""
    return max((file.toctou for file in files), key=lambda toctou: toctou.rank, default=Toctou.UNPROTECTED)


class LoadResult(Enum):
    """What became of the wish to load a model."""

    PASS = "PASS"  # noqa: S105 - not a password
    #: Not verified, and handed out all the same, because somebody said so in the environment.
    BYPASSED = "BYPASSED"
    FAIL = "FAIL"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class LoadReceipt:
    """One line for whoever asks later what was loaded here, when, and on whose word."""

    #: Unix nanoseconds.
    time_ns: int
    result: LoadResult
    #: As the caller named it.
    target: str
    process: int
    name: str | None = None
    version: str | None = None
    model_digest: Digest | None = None
    signer: str | None = None
    issuer: str | None = None
    policy: str | None = None
    policy_digest: str | None = None
    #: Of the policy, where one was asked.
    decision: str | None = None
    toctou: Toctou | None = None
    #: Whether the files were known by their identity and not read again.
    cached: bool = False
    #: Code of what was wrong.
    error: str | None = None
    #: Why it was bypassed, in the words of who did so.
    bypass_reason: str | None = None
