"""Rekor v2 (rekor-tiles): hashedrekord 0.0.2 in; an entry with proof and checkpoint out, no promise and no time."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from model_provenance.formats.canonical import canonical
from model_provenance.testing.faults import Fault, Faults, Service
from model_provenance.testing.keys import KeyStore, key_details, verifier_key, verifies_digest
from model_provenance.testing.log import Included, Log, checkpoint, log_id
from model_provenance.testing.loopback import RefusedError, Request, Response

_ENTRIES = "/rekor-v2/api/v2/log/entries"
_KIND = {"kind": "hashedrekord", "version": "0.0.2"}
_ALGORITHMS = {32: "SHA2_256", 48: "SHA2_384", 64: "SHA2_512"}


class RekorV2:
    """The log; `create` is what the HTTP endpoint does. Its host is also the checkpoint's origin."""

    HOST = "rekor-v2.demo.invalid"

    def __init__(
        self, store: KeyStore, log: Log, faults: Faults, clock: Callable[[], float], *, ed25519_key: bool
    ) -> None:
        self._name = "rekor-v2-ed25519" if ed25519_key else "rekor-v2-ecdsa"
        self._ed25519_key = ed25519_key
        self.key = store.key(self._name, ed25519_key=ed25519_key)
        self._store, self._log, self._faults, self._clock = store, log, faults, clock

    @property
    def log_id(self) -> bytes:
        """The C2SP key hash, all of it."""
        return log_id(self.key, self.HOST)

    def handle(self, request: Request) -> Response:
        """`POST …/log/entries`."""
        if request.method != "POST" or request.path != _ENTRIES:
            return Response.error(501, "reads are served as tiles, which this simulator has not")
        asked = request.json()
        entry, new = self.create(asked)
        if self._faults.hit(Service.REKOR, Fault.CONFLICT) or not new:
            message = f"an equivalent entry already exists in the transparency log with index {entry['logIndex']}"
            return Response.error(409, message, {"x-log-index": entry["logIndex"]})
        if self._faults.hit(Service.REKOR, Fault.OTHER_ENTRY):
            body = _body(asked)
            body["spec"]["hashedRekordV002"]["data"]["digest"] = _b64(hashlib.sha256(b"another envelope").digest())
            entry = self._response(self._log.append(canonical(body), int(self._clock()))[0])
        return Response.json(entry, 201)

    def create(self, asked: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Check and log a request: the TransparencyLogEntry, and whether it is new."""
        included, new = self._log.append(canonical(_body(asked)), int(self._clock()))
        return self._response(included), new

    def _response(self, included: Included) -> dict[str, Any]:
        hit = self._faults.hit
        wrong = hit(Service.REKOR, Fault.WRONG_KEY) or hit(Service.REKOR, Fault.WRONG_CHECKPOINT_KEY)
        key = self._store.key(f"{self._name}-rogue", ed25519_key=self._ed25519_key) if wrong else self.key
        if hit(Service.REKOR, Fault.SPLIT_VIEW):
            included = self._log.in_place_of(included)
        root = included.root
        if hit(Service.REKOR, Fault.BAD_PROOF):
            root = hashlib.sha256(root).digest()
        frozen = hit(Service.REKOR, Fault.FROZEN)
        head = self._log.head_before(included) if frozen else (included.size, root)
        return {
            "logIndex": str(included.index),
            "logId": {"keyId": _b64(self.log_id)},
            "kindVersion": dict(_KIND),
            "integratedTime": "0",
            "inclusionPromise": None,
            "inclusionProof": {
                "logIndex": str(included.index),
                "rootHash": _b64(root),
                "treeSize": str(included.size),
                "hashes": [_b64(node) for node in included.proof],
                "checkpoint": {"envelope": checkpoint(self.HOST, (self.HOST, self.log_id), *head, key)},
            },
            "canonicalizedBody": _b64(included.body),
        }


def _body(asked: dict[str, Any]) -> dict[str, Any]:
    """The entry that is logged, its signature checked over the digest."""
    if set(asked) != {"hashedRekordRequestV002"}:
        raise RefusedError("only hashedRekordRequestV002 is accepted")
    request = asked["hashedRekordRequestV002"]
    digest = base64.b64decode(request["digest"], validate=True)
    signature = base64.b64decode(request["signature"]["content"], validate=True)
    verifier = request["signature"]["verifier"]
    field = "x509Certificate" if "x509Certificate" in verifier else "publicKey"
    material = base64.b64decode(verifier[field]["rawBytes"], validate=True)
    key = verifier_key(material)
    if key_details(key) != verifier["keyDetails"]:
        raise RefusedError(f"the verifier's key is {key_details(key)}")
    if not verifies_digest(key, signature, digest):
        raise RefusedError("the signature does not verify")
    return {
        "apiVersion": _KIND["version"],
        "kind": _KIND["kind"],
        "spec": {
            "hashedRekordV002": {
                "data": {"algorithm": _ALGORITHMS[len(digest)], "digest": _b64(digest)},
                "signature": {
                    "content": _b64(signature),
                    "verifier": {"keyDetails": verifier["keyDetails"], field: {"rawBytes": _b64(material)}},
                },
            }
        },
    }


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
