"""Signed timestamps (RFC 3161) over a bundle's signature, by a timestamp authority of the trusted root."""

from __future__ import annotations

from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import TimeStampResponse, VerificationError, VerifierBuilder, decode_timestamp_response

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.verify.stamp_wrapper import check_wrapper
from model_provenance.verify.trusted_root import Authority, TrustedRoot

#: The stamping certificate and its root; a chain of one has nothing to lead to.
_SHORTEST_CHAIN = 2


def stamped_at(response: bytes, signature: bytes, root: TrustedRoot) -> datetime:
    """When `signature` was stamped; raises `timestamp.unknown_authority` or `timestamp.invalid`.

    A chain that has expired since passes if it was valid when it stamped.
    """
    if not root.timestamp_authorities:
        raise ModelProvenanceError("timestamp.unknown_authority", "the trusted root names no timestamp authority")
    try:
        stamp = decode_timestamp_response(response)
        moment = stamp.tst_info.gen_time
    except ValueError as error:
        raise ModelProvenanceError(
            "timestamp.invalid", f"the signed timestamp cannot be read: {shown(str(error))}"
        ) from error
    check_wrapper(response)
    reason = ""
    for authority in root.timestamp_authorities:
        try:
            _verify(stamp, signature, authority)
        except (VerificationError, ValueError, UnsupportedAlgorithm) as error:
            reason = shown(str(error))
            continue
        if authority.window.holds(moment):
            return moment
        reason = "the authority was not trusted at that time"
    raise ModelProvenanceError("timestamp.invalid", f"the signed timestamp is not by a trusted authority: {reason}")


def _verify(stamp: TimeStampResponse, signature: bytes, authority: Authority) -> None:
    if len(authority.chain) < _SHORTEST_CHAIN:
        message = "the trusted root holds only one certificate of the authority"
        raise VerificationError(message)
    # Certificates that a stamp brings along are not needed, and hostile ones are not parsed: only the trusted ones may be.
    trusted = {certificate.public_bytes(Encoding.DER) for certificate in authority.chain}
    if not set(stamp.signed_data.certificates) <= trusted:
        message = "the stamp brings certificates that are not of the authority"
        raise VerificationError(message)
    signer, *intermediates, root = authority.chain
    builder = VerifierBuilder().tsa_certificate(signer).add_root_certificate(root)
    for certificate in intermediates:
        builder = builder.add_intermediate_certificate(certificate)
    builder.build().verify_message(stamp, signature)
