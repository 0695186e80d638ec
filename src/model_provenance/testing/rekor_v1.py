"""Rekor v1: proposals of kind dsse, hashedrekord and intoto in; entries with promise, proof and checkpoint out."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

from model_provenance.formats.canonical import canonical
from model_provenance.formats.dsse import pae
from model_provenance.testing.faults import Fault, Faults, Service
from model_provenance.testing.keys import (
    KeyStore,
    PrivateKey,
    canonical_pem,
    key_id,
    sign,
    verifier_key,
    verifies,
    verifies_digest,
)
from model_provenance.testing.log import Included, Log, checkpoint
from model_provenance.testing.loopback import RefusedError, Request, Response
from model_provenance.testing.merkle import leaf_hash

_ENTRIES = "/rekor-v1/api/v1/log/entries"
#: Entries of earlier shards: an entry's index in the log is larger than its index in the tree, as in production.
_EARLIER = 4096
_TREE_ID = 0x0DE3_0000_0000_0001
_SKEW = 7200


class RekorV1:
    """The log; `create` is what the HTTP endpoint does."""

    HOST = "rekor.demo.invalid"

    def __init__(self, store: KeyStore, log: Log, faults: Faults, clock: Callable[[], float]) -> None:
        self.key = store.key("rekor-v1")
        self._store, self._log, self._faults, self._clock = store, log, faults, clock

    @property
    def log_id(self) -> bytes:
        """SHA-256 of the log's public key."""
        return key_id(self.key.public_key())

    def handle(self, request: Request) -> Response:
        """`POST …/log/entries`, `GET …/log/entries/UUID` and `GET …/log/entries?logIndex=N`."""
        # sigstore-python 3 ends the address with a slash.
        if request.method == "POST" and request.path.rstrip("/") == _ENTRIES:
            return self._post(request)
        if request.method == "GET" and request.path.startswith(_ENTRIES):
            return self._get(request)
        return Response.error(404, "no such page")

    def create(self, proposal: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Check and log a proposal: the response's entry under its UUID, and whether it is new."""
        now = int(self._clock())
        if self._faults.hit(Service.REKOR, Fault.SKEWED):
            now += _SKEW
        included, new = self._log.append(canonical(_canonicalise(proposal)), now)
        return self._response(included), new

    def _post(self, request: Request) -> Response:
        proposal = request.json()
        entry, new = self.create(proposal)
        (uuid,) = entry
        if self._faults.hit(Service.REKOR, Fault.CONFLICT) or not new:
            message = f"an equivalent entry already exists in the transparency log with UUID {uuid}"
            return Response.error(409, message, {"Location": f"/api/v1/log/entries/{uuid}"})
        if self._faults.hit(Service.REKOR, Fault.OTHER_ENTRY):
            entry = self._response(self._log.append(canonical(_another(proposal)), int(self._clock()))[0])
        return Response.json(entry, 201, {"Location": f"/api/v1/log/entries/{uuid}"})

    def _get(self, request: Request) -> Response:
        uuid = request.path.removeprefix(_ENTRIES).strip("/")
        try:
            if uuid:
                included = self._log.find(bytes.fromhex(uuid[-64:]))
            else:
                included = self._log.get(int(request.query["logIndex"]) - _EARLIER)
        except (ValueError, KeyError, IndexError):
            included = None
        return Response.json(self._response(included)) if included else Response.error(404, "entry not found")

    def _rogue(self) -> PrivateKey:
        return self._store.key("rekor-v1-rogue")

    def _response(self, included: Included) -> dict[str, Any]:
        hit = self._faults.hit
        key = self._rogue() if hit(Service.REKOR, Fault.WRONG_KEY) else self.key
        note_key = self._rogue() if hit(Service.REKOR, Fault.WRONG_CHECKPOINT_KEY) else key
        promise_key = self._rogue() if hit(Service.REKOR, Fault.WRONG_PROMISE_KEY) else key
        if hit(Service.REKOR, Fault.SPLIT_VIEW):
            included = self._log.in_place_of(included)
        hashes = [node.hex() for node in included.proof]
        root = included.root
        if hit(Service.REKOR, Fault.BAD_PROOF):
            root = hashlib.sha256(root).digest()
        frozen = hit(Service.REKOR, Fault.FROZEN)
        head = self._log.head_before(included) if frozen else (included.size, root)
        entry: dict[str, Any] = {
            "body": base64.b64encode(included.body).decode(),
            "integratedTime": included.integrated,
            "logID": self.log_id.hex(),
            "logIndex": included.index + _EARLIER,
        }
        entry["verification"] = {
            "inclusionProof": {
                "checkpoint": checkpoint(f"{self.HOST} - {_TREE_ID}", (self.HOST, self.log_id), *head, note_key),
                "hashes": hashes,
                "logIndex": included.index,
                "rootHash": root.hex(),
                "treeSize": included.size,
            },
            "signedEntryTimestamp": base64.b64encode(sign(promise_key, canonical(entry))).decode(),
        }
        return {f"{_TREE_ID:016x}{leaf_hash(included.body).hex()}": entry}


def _canonicalise(proposal: dict[str, Any]) -> dict[str, Any]:
    """The body that is logged: signatures are checked, contents replaced by their hashes."""
    kinds = {
        ("dsse", "0.0.1"): _dsse,
        ("hashedrekord", "0.0.1"): _hashedrekord,
        ("intoto", "0.0.2"): _intoto,
    }
    kind = proposal["kind"], proposal["apiVersion"]
    if kind not in kinds:
        raise RefusedError(f"entries of kind {kind} are not known here")
    return {"apiVersion": kind[1], "kind": kind[0], "spec": kinds[kind](proposal["spec"])}


def _dsse(spec: dict[str, Any]) -> dict[str, Any]:
    proposed = spec["proposedContent"]
    envelope = json.loads(proposed["envelope"])
    payload = base64.b64decode(envelope["payload"])
    message = pae(payload, envelope["payloadType"])
    signatures = []
    for signature in envelope["signatures"]:
        verifier = _verifier_of(base64.b64decode(signature["sig"]), message, proposed["verifiers"])
        signatures.append({"signature": signature["sig"], "verifier": _canonical_key(verifier)})
    return {
        "envelopeHash": _sha256(proposed["envelope"].encode()),
        "payloadHash": _sha256(payload),
        "signatures": sorted(signatures, key=lambda signature: signature["signature"]),
    }


def _verifier_of(signature: bytes, message: bytes, verifiers: list[str]) -> str:
    for verifier in verifiers:
        if verifies(verifier_key(base64.b64decode(verifier)), signature, message):
            return verifier
    raise RefusedError("a signature of the envelope is by none of the verifiers")


def _hashedrekord(spec: dict[str, Any]) -> dict[str, Any]:
    digest, signature = spec["data"]["hash"], spec["signature"]
    key = verifier_key(base64.b64decode(signature["publicKey"]["content"]))
    if not verifies_digest(key, base64.b64decode(signature["content"]), bytes.fromhex(digest["value"])):
        raise RefusedError("the signature does not verify")
    return {
        "data": {"hash": {"algorithm": digest["algorithm"], "value": digest["value"]}},
        "signature": {
            "content": signature["content"],
            "publicKey": {"content": _canonical_key(signature["publicKey"]["content"])},
        },
    }


def _canonical_key(content: str) -> str:
    return base64.b64encode(canonical_pem(base64.b64decode(content))).decode()


def _intoto(spec: dict[str, Any]) -> dict[str, Any]:
    """Payload and signatures arrive base64 twice; the payload is not logged."""
    content = spec["content"]
    envelope = content["envelope"]
    payload = base64.b64decode(base64.b64decode(envelope["payload"]))
    message = pae(payload, envelope["payloadType"])
    for signature in envelope["signatures"]:
        once = base64.b64decode(signature["sig"])
        _verifier_of(base64.b64decode(once), message, [signature["publicKey"]])
    return {
        "content": {
            "envelope": {"payloadType": envelope["payloadType"], "signatures": envelope["signatures"]},
            "hash": content["hash"],
            "payloadHash": _sha256(payload),
        }
    }


def _sha256(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _another(proposal: dict[str, Any]) -> dict[str, Any]:
    """The body of the same kind about other content, which the log would never accept."""
    body = _canonicalise(proposal)
    other = _sha256(b"another envelope")
    if proposal["kind"] == "hashedrekord":
        body["spec"]["data"]["hash"] = other
    elif proposal["kind"] == "dsse":
        body["spec"]["payloadHash"] = other
    else:
        body["spec"]["content"]["payloadHash"] = other
    return body
