"""Sign with a private key and its certificate of a private PKI: the bundle carries the certificates, no service is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from model_provenance.domain.evidence import Bundle, SignerIdentity, Statement
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import certificate as certificates
from model_provenance.formats.bundle import chain_bundle
from model_provenance.sign.key import KeySigner

_SUBJECT_LIMIT = 500


@dataclass(frozen=True)
class CertificateSigner:
    """Signs like a key; bundles hold `leaf` first, then `intermediates` (OMS v1.0, certificates)."""

    key: KeySigner
    leaf: x509.Certificate
    intermediates: tuple[x509.Certificate, ...] = ()

    @property
    def identity(self) -> SignerIdentity:
        """The leaf's distinguished names."""
        subject, issuer = (
            shown(name.rfc4514_string(), _SUBJECT_LIMIT) for name in (self.leaf.subject, self.leaf.issuer)
        )
        return SignerIdentity("certificate", subject, issuer)

    def sign(self, statements: Sequence[Statement]) -> tuple[Bundle, ...]:
        """One bundle for each statement, in the same order, around exactly the statement's bytes."""
        chain = [certificates.der(certificate) for certificate in (self.leaf, *self.intermediates)]
        return tuple(
            Bundle(s.name, s.predicate_type, chain_bundle(s.payload, self.key.signature(s.payload), chain), s.payload)
            for s in statements
        )


def certificate_signer(key: KeySigner, leaf: bytes, chain: bytes | None, *, now: datetime) -> CertificateSigner:
    """The signer of PEM files; raises `certificate.file` for what nobody could verify afterwards.

    That is a leaf of another key, one that is not valid now, one whose key may not sign. A root in the chain is left out:
    who verifies brings their own.
    """
    found = certificates.load_pem(leaf, what="the certificate")
    others = () if chain is None else certificates.load_pem(chain, what="the certificate chain")
    if len(found) != 1:
        raise _refused("the certificate file holds several certificates", "Give the rest with --certificate-chain.")
    certificate = found[0]
    if certificate.public_key() != key.private_key.public_key():
        raise _refused("the certificate is of another key", "Give the certificate that was issued for the key.")
    try:
        certificates.check_validity(certificate, now)
        certificates.check_signs(certificate)
    except ModelProvenanceError as error:
        raise _refused(error.message, "Ask for a certificate that may sign now.") from error
    return CertificateSigner(key, certificate, tuple(c for c in others if c.issuer != c.subject and c != certificate))


def _refused(message: str, remedy: str) -> ModelProvenanceError:
    return ModelProvenanceError("certificate.file", message, remedy=remedy)
