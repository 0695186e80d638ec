"""Keyless bundles put together by hand from the simulator's parts, so that each part can be the wrong one."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import TimestampRequestBuilder

from model_provenance.domain.evidence import Statement
from model_provenance.formats.dsse import PAYLOAD_TYPE, pae
from model_provenance.testing.ca import Leaf, leaf_builder
from model_provenance.testing.identities import principal
from model_provenance.testing.loopback import Request
from model_provenance.testing.sigstore_sim import SigstoreSim

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def b64(data: bytes) -> str:
    """As protobuf's JSON writes bytes."""
    return base64.b64encode(data).decode()


@dataclass(frozen=True)
class Signing:
    """A certificate and its key."""

    key: ec.EllipticCurvePrivateKey
    leaf: x509.Certificate

    @property
    def der(self) -> bytes:
        """The leaf's bytes."""
        return self.leaf.public_bytes(Encoding.DER)

    def sign(self, payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
        """A DSSE signature."""
        return self.key.sign(pae(payload, payload_type), ec.ECDSA(hashes.SHA256()))


class Forge:
    """Issues, signs, logs and stamps with the simulator's own keys; every step can be replaced."""

    def __init__(self, sim: SigstoreSim) -> None:
        self.sim = sim
        self._made: dict[Any, dict[str, bytes]] = {}

    def release(
        self, statements: Iterable[Statement], claims: Mapping[str, Any], *, rekor: int = 1
    ) -> dict[str, bytes]:
        """Bundles of all statements under one certificate; equal requests are signed once."""
        statements = tuple(statements)
        key = (statements, json.dumps(claims, sort_keys=True), rekor)
        if key not in self._made:
            signing = self.certify(claims)
            self._made[key] = {
                s.name: json.dumps(self.bundle(s.payload, signing, rekor=rekor)).encode() for s in statements
            }
        return dict(self._made[key])

    def certify(
        self,
        claims: Mapping[str, Any],
        *,
        start: datetime | None = None,
        life: timedelta = timedelta(minutes=10),
        change: Callable[[x509.CertificateBuilder], x509.CertificateBuilder] | None = None,
        names: x509.SubjectAlternativeName | None = None,
        extra: tuple[tuple[int, bytes], ...] = (),
    ) -> Signing:
        """A leaf for the claims, with an SCT by the simulated certificate log."""
        key = ec.generate_private_key(ec.SECP256R1())
        who = principal(claims)
        now = (start or datetime.now(timezone.utc)).replace(microsecond=0)
        replaced = {f"1.3.6.1.4.1.57264.1.{number}" for number, _ in extra}
        extensions = [e for e in who.extensions if e.oid.dotted_string not in replaced]
        extensions += [
            x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}"), value)
            for number, value in extra
        ]
        leaf = Leaf(key.public_key(), names or who.names, tuple(extensions), now, life)
        builder = leaf_builder(self.sim.fulcio.authority, leaf)
        if change is not None:
            builder = change(builder)
        return Signing(key, self.sim.ct_log.certify(builder, self.sim.fulcio.authority, now))

    def issue(self, claims: Mapping[str, Any]) -> Signing:
        """A leaf as the simulated Fulcio issues it; its faults apply."""
        key = ec.generate_private_key(ec.SECP256R1())
        chain = self.sim.fulcio.issue(principal(claims), key.public_key(), dict(claims))
        return Signing(key, chain[0])

    def stamp(self, signature: bytes) -> str:
        """A time-stamp over the signature."""
        query = TimestampRequestBuilder().data(signature).build().as_bytes()
        path = "/api/v1/timestamp"
        return b64(self.sim.tsa.handle(Request("POST", "/tsa", path, {}, {}, query)).body)

    def log_v1(self, signing: Signing, payload: bytes, signature: bytes, payload_type: str = PAYLOAD_TYPE) -> Any:
        """A `dsse` 0.0.1 entry."""
        pem = signing.leaf.public_bytes(Encoding.PEM)
        envelope = {
            "payload": b64(payload),
            "payloadType": payload_type,
            "signatures": [{"sig": b64(signature)}],
        }
        proposal = {
            "kind": "dsse",
            "apiVersion": "0.0.1",
            "spec": {"proposedContent": {"envelope": json.dumps(envelope), "verifiers": [b64(pem)]}},
        }
        ((_, entry),) = self.sim.rekor_v1.create(proposal)[0].items()
        return entry_v1(entry, "dsse", "0.0.1")

    def log_v2(self, signing: Signing, payload: bytes, signature: bytes, payload_type: str = PAYLOAD_TYPE) -> Any:
        """A `hashedrekord` 0.0.2 entry over the PAE."""
        asked = {
            "digest": b64(hashlib.sha256(pae(payload, payload_type)).digest()),
            "signature": {
                "content": b64(signature),
                "verifier": {
                    "x509Certificate": {"rawBytes": b64(signing.der)},
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                },
            },
        }
        entry = self.sim.rekor_v2.create({"hashedRekordRequestV002": asked})[0]
        return {name: value for name, value in entry.items() if value is not None}

    def bundle(
        self, payload: bytes, signing: Signing, *, rekor: int = 1, stamped: bool = True, signature: bytes | None = None
    ) -> dict[str, Any]:
        """A complete bundle as JSON values, for a test to change."""
        signature = signature or signing.sign(payload)
        entry = (self.log_v1 if rekor == 1 else self.log_v2)(signing, payload, signature)
        material: dict[str, Any] = {"certificate": {"rawBytes": b64(signing.der)}, "tlogEntries": [entry]}
        if stamped:
            material["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": self.stamp(signature)}]}
        return {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": material,
            "dsseEnvelope": {
                "payload": b64(payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": b64(signature)}],
            },
        }


def entry_v1(entry: Mapping[str, Any], kind: str, version: str) -> dict[str, Any]:
    """Rekor's answer as a TransparencyLogEntry."""
    verification = entry["verification"]
    proof = verification["inclusionProof"]
    return {
        "logIndex": str(entry["logIndex"]),
        "logId": {"keyId": b64(bytes.fromhex(entry["logID"]))},
        "kindVersion": {"kind": kind, "version": version},
        "integratedTime": str(entry["integratedTime"]),
        "inclusionPromise": {"signedEntryTimestamp": verification["signedEntryTimestamp"]},
        "inclusionProof": {
            "logIndex": str(proof["logIndex"]),
            "rootHash": b64(bytes.fromhex(proof["rootHash"])),
            "treeSize": str(proof["treeSize"]),
            "hashes": [b64(bytes.fromhex(node)) for node in proof["hashes"]],
            "checkpoint": {"envelope": proof["checkpoint"]},
        },
        "canonicalizedBody": entry["body"],
    }


@pytest.fixture(scope="session")
def forge(keyless: Any) -> Forge:
    """A forge beside the session's simulator."""
    made = Forge(keyless.sim)
    # A tree with several leaves has proofs with several hashes.
    for number in range(5):
        payload = json.dumps({"n": number}).encode()
        signing = made.certify(keyless.default_run.claims())
        for rekor in (1, 2):
            made.bundle(payload, signing, rekor=rekor)
    return made


@pytest.fixture
def misbehave(keyless: Any) -> Any:
    """Switch faults on for one test."""
    yield keyless.sim.misbehave
    keyless.sim.behave()


@pytest.fixture(scope="session")
def tools() -> Any:
    """This module."""
    import sys

    return sys.modules[__name__]


@pytest.fixture
def outcome(api: Any, keyless: Any, judge_keyless: Any, forge: Any) -> Any:
    """Report of a release made and signed by a run."""

    def report(run: Any, signer: Any, *, change: Any = None, **more: Any) -> Any:
        draft = api.Draft(run=run)
        statements = draft.statements if change is None else change(draft.statements)
        return judge_keyless(forge.release(statements, run.claims()), draft.directory, signer=signer, **more)

    return report
