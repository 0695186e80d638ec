"""The certificate chain of a keyless signature, judged at the trusted time of signing (RFC 5280, Fulcio's profile)."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.verify.trusted_root import Authority, TrustedRoot


def verify_leaf(leaf: x509.Certificate, moment: datetime) -> None:
    """The leaf was valid at `moment` and may sign code; `certificate.expired` or `certificate.usage` otherwise."""
    if not leaf.not_valid_before_utc <= moment <= leaf.not_valid_after_utc:
        raise ModelProvenanceError(
            "certificate.expired",
            f"the signature is of {_time(moment)}, and the certificate was valid from"
            f" {_time(leaf.not_valid_before_utc)} to {_time(leaf.not_valid_after_utc)}",
        )
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
        purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound as error:
        raise ModelProvenanceError("certificate.usage", "the certificate does not say what its key is for") from error
    if not usage.digital_signature or x509.oid.ExtendedKeyUsageOID.CODE_SIGNING not in purposes:
        raise ModelProvenanceError("certificate.usage", "the certificate's key is not for signing code")


def verify_chain(leaf: x509.Certificate, root: TrustedRoot, moment: datetime) -> tuple[x509.Certificate, ...]:
    """The issuers of `leaf`, nearest first, up to an authority that was trusted at `moment`; `certificate.chain`."""
    reason = "no certificate authority was trusted at that time"
    for authority in root.certificate_authorities:
        if not authority.window.holds(moment):
            continue
        try:
            return _path(leaf, authority, moment)
        except (VerificationError, x509.UnsupportedGeneralNameType, ValueError) as error:
            reason = shown(str(error))
    raise ModelProvenanceError(
        "certificate.chain", f"the certificate does not lead to a trusted certificate authority: {reason}"
    )


def _path(leaf: x509.Certificate, authority: Authority, moment: datetime) -> tuple[x509.Certificate, ...]:
    # Fulcio's leaves are for code signing, which the client profile does not know: the extended key usage is checked in
    # `verify_leaf`, everything else of the web profile stays.
    ca = ExtensionPolicy.webpki_defaults_ca().may_be_present(x509.ExtendedKeyUsage, Criticality.NON_CRITICAL, None)
    ee = ExtensionPolicy.webpki_defaults_ee().may_be_present(x509.ExtendedKeyUsage, Criticality.NON_CRITICAL, None)
    # Only the root is an anchor: an intermediate of the trusted root must lead there, at the time of signing.
    *intermediates, anchor = authority.chain
    verifier = (
        PolicyBuilder()
        .store(Store([anchor]))
        .time(moment)
        .extension_policies(ca_policy=ca, ee_policy=ee)
        .build_client_verifier()
    )
    return tuple(verifier.verify(leaf, intermediates).chain[1:])


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
