"""Keys and certificates of a simulated Sigstore: made on first use, kept in a folder for a later process."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

PrivateKey: TypeAlias = "ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey"
PublicKey: TypeAlias = "ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey"

_FILE = "sigstore-sim.json"
_CURVE_HASHES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}


class KeyStore:
    """Named keys and certificates; in memory, or in `directory` too. P-256 unless asked otherwise: quick to make."""

    def __init__(self, directory: Path | None = None) -> None:
        self._file = directory / _FILE if directory else None
        self._lock = threading.RLock()
        self._pem: dict[str, str] = {}
        if self._file is not None and self._file.exists():
            self._pem = json.loads(self._file.read_text("ascii"))

    def key(self, name: str, *, ed25519_key: bool = False) -> PrivateKey:
        """The private key called `name`."""

        def make() -> str:
            key = ed25519.Ed25519PrivateKey.generate() if ed25519_key else ec.generate_private_key(ec.SECP256R1())
            return key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode()

        key = serialization.load_pem_private_key(self._get(f"{name}.key", make).encode(), password=None)
        if not isinstance(key, (ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
            raise TypeError(f"{name} is not a key of this store")
        return key

    def certificate(self, name: str, make: Callable[[], x509.Certificate]) -> x509.Certificate:
        """The certificate called `name`; `make` is asked for it the first time."""
        text = self._get(f"{name}.crt", lambda: pem(make()))
        return x509.load_pem_x509_certificate(text.encode())

    def _get(self, name: str, make: Callable[[], str]) -> str:
        with self._lock:
            if name not in self._pem:
                self._pem[name] = make()
                self._save()
            return self._pem[name]

    def _save(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._file.parent)  # 0600: these are private keys
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump(self._pem, file, indent=1)
            Path(temporary).replace(self._file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def pem(certificate: x509.Certificate) -> str:
    """PEM of a certificate."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def spki(key: PublicKey) -> bytes:
    """DER of SubjectPublicKeyInfo."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(key: PublicKey) -> bytes:
    """SHA-256 of the SPKI: RFC 6962's log id, Rekor's too."""
    return hashlib.sha256(spki(key)).digest()


def sign(key: PrivateKey, data: bytes) -> bytes:
    """ECDSA with the curve's SHA-2, or Ed25519."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    return key.sign(data, ec.ECDSA(_CURVE_HASHES[key.curve.name]))


def verifies(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether `signature` over `data` is by `key`, with the hash that goes with the key."""
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, data, ec.ECDSA(_CURVE_HASHES[key.curve.name]))
    except InvalidSignature:
        return False
    return True


def verifies_digest(key: PublicKey, signature: bytes, digest: bytes) -> bool:
    """The same where only the digest is known; its length tells SHA-256, -384 or -512. Ed25519 cannot."""
    algorithm = Prehashed({32: hashes.SHA256(), 48: hashes.SHA384(), 64: hashes.SHA512()}[len(digest)])
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, digest, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, digest, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def key_details(key: PublicKey) -> str:
    """Sigstore's PublicKeyDetails name of a key (protobuf-specs, sigstore_common.proto)."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "PKIX_ED25519"
    if isinstance(key, rsa.RSAPublicKey):
        return f"PKIX_RSA_PKCS1V15_{key.key_size}_SHA256"
    bits = {"secp256r1": (256, 256), "secp384r1": (384, 384), "secp521r1": (521, 512)}[key.curve.name]
    return f"PKIX_ECDSA_P{bits[0]}_SHA_{bits[1]}"


def verifier_key(material: bytes) -> PublicKey:
    """The public key in a certificate or public key, PEM or DER; ValueError when it is neither."""
    loaders: tuple[Callable[[bytes], object], ...] = (
        lambda data: x509.load_pem_x509_certificate(data).public_key(),
        serialization.load_pem_public_key,
        lambda data: x509.load_der_x509_certificate(data).public_key(),
        serialization.load_der_public_key,
    )
    for load in loaders:
        try:
            key = load(material)
        except ValueError:
            continue
        if isinstance(key, (ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, rsa.RSAPublicKey)):
            return key
    raise ValueError("neither a certificate nor a public key of a known kind")


def canonical_pem(material: bytes) -> bytes:
    """A certificate or public key as Rekor v1 logs it: PEM of its own making, whatever line ends it was given with."""
    try:
        return pem(x509.load_pem_x509_certificate(material)).encode()
    except ValueError:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return serialization.load_pem_public_key(material).public_bytes(serialization.Encoding.PEM, form)
