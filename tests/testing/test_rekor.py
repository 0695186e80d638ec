"""Both Rekors over HTTP, as clients other than sigstore-python meet them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
import requests
import rfc8785
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from model_provenance.formats.dsse import pae
from model_provenance.testing.keys import PublicKey, key_details, spki
from model_provenance.testing.sigstore_sim import SigstoreSim

KIND = "application/vnd.in-toto+json"
PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1"}'


def b64(data: bytes) -> str:
    """Base64 text."""
    return base64.b64encode(data).decode()


def pem(key: PublicKey) -> bytes:
    """PEM of a public key."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    """A signing key without a certificate."""
    return ec.generate_private_key(ec.SECP256R1())


def dsse(key: Any, payload: bytes = PAYLOAD) -> dict[str, Any]:
    """A dsse 0.0.1 proposal signed with any kind of key."""
    message = pae(payload)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(message)
    elif isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = key.sign(message, ec.ECDSA(hashes.SHA384() if key.curve.key_size == 384 else hashes.SHA256()))
    envelope = {"payload": b64(payload), "payloadType": KIND, "signatures": [{"sig": b64(signature)}]}
    content = {"envelope": json.dumps(envelope), "verifiers": [b64(pem(key.public_key()))]}
    return {"kind": "dsse", "apiVersion": "0.0.1", "spec": {"proposedContent": content}}


def intoto(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """An intoto 0.0.2 proposal: payload and signature base64 twice."""
    signature = b64(key.sign(pae(PAYLOAD), ec.ECDSA(hashes.SHA256())))
    signed = {"sig": b64(signature.encode()), "publicKey": b64(pem(key.public_key()))}
    envelope = {"payload": b64(b64(PAYLOAD).encode()), "payloadType": KIND, "signatures": [signed]}
    content = {"envelope": envelope, "hash": {"algorithm": "sha256", "value": "ab" * 32}}
    return {"kind": "intoto", "apiVersion": "0.0.2", "spec": {"content": content}}


def hashedrekord(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """A hashedrekord 0.0.1 proposal."""
    signature = key.sign(PAYLOAD, ec.ECDSA(hashes.SHA256()))
    spec = {
        "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(PAYLOAD).hexdigest()}},
        "signature": {"content": b64(signature), "publicKey": {"content": b64(pem(key.public_key()))}},
    }
    return {"kind": "hashedrekord", "apiVersion": "0.0.1", "spec": spec}


def v2(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """A hashedrekord 0.0.2 request."""
    signature = key.sign(pae(PAYLOAD), ec.ECDSA(hashes.SHA256()))
    public = key.public_key()
    verifier = {"publicKey": {"rawBytes": b64(spki(public))}, "keyDetails": key_details(public)}
    digest = b64(hashlib.sha256(pae(PAYLOAD)).digest())
    return {
        "hashedRekordRequestV002": {"digest": digest, "signature": {"content": b64(signature), "verifier": verifier}}
    }


def post(sim: SigstoreSim, proposal: Any, version: int = 1) -> requests.Response:
    """Send a proposal."""
    return requests.post(f"{sim.url}/rekor-v{version}/api/v{version}/log/entries", json=proposal, timeout=5)


@pytest.mark.parametrize("propose", [dsse, intoto, hashedrekord])
def test_each_kind_is_logged_with_a_promise_over_its_canonical_body(
    sim: SigstoreSim, key: ec.EllipticCurvePrivateKey, propose: Any
) -> None:
    """The SET covers body, time, log and index in RFC 8785; the body holds hashes, never the payload."""
    proposal = propose(key)
    answer = post(sim, proposal)
    assert answer.status_code == 201, answer.text
    ((uuid, entry),) = answer.json().items()
    body = base64.b64decode(entry["body"])
    assert json.loads(body)["kind"] == proposal["kind"]
    assert rfc8785.dumps(json.loads(body)) == body
    assert b64(PAYLOAD).encode() not in body
    promise = base64.b64decode(entry["verification"]["signedEntryTimestamp"])
    covered = {name: entry[name] for name in ("body", "integratedTime", "logID", "logIndex")}
    public = sim.rekor_v1.key.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(promise, rfc8785.dumps(covered), ec.ECDSA(hashes.SHA256()))
    assert answer.headers["Location"].endswith(uuid)


@pytest.mark.parametrize("propose", [dsse, intoto, hashedrekord])
def test_an_entry_of_another_envelope_is_really_in_the_log(
    sim: SigstoreSim, key: ec.EllipticCurvePrivateKey, propose: Any
) -> None:
    """Proof, checkpoint and promise are good: only comparing the body with the envelope tells."""
    sim.misbehave("rekor", "other-entry")
    ((_, entry),) = post(sim, propose(key)).json().items()
    assert hashlib.sha256(b"another envelope").hexdigest().encode() in base64.b64decode(entry["body"])
    assert entry["verification"]["inclusionProof"]["treeSize"] == 2


@pytest.mark.parametrize(
    "make",
    [
        ed25519.Ed25519PrivateKey.generate,
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: rsa.generate_private_key(65537, 2048),
    ],
)
def test_envelopes_by_other_kinds_of_keys_are_logged(sim: SigstoreSim, make: Any) -> None:
    """Ed25519, P-384 and RSA, so that verifiers can be tried with what others sign."""
    assert post(sim, dsse(make())).status_code == 201


def test_keys_are_logged_in_the_form_of_the_log(sim: SigstoreSim, key: ec.EllipticCurvePrivateKey) -> None:
    """Rekor v1 writes the PEM of keys and certificates anew: some clients send it without a line end, and others compare."""
    proposal = dsse(key)
    sent = pem(key.public_key()).rstrip(b"\n")
    proposal["spec"]["proposedContent"]["verifiers"] = [b64(sent)]
    answer = post(sim, proposal)
    [entry] = answer.json().values()
    [signature] = json.loads(base64.b64decode(entry["body"]))["spec"]["signatures"]
    assert base64.b64decode(signature["verifier"]) == sent + b"\n"


@pytest.mark.parametrize("version", [1, 2])
def test_a_second_equal_entry_is_a_conflict_that_names_the_first(
    sim: SigstoreSim, key: ec.EllipticCurvePrivateKey, version: int
) -> None:
    """v1 says where the entry is (and serves it), v2 which index it has."""
    proposal = dsse(key) if version == 1 else v2(key)
    first = post(sim, proposal, version)
    second = post(sim, proposal, version)
    assert (first.status_code, second.status_code) == (201, 409)
    if version == 1:
        entry = requests.get(f"{sim.url}/rekor-v1{second.headers['Location']}", timeout=5).json()
        assert entry == first.json() | entry
        assert list(entry) == list(first.json())
        index = next(iter(entry.values()))["logIndex"]
        assert (
            requests.get(f"{sim.url}/rekor-v1/api/v1/log/entries?logIndex={index}", timeout=5).json().keys()
            == entry.keys()
        )
    else:
        assert second.headers["x-log-index"] == first.json()["logIndex"]


def test_v2_entries_have_proof_and_checkpoint_but_no_promise_and_no_time(
    sim: SigstoreSim, key: ec.EllipticCurvePrivateKey
) -> None:
    """The shape of rekor-tiles, `hashes` present though empty."""
    entry = post(sim, v2(key), 2).json()
    assert entry["kindVersion"] == {"kind": "hashedrekord", "version": "0.0.2"}
    assert entry["inclusionPromise"] is None
    assert entry["integratedTime"] == "0"
    assert entry["inclusionProof"]["hashes"] == []
    origin, size, root, blank, line = entry["inclusionProof"]["checkpoint"]["envelope"].rstrip("\n").split("\n")
    assert (origin, size, blank) == ("rekor-v2.demo.invalid", "1", "")
    assert root == entry["inclusionProof"]["rootHash"]
    dash, name, signature = line.split(" ")
    assert (dash, name) == ("\N{EM DASH}", "rekor-v2.demo.invalid")
    assert base64.b64decode(signature)[:4] == base64.b64decode(entry["logId"]["keyId"])[:4]


@pytest.mark.parametrize("propose", [dsse, intoto, hashedrekord])
def test_a_signature_by_another_key_is_not_logged(
    sim: SigstoreSim, key: ec.EllipticCurvePrivateKey, propose: Any
) -> None:
    """Rekor verifies before it logs."""
    other = b64(pem(ec.generate_private_key(ec.SECP256R1()).public_key()))
    proposal = json.loads(json.dumps(propose(key)).replace(b64(pem(key.public_key())), other))
    assert post(sim, proposal).status_code == 400


@pytest.mark.parametrize(
    "proposal",
    [
        {},
        [],
        "text",
        {"kind": "rekord", "apiVersion": "0.0.1", "spec": {}},
        {"kind": "dsse", "apiVersion": "0.0.1", "spec": {}},
        {"kind": "dsse", "apiVersion": "0.0.1", "spec": {"proposedContent": {"envelope": "{"}}},
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_malformed_proposals_are_answered_with_400(sim: SigstoreSim, proposal: Any, version: int) -> None:
    """Never with a broken connection."""
    assert post(sim, proposal, version).status_code == 400


def test_v2_refuses_a_key_that_is_not_what_it_says(sim: SigstoreSim, key: ec.EllipticCurvePrivateKey) -> None:
    """`keyDetails` is compared with the key."""
    asked = v2(key)
    asked["hashedRekordRequestV002"]["signature"]["verifier"]["keyDetails"] = "PKIX_ED25519"
    answer = post(sim, asked, 2)
    assert answer.status_code == 400
    assert "PKIX_ECDSA_P256_SHA_256" in answer.json()["message"]


def test_what_is_not_logged_is_not_found(sim: SigstoreSim) -> None:
    """404 for unknown entries and pages; v2 serves no reads."""
    base = f"{sim.url}/rekor-v1/api/v1/log"
    paths = (f"{base}/entries/{'ab' * 40}", f"{base}/entries?logIndex=1", f"{base}/entries?logIndex=99999", base)
    assert [requests.get(path, timeout=5).status_code for path in paths] == [404] * 4
    assert requests.get(f"{sim.url}/rekor-v2/api/v2/checkpoint", timeout=5).status_code == 501
