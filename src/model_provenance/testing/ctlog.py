"""A certificate transparency log: promises (SCTs) for precertificates (RFC 6962, sections 3.2 and 3.3)."""

from __future__ import annotations

import struct
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from model_provenance.testing import der
from model_provenance.testing.ca import Authority
from model_provenance.testing.faults import Fault, Faults, Service
from model_provenance.testing.keys import KeyStore, key_id, sign

_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_V1, _CERTIFICATE_TIMESTAMP, _PRECERT_ENTRY = 0, 0, 1
_SHA256, _ECDSA = 4, 3


class CtLog:
    """Signs SCTs; what it promises to log nobody reads, so nothing is kept."""

    def __init__(self, store: KeyStore, faults: Faults) -> None:
        self.key = store.key("ctlog")
        self._store, self._faults = store, faults

    def certify(self, builder: x509.CertificateBuilder, issuer: Authority, now: datetime) -> x509.Certificate:
        """The certificate with an embedded SCT over it: signed twice, the first time only to know its bytes."""
        precertificate = builder.sign(issuer.key, hashes.SHA256())
        sct = self._sct(precertificate.tbs_certificate_bytes, key_id(issuer.key.public_key()), now)
        entry = struct.pack("!H", len(sct)) + sct
        value = der.octets(struct.pack("!H", len(entry)) + entry)
        extension = x509.UnrecognizedExtension(_SCT_LIST, value)
        return builder.add_extension(extension, critical=False).sign(issuer.key, hashes.SHA256())

    def _sct(self, tbs: bytes, issuer_key_hash: bytes, now: datetime) -> bytes:
        key = self._store.key("ctlog-rogue") if self._faults.hit(Service.CT_LOG, Fault.WRONG_KEY) else self.key
        milliseconds = int(now.timestamp() * 1000)
        signed = (
            struct.pack("!BBQH", _V1, _CERTIFICATE_TIMESTAMP, milliseconds, _PRECERT_ENTRY)
            + issuer_key_hash
            + len(tbs).to_bytes(3, "big")
            + tbs
            + struct.pack("!H", 0)
        )
        signature = sign(key, signed)
        return (
            struct.pack("!B32sQH", _V1, key_id(key.public_key()), milliseconds, 0)
            + struct.pack("!BBH", _SHA256, _ECDSA, len(signature))
            + signature
        )
