"""Key pairs on disk for tests that are not about passwords: an encrypted one costs each process a fifth of a second."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from model_provenance.formats.public_key import public_key


def write_pair(prefix: Path) -> None:
    """EC P-256: `PREFIX.key` as PKCS#8 in the open, `PREFIX.pub`."""
    key = ec.generate_private_key(ec.SECP256R1())
    prefix.with_name(f"{prefix.name}.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    prefix.with_name(f"{prefix.name}.pub").write_bytes(public_key(key.public_key()).pem)
