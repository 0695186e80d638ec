"""Signatures by each kind of key. The key decides the algorithm, never the bundle.

EC keys sign with the SHA-2 of their own size, RSA keys with PKCS#1 v1.5 and SHA-256, Ed25519 without a hash of its own
choosing (sigstore architecture-docs, algorithm-registry.md). We sign with EC keys; others sign with the rest.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.public_key import CURVES, PublicKey


def is_signature(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` was made with the private half of `key`."""
    try:
        if isinstance(key.key, ec.EllipticCurvePublicKey):
            key.key.verify(signature, message, ec.ECDSA(hash_of(key.key)))
        elif isinstance(key.key, rsa.RSAPublicKey):
            key.key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def is_signature_0_2(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """The same with SHA-256 whatever the curve, as version 0.2 of model_signing signed; EC keys only."""
    if not isinstance(key.key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def is_signature_over_sha256(key: PublicKey, signature: bytes, digest: bytes) -> bool:
    """The same where only the SHA-256 of the message is known; `signature.undecidable` for keys of another hash."""
    prehashed = utils.Prehashed(hashes.SHA256())
    try:
        if isinstance(key.key, ec.EllipticCurvePublicKey) and isinstance(hash_of(key.key), hashes.SHA256):
            key.key.verify(signature, digest, ec.ECDSA(prehashed))
        elif isinstance(key.key, rsa.RSAPublicKey):
            key.key.verify(signature, digest, padding.PKCS1v15(), prehashed)
        else:
            raise ModelProvenanceError(
                "signature.undecidable", f"a key of kind {key.algorithm} signs another hash than the file's SHA-256"
            )
    except InvalidSignature:
        return False
    return True


def hash_of(key: ec.EllipticCurvePublicKey) -> hashes.HashAlgorithm:
    """The hash that goes with an EC key."""
    return CURVES[key.curve.name][1]()
