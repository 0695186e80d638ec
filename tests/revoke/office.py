"""Where revocations are signed: real keys, real bundles, a folder for the list."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Statement
from model_provenance.domain.status import Action, Affected, Entry, Status
from model_provenance.domain.verification import Trust
from model_provenance.flows.signing import Prepared
from model_provenance.flows.status import Publication, Published, StatusRequest, cosign, publish, read_status
from model_provenance.policy.signers import PolicySigner
from model_provenance.sign.key import KeySigner

NOW = 1_795_392_000
DAY = 86_400
MODEL, DATASET = Digest("cd" * 32), Digest("12" * 32)


class Office:
    """The list lies in `folder`; `memory` is where a consumer remembers what it saw."""

    def __init__(self, folder: Path, keys: dict[str, ec.EllipticCurvePrivateKey]) -> None:
        self.folder, self.memory = folder / "list", folder / "memory"
        self.keys = {name: KeySigner(key) for name, key in keys.items()}

    def revokers(self, *names: str) -> frozenset[PolicySigner]:
        """As a policy names them."""
        keys = [self.keys[name] for name in names]
        return frozenset(PolicySigner(key.identity.subject, public_key=key.public_key.pem) for key in keys)

    def request(self, *names: str, **changes: Any) -> StatusRequest:
        """What a consumer asks for."""
        wanted = StatusRequest(str(self.folder), self.revokers(*(names or ("first",))), Trust(None), memory=self.memory)
        return replace(wanted, **changes)

    def read(self, *names: str, **changes: Any) -> Status:
        """What a consumer gets."""
        return read_status(self.request(*names, **changes))

    def publish(
        self, entry: Entry | None = None, *, by: str = "first", now: int = NOW, name: str = "acme"
    ) -> Published:
        """The next snapshot."""
        request = StatusRequest(str(self.folder), frozenset(), Trust(None))
        return publish(request, self.publication(by, now, name), entry)

    def cosign(self, *, by: str, trusting: str = "first") -> Published:
        """Another revoker's signature."""
        request = StatusRequest(str(self.folder), self.revokers(trusting), Trust(None))
        return cosign(request, self.publication(by, NOW, "acme"))

    def publication(self, by: str, now: int, name: str) -> Publication:
        """How it is signed."""
        return Publication(Prepared(self.keys[by], None, True, True, Trust(None)), now, 7 * DAY, name)

    def sign(self, statement: Statement, *, by: str = "first") -> bytes:
        """A bundle of any statement."""
        return self.keys[by].sign([statement])[0].data

    @property
    def snapshots(self) -> list[Path]:
        """The files of snapshots, oldest first."""
        return sorted((self.folder / "snapshots").iterdir())

    def put(self, name: str, data: bytes) -> None:
        """A file beside the snapshots."""
        (self.folder / "snapshots").mkdir(parents=True, exist_ok=True)
        (self.folder / "snapshots" / name).write_bytes(data)


def revoked(digest: Digest = MODEL, **changes: Any) -> Entry:
    """One entry."""
    return replace(Entry(Action.REVOKE, Affected.ARTIFACT, "backdoor", digest=digest), **changes)
