"""The decision of a policy over a verified release: one answer a gate, and what they come to together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.result import Result


class Verdict(Enum):
    """What one gate says. SKIPPED is a gate that the policy does not speak of."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    WARN = "WARN"
    WAIVED = "WAIVED"
    SKIPPED = "SKIPPED"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of one gate: what was found, why that is so, and what helps."""

    gate: str
    verdict: Verdict
    what: str
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody accepts that one gate fails for one model, until a day. It counts only by who has signed it."""

    gate: str
    #: The model digest.
    digest: Digest
    reason: str
    #: Who accepts it, in words; `signer` is what is believed.
    approver: str
    ticket: str
    #: The last day, and Unix seconds of its end.
    expiry: str
    ends: int
    #: As verified; None for one that nobody has signed yet, which never counts.
    signer: SignerIdentity | None = None
    #: Of the bundle's bytes.
    bundle: Digest | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Every gate's answer, in the order of the list of gates."""

    policy: str
    #: Digest of the policy as it was decided by: its own text and everything that it extends.
    policy_digest: str
    #: Unix seconds of the decision.
    decided_at: int
    answers: tuple[Answer, ...]

    @property
    def result(self) -> Result:
        """ERROR if any gate could not decide or none ran; else FAIL if any failed; else PASS."""
        verdicts = {answer.verdict for answer in self.answers}
        if Verdict.ERROR in verdicts or not verdicts - {Verdict.SKIPPED}:
            return Result.ERROR
        return Result.FAIL if Verdict.FAIL in verdicts else Result.PASS
