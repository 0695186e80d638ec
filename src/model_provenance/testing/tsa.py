"""A time-stamping authority: RFC 3161 over HTTP, CMS SignedData (RFC 5652) written by hand."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from model_provenance.testing import der
from model_provenance.testing.ca import Authority, time_stamping_authority
from model_provenance.testing.faults import Fault, Faults, Service
from model_provenance.testing.keys import KeyStore, sign
from model_provenance.testing.loopback import Request, Response

_PATH = "/api/v1/timestamp"
_POLICY = "1.3.6.1.4.1.57264.2"
_SIGNED_DATA, _TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_SHA256, _SHA384, _SHA512 = "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"
_GRANTED, _REJECTION = 0, 2
_SKEW = 7200


@dataclass(frozen=True)
class _Query:
    """A TimeStampReq; the imprint as it stands, for the answer repeats it."""

    imprint: bytes
    nonce: bytes
    wants_certificate: bool


class Tsa:
    """Stamps whatever digest it is given with the time of now."""

    def __init__(self, store: KeyStore, faults: Faults, clock: Callable[[], float]) -> None:
        self._store, self._faults, self._clock = store, faults, clock
        self.authority = self._authority("tsa")

    def handle(self, request: Request) -> Response:
        """`POST …/timestamp` with a TimeStampReq, or with sigstore's JSON form of one (sigstore-js sends it)."""
        if request.method != "POST" or request.path != _PATH:
            return Response.error(404, "no such page")
        is_json = request.headers.get("content-type", "").startswith("application/json")
        query = _from_json(request.json()) if is_json else _parse(request.body)
        return Response(200, self.stamp(query), "application/timestamp-reply")

    def stamp(self, query: _Query) -> bytes:
        """The TimeStampResp; faults apply."""
        hit = self._faults.hit
        if hit(Service.TSA, Fault.NO_TIMESTAMP):
            return der.sequence(der.sequence(der.integer(_REJECTION)))
        now = self._clock() + (_SKEW if hit(Service.TSA, Fault.SKEWED) else 0)
        imprint = query.imprint
        if hit(Service.TSA, Fault.OTHER_MESSAGE):
            imprint = der.sequence(_algorithm(_SHA256), der.octets(hashlib.sha256(b"another signature").digest()))
        info = der.sequence(
            der.integer(1),
            der.oid(_POLICY),
            imprint,
            der.integer(secrets.randbits(63)),
            der.generalized_time(datetime.fromtimestamp(now, timezone.utc)),
            query.nonce,
        )
        signer = self._authority("tsa-rogue") if hit(Service.TSA, Fault.WRONG_KEY) else self.authority
        token = _signed_data(info, signer, with_certificates=query.wants_certificate)
        return der.sequence(der.sequence(der.integer(_GRANTED)), token)

    def _authority(self, name: str) -> Authority:
        return time_stamping_authority(self._store, name, datetime.fromtimestamp(self._clock(), timezone.utc))


def _parse(data: bytes) -> _Query:
    version, imprint, *optional = der.children(data)
    if version[2] != der.integer(1):
        raise ValueError("the version is not 1")
    algorithm, digest = der.children(imprint[2])
    name = der.children(algorithm[2])[0][2]
    sizes = {der.oid(_SHA256): 32, der.oid(_SHA384): 48, der.oid(_SHA512): 64}
    if len(digest[1]) != sizes.get(name):
        raise ValueError("the digest is not SHA-256, -384 or -512")
    nonce = b"".join(whole for tag, _, whole in optional if tag == der.INTEGER)
    wants = any(tag == der.BOOLEAN and body != b"\x00" for tag, body, _ in optional)
    return _Query(imprint[2], nonce, wants)


def _from_json(asked: dict[str, Any]) -> _Query:
    algorithm = {"sha256": _SHA256, "sha384": _SHA384, "sha512": _SHA512}[asked["hashAlgorithm"]]
    digest = base64.b64decode(asked["artifactHash"], validate=True)
    nonce = der.integer(int(asked["nonce"])) if "nonce" in asked else b""
    imprint = der.sequence(_algorithm(algorithm), der.octets(digest))
    return _Query(imprint, nonce, wants_certificate=asked.get("certificates") is True)


def _signed_data(info: bytes, signer: Authority, *, with_certificates: bool) -> bytes:
    """ContentInfo of a SignedData with one signer, ECDSA with SHA-256."""
    attributes = [
        _attribute(_CONTENT_TYPE, der.oid(_TST_INFO)),
        _attribute(_MESSAGE_DIGEST, der.octets(hashlib.sha256(info).digest())),
        _attribute(_SIGNING_CERTIFICATE_V2, _ess_cert_id(signer.certificate)),
    ]
    # The signature covers the SET; inside SignerInfo the same bytes stand under [0] (RFC 5652, 5.4).
    signed = der.set_of(*attributes)
    issuer, serial = signer.certificate.issuer.public_bytes(), signer.certificate.serial_number
    signer_info = der.sequence(
        der.integer(1),
        der.sequence(issuer, der.integer(serial)),
        _algorithm(_SHA256),
        der.tagged(0, *sorted(attributes)),
        der.sequence(der.oid(_ECDSA_SHA256)),
        der.octets(sign(signer.key, signed)),
    )
    encoded = (certificate.public_bytes(serialization.Encoding.DER) for certificate in signer.chain[:-1])
    certificates = der.tagged(0, *sorted(encoded)) if with_certificates else b""
    content = der.sequence(der.oid(_TST_INFO), der.tagged(0, der.octets(info)))
    algorithms = der.set_of(_algorithm(_SHA256))
    signed_data = der.sequence(der.integer(3), algorithms, content, certificates, der.set_of(signer_info))
    return der.sequence(der.oid(_SIGNED_DATA), der.tagged(0, signed_data))


def _ess_cert_id(certificate: x509.Certificate) -> bytes:
    """SigningCertificateV2 (RFC 5035): SHA-256 is the default algorithm, so DER leaves its name out."""
    return der.sequence(der.sequence(der.sequence(der.octets(certificate.fingerprint(hashes.SHA256())))))


def _attribute(kind: str, value: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.set_of(value))


def _algorithm(name: str) -> bytes:
    return der.sequence(der.oid(name), der.null())
