"""Public keys: PEM text to a parsed key, its hint in bundles, and the hash that a curve signs with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.pem import pem_blocks

#: Every curve that OMS and Sigstore know, with its own hash (OMS algorithm registry; Sigstore algorithm registry).
CURVES: dict[str, tuple[str, type[hashes.HashAlgorithm]]] = {
    "secp256r1": ("P-256", hashes.SHA256),
    "secp384r1": ("P-384", hashes.SHA384),
    "secp521r1": ("P-521", hashes.SHA512),
}
#: Sigstore's algorithm registry knows RSA keys of 2048, 3072 and 4096 bits.
_RSA_BITS = (2048, 3072, 4096)

VerificationKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures can be verified with, and its SubjectPublicKeyInfo in DER."""

    key: VerificationKey
    der: bytes

    @property
    def algorithm(self) -> str:
        """`EC P-256`, `RSA 3072`, `Ed25519`."""
        if isinstance(self.key, ec.EllipticCurvePublicKey):
            return f"EC {CURVES[self.key.curve.name][0]}"
        return f"RSA {self.key.key_size}" if isinstance(self.key, rsa.RSAPublicKey) else "Ed25519"

    @property
    def pem(self) -> bytes:
        """The key as PEM text, wrapped as everybody writes it whatever the file looked like."""
        return self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def hint(self) -> str:
        """Hex SHA-256 of the PEM text: how OMS names a key in a bundle. It identifies a key and never decides."""
        return hashlib.sha256(self.pem).hexdigest()


def public_key(key: object) -> PublicKey:
    """A parsed key as ours; `key.unsupported` for any that neither OMS nor cosign signs with."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in CURVES:
            raise _unsupported(f"an EC key on {shown(key.curve.name)}")
    elif isinstance(key, rsa.RSAPublicKey):
        if key.key_size not in _RSA_BITS:
            raise _unsupported(f"an RSA key of {key.key_size} bits")
    elif not isinstance(key, ed25519.Ed25519PublicKey):
        raise _unsupported(f"a {type(key).__name__}")
    return PublicKey(key, key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def load_public_key(data: bytes) -> PublicKey:
    """Read the one `PUBLIC KEY` of a PEM file; `key.malformed` where there is none, several, or something else."""
    blocks = pem_blocks(data, what="the public key", code="key.malformed")
    if len(blocks) != 1 or blocks[0].label != "PUBLIC KEY":
        found = ", ".join(sorted({block.label for block in blocks}))
        private = any("PRIVATE KEY" in block.label for block in blocks)
        raise ModelProvenanceError(
            "key.malformed",
            f"a public key file has exactly one PUBLIC KEY block; this one has {len(blocks)} blocks: {found}",
            remedy="Give the public half (keygen writes it as NAME.pub); keep the private key to yourself."
            if private
            else None,
        )
    try:
        key = load_der_public_key(blocks[0].decoded(code="key.malformed"))
    except UnsupportedAlgorithm as error:
        raise _unsupported("of an unknown algorithm or curve") from error
    except (ValueError, TypeError, InternalError) as error:  # the last is what OpenSSL makes of some damaged keys
        raise ModelProvenanceError("key.malformed", f"the public key cannot be parsed: {shown(str(error))}") from error
    return public_key(key)


def _unsupported(what: str) -> ModelProvenanceError:
    return ModelProvenanceError(
        "key.unsupported",
        f"the public key is {what}",
        remedy="Signatures are verified with EC keys on P-256, P-384 or P-521, RSA keys of 2048, 3072 or 4096 bits, "
        "and Ed25519 keys.",
    )
