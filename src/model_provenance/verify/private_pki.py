"""Certificates of a private PKI: the leaf leads to an anchor that the caller gave, and its key may sign.

Leaves of real life break the rules of the web's PKI (a leaf with CA:TRUE, without names, whose subject equals its issuer),
so only what OMS asks of them is asked: a path of valid certificates, and a key that is for signatures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from cryptography import x509
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.text import shown
from model_provenance.domain.verification import PkiExpectation
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import certificate as certificates

_SUBJECT_LIMIT = 500


@dataclass(frozen=True, slots=True)
class PrivatePki:
    """Anchors, and the moment at which certificates are judged where no trusted timestamp says when they signed."""

    anchors: tuple[x509.Certificate, ...]
    now: datetime


def private_pki(expected: PkiExpectation) -> PrivatePki:
    """Read the caller's anchors; raises `certificate.file`."""
    anchors = certificates.load_pem(expected.anchors, what="the certificate chain")
    return PrivatePki(anchors, datetime.fromtimestamp(expected.now, timezone.utc))


def holder(leaf: x509.Certificate) -> SignerIdentity:
    """Who signed: the leaf's distinguished names."""
    subject, issuer = (shown(name.rfc4514_string(), _SUBJECT_LIMIT) for name in (leaf.subject, leaf.issuer))
    return SignerIdentity("certificate", subject, issuer)


def verify_path(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], moment: datetime
) -> None:
    """A valid path at `moment`; raises `certificate.expired`, `certificate.usage` or `certificate.chain`."""
    certificates.check_validity(leaf, moment)
    certificates.check_signs(leaf)
    if leaf in anchors:
        return
    # As chains are written, a root may be among the others: only the caller's are anchors, the rest may lead there.
    ca = ExtensionPolicy.webpki_defaults_ca().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)
    policies = {"ca_policy": ca, "ee_policy": ExtensionPolicy.permit_all()}
    builder = PolicyBuilder().store(Store(list(anchors))).time(moment).extension_policies(**policies)
    try:
        builder.build_client_verifier().verify(leaf, list(others))
    except (VerificationError, x509.UnsupportedGeneralNameType, ValueError) as error:
        raise ModelProvenanceError(
            "certificate.chain", f"the certificate does not lead to one of the given anchors: {shown(str(error))}"
        ) from error
