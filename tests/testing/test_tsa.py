"""The time-stamping authority against rfc3161-client, and against OpenSSL where it is installed."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from model_provenance.testing.sigstore_sim import SigstoreSim


def stamp(sim: SigstoreSim, request: bytes) -> requests.Response:
    """Send a TimeStampReq."""
    return requests.post(f"{sim.url}/api/v1/timestamp", data=request, timeout=5)


def verify(sim: SigstoreSim, response: TimeStampResponse, message: bytes, nonce: int | None = None) -> None:
    """With the chain of the trusted root: leaf, intermediate, root."""
    leaf, intermediate, root = sim.tsa.authority.chain
    builder = VerifierBuilder().tsa_certificate(leaf).add_intermediate_certificate(intermediate)
    builder = builder.add_root_certificate(root)
    (builder.nonce(nonce) if nonce is not None else builder).build().verify_message(response, message)


@pytest.mark.parametrize("algorithm", list(HashAlgorithm))
@pytest.mark.parametrize("nonce", [True, False])
@pytest.mark.parametrize("certificates", [True, False])
def test_a_timestamp_is_over_the_message_with_the_time_of_now(
    sim: SigstoreSim, *, algorithm: HashAlgorithm, nonce: bool, certificates: bool
) -> None:
    """Either digest, with and without nonce and embedded certificates."""
    builder = TimestampRequestBuilder().data(b"signature").hash_algorithm(algorithm).nonce(nonce=nonce)
    request = builder.cert_request(cert_request=certificates).build()
    response = decode_timestamp_response(stamp(sim, request.as_bytes()).content)
    verify(sim, response, b"signature", request.nonce)
    assert abs((response.tst_info.gen_time - datetime.now(timezone.utc)).total_seconds()) < 5
    assert len(response.signed_data.certificates) == (2 if certificates else 0)
    with pytest.raises(VerificationError):
        verify(sim, response, b"another signature")


@pytest.mark.parametrize("certificates", [True, False])
def test_sigstores_json_requests_are_answered_alike(sim: SigstoreSim, *, certificates: bool) -> None:
    """sigstore-js asks in JSON; the answer is the same DER."""
    digest = base64.b64encode(hashlib.sha256(b"signature").digest()).decode()
    asked = {"artifactHash": digest, "hashAlgorithm": "sha256", "nonce": 2**62, "certificates": certificates}
    answer = requests.post(f"{sim.url}/api/v1/timestamp", json=asked, timeout=5)
    response = decode_timestamp_response(answer.content)
    verify(sim, response, b"signature", 2**62)
    assert len(response.signed_data.certificates) == (2 if certificates else 0)


def test_the_signing_certificate_has_one_critical_use(sim: SigstoreSim) -> None:
    """RFC 3161, 2.3: timeStamping alone, critical."""
    usage = sim.tsa.authority.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert usage.critical
    assert list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


@pytest.mark.parametrize("body", [b"", b"0", b"\x30\x00", b"\x30\x03\x02\x01\x01", b"{}", b"\x30\x80" * 20])
def test_what_is_no_request_is_answered_with_400(sim: SigstoreSim, body: bytes) -> None:
    """Never with a broken connection."""
    assert stamp(sim, body).status_code == 400


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_openssl_accepts_the_timestamp(sim: SigstoreSim, tmp_path: Path) -> None:
    """`openssl ts -verify`: the CMS is what a second implementation expects, ESS certificate id included."""
    (tmp_path / "data").write_bytes(b"signature")
    _openssl("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query", cwd=tmp_path)
    (tmp_path / "reply").write_bytes(stamp(sim, (tmp_path / "query").read_bytes()).content)
    certificates = [c.public_bytes(serialization.Encoding.PEM) for c in sim.tsa.authority.chain]
    (tmp_path / "root.pem").write_bytes(certificates[2])
    (tmp_path / "untrusted.pem").write_bytes(certificates[0] + certificates[1])
    arguments = ("-queryfile", "query", "-in", "reply", "-CAfile", "root.pem", "-untrusted", "untrusted.pem")
    assert "Verification: OK" in _openssl("ts", "-verify", *arguments, cwd=tmp_path)


def _openssl(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["openssl", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
