"""What a simulated service can do wrong: named faults that a test switches on, each read by one small hook."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum


class Service(str, Enum):
    """The services of a Sigstore, and the issuer's token endpoint."""

    FULCIO = "fulcio"
    CT_LOG = "ctlog"
    REKOR = "rekor"
    TSA = "tsa"
    OIDC = "oidc"
    #: GitHub's REST API, no part of a Sigstore.
    GITHUB = "github"


class Fault(str, Enum):
    """One way to misbehave. The first four are the transport's and fit every service but the CT log."""

    #: 503 to every request.
    DOWN = "down"
    #: 502, as a failing load balancer answers; use `times` to let it recover.
    BAD_GATEWAY = "bad-gateway"
    #: Answers, but only after `seconds`.
    SLOW = "slow"
    #: 200 with something that is not an answer.
    GARBAGE = "garbage"
    #: Signs with a key that the trusted root does not know (Fulcio: a CA, with its own root).
    WRONG_KEY = "wrong-key"
    #: Fulcio: a certificate that ended an hour ago. OIDC: a token that did.
    EXPIRED = "expired"
    #: Fulcio: a certificate without an embedded SCT.
    NO_SCT = "no-sct"
    #: Fulcio: a certificate for the repository `mallory/minilm`.
    OTHER_IDENTITY = "other-identity"
    #: Fulcio: a certificate for a key that nobody asked for.
    OTHER_KEY = "other-key"
    #: Rekor: only the checkpoint is signed with an unknown key; the entry's promise is good.
    WRONG_CHECKPOINT_KEY = "wrong-checkpoint-key"
    #: Rekor v1: only the entry's promise is; v2 makes none.
    WRONG_PROMISE_KEY = "wrong-promise-key"
    #: Rekor: 409, an equivalent entry exists, though nobody made it.
    CONFLICT = "conflict"
    #: Rekor: a correctly logged entry of another envelope.
    OTHER_ENTRY = "other-entry"
    #: Rekor: an inclusion proof that does not lead to the root.
    BAD_PROOF = "bad-proof"
    #: Rekor: the entry is logged, and the answer's checkpoint is that of the tree before it.
    FROZEN = "frozen"
    #: Rekor: this client is shown another tree, of the same size as that of the client before, with the entry in the place
    #: of that client's. The first entry of a log has nobody before it.
    SPLIT_VIEW = "split-view"
    #: TSA: answers with a rejection instead of a time-stamp.
    NO_TIMESTAMP = "no-timestamp"
    #: TSA: stamps other bytes.
    OTHER_MESSAGE = "other-message"
    #: TSA and Rekor v1: a clock that is two hours fast.
    SKEWED = "skewed"
    #: OIDC: a token for another audience.
    WRONG_AUDIENCE = "wrong-audience"
    #: OIDC: 403, as without `id-token: write`.
    FORBIDDEN = "forbidden"


_TRANSPORT = frozenset({Fault.DOWN, Fault.BAD_GATEWAY, Fault.SLOW, Fault.GARBAGE})
_KNOWN = {
    Service.FULCIO: _TRANSPORT | {Fault.WRONG_KEY, Fault.EXPIRED, Fault.NO_SCT, Fault.OTHER_IDENTITY, Fault.OTHER_KEY},
    Service.CT_LOG: frozenset({Fault.WRONG_KEY}),
    Service.REKOR: _TRANSPORT
    | {
        Fault.WRONG_KEY,
        Fault.WRONG_CHECKPOINT_KEY,
        Fault.WRONG_PROMISE_KEY,
        Fault.CONFLICT,
        Fault.OTHER_ENTRY,
        Fault.BAD_PROOF,
        Fault.FROZEN,
        Fault.SPLIT_VIEW,
        Fault.SKEWED,
    },
    Service.TSA: _TRANSPORT | {Fault.WRONG_KEY, Fault.NO_TIMESTAMP, Fault.OTHER_MESSAGE, Fault.SKEWED},
    Service.OIDC: _TRANSPORT | {Fault.WRONG_KEY, Fault.EXPIRED, Fault.WRONG_AUDIENCE, Fault.FORBIDDEN},
    Service.GITHUB: _TRANSPORT | {Fault.FORBIDDEN},
}


@dataclass
class _Active:
    left: int | None
    seconds: float


class Faults:
    """The faults that are on now; safe to change while requests are served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: dict[tuple[Service, Fault], _Active] = {}

    def start(self, service: Service, fault: Fault, *, times: int | None, seconds: float) -> None:
        """Misbehave from now on, or for the next `times` requests; ValueError for a pair that does not exist."""
        if fault not in _KNOWN[service]:
            raise ValueError(f"{service.value} has no fault {fault.value}")
        with self._lock:
            self._active[service, fault] = _Active(times, seconds)

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._active.clear()

    def hit(self, service: Service, fault: Fault) -> bool:
        """Whether this request is to go wrong in this way; counts it."""
        return self._take(service, fault) is not None

    def delay(self, service: Service) -> float:
        """Seconds that this request is to be held back."""
        active = self._take(service, Fault.SLOW)
        return active.seconds if active else 0.0

    def _take(self, service: Service, fault: Fault) -> _Active | None:
        with self._lock:
            active = self._active.get((service, fault))
            if active is None:
                return None
            if active.left is not None:
                active.left -= 1
                if active.left <= 0:
                    del self._active[service, fault]
            return active
