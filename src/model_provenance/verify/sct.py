"""Signed certificate timestamps: the certificate is in a public certificate log (RFC 6962, section 3.2)."""

from __future__ import annotations

import hashlib
import struct
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.certificate_transparency import LogEntryType, SignedCertificateTimestamp

from model_provenance.errors import ModelProvenanceError
from model_provenance.verify.keys import is_signature
from model_provenance.verify.trusted_root import TrustedRoot

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_CERTIFICATE_TIMESTAMP = 0


def verify_sct(leaf: x509.Certificate, issuer: x509.Certificate, root: TrustedRoot) -> None:
    """Every SCT embedded in `leaf` is by a trusted log over this certificate; `sct.missing|unknown_log|invalid`."""
    try:
        stamps = leaf.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
    except x509.ExtensionNotFound as error:
        raise ModelProvenanceError("sct.missing", "the certificate holds no signed certificate timestamp") from error
    if not len(stamps):
        raise ModelProvenanceError("sct.missing", "the certificate holds an empty list of certificate timestamps")
    for stamp in stamps:
        _verify_one(stamp, leaf, issuer, root)


def _verify_one(
    stamp: SignedCertificateTimestamp, leaf: x509.Certificate, issuer: x509.Certificate, root: TrustedRoot
) -> None:
    moment = stamp.timestamp.replace(tzinfo=timezone.utc)
    logs = [log for log in root.certificate_logs if log.id == stamp.log_id]
    if not logs:
        raise ModelProvenanceError(
            "sct.unknown_log", f"the certificate timestamp is of a log that is not trusted: {stamp.log_id.hex()}"
        )
    if not any(log.window.holds(moment) for log in logs):
        raise ModelProvenanceError(
            "sct.unknown_log", "the certificate log was not trusted at the time of its timestamp"
        )
    if stamp.entry_type is not LogEntryType.PRE_CERTIFICATE or not isinstance(
        stamp.signature_hash_algorithm, hashes.SHA256
    ):
        raise ModelProvenanceError("sct.invalid", "the certificate timestamp is not of a precertificate with SHA-256")
    signed = _signed_data(stamp, moment, leaf, issuer)
    if not any(log.window.holds(moment) and is_signature(log.key, stamp.signature, signed) for log in logs):
        raise ModelProvenanceError("sct.invalid", "the certificate timestamp's signature is not by its log")


def _signed_data(
    stamp: SignedCertificateTimestamp, moment: datetime, leaf: x509.Certificate, issuer: x509.Certificate
) -> bytes:
    """The `digitally-signed` struct: the certificate without its SCTs, bound to the issuer by the hash of its key."""
    spki = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    certificate = leaf.tbs_precertificate_bytes
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    head = struct.pack("!BBQH", stamp.version.value, _CERTIFICATE_TIMESTAMP, milliseconds, stamp.entry_type.value)
    extensions = stamp.extension_bytes
    return (
        head
        + hashlib.sha256(spki).digest()
        + len(certificate).to_bytes(3, "big")
        + certificate
        + len(extensions).to_bytes(2, "big")
        + extensions
    )
