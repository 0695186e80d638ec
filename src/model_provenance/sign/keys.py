"""Private keys from files: cosign's encrypted form, SEC1 and PKCS#8, each with or without a password."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import cosign_key
from model_provenance.formats.pem import PemBlock, pem_blocks
from model_provenance.sign.key import KeySigner

#: `openssl ecparam -genkey` writes the curve as a block of its own before the key.
_BESIDE = ("EC PARAMETERS", "CERTIFICATE", "PUBLIC KEY")
_PLAIN = ("EC PRIVATE KEY", "PRIVATE KEY")
_ENCRYPTED = "ENCRYPTED PRIVATE KEY"
#: The last is what some damaged keys make of OpenSSL.
_UNREADABLE = (ValueError, TypeError, InternalError)


def load_private_key(data: bytes, password: Callable[[], bytes]) -> KeySigner:
    """The signer of a private key file. `password` is called only where the key is encrypted, and once.

    Raises `key.malformed`, `key.unsupported` (anything but EC P-256, P-384, P-521) or `key.password`.
    """
    blocks = [b for b in pem_blocks(data, what="the private key", code="key.malformed") if b.label not in _BESIDE]
    if len(blocks) != 1:
        problem = "holds several private keys" if blocks else "holds no private key, only public parts"
        raise ModelProvenanceError("key.malformed", f"the private key file {problem}")
    key = _parsed(blocks[0], password)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        kind = type(key).__name__.lstrip("_").removesuffix("PrivateKey")
        raise ModelProvenanceError("key.unsupported", f"the private key is of the kind {kind}; signing takes EC keys")
    return KeySigner(key)


def _parsed(block: PemBlock, password: Callable[[], bytes]) -> object:
    """A key of any kind that `cryptography` knows."""
    try:
        if block.label in cosign_key.LABELS:
            return load_der_private_key(cosign_key.decrypt(block, password()), password=None)
        if block.label == _ENCRYPTED or (block.label in _PLAIN and b"Proc-Type: 4,ENCRYPTED" in block.text):
            return _opened(block, password())
        if block.label in _PLAIN:
            return load_pem_private_key(block.text, password=None)
    except UnsupportedAlgorithm as error:
        raise ModelProvenanceError(
            "key.unsupported", f"the private key is of an unknown algorithm, curve or encryption: {shown(str(error))}"
        ) from error
    except _UNREADABLE as error:
        raise ModelProvenanceError("key.malformed", f"the private key cannot be parsed: {shown(str(error))}") from error
    raise ModelProvenanceError("key.unsupported", f"the private key is a PEM block {block.label}")


def _opened(block: PemBlock, password: bytes) -> object:
    """An encrypted SEC1 or PKCS#8 key. The library says ValueError for a wrong password and for damage alike."""
    try:
        return load_pem_private_key(block.text, password=password)
    except UnsupportedAlgorithm:
        raise
    except _UNREADABLE as error:
        raise ModelProvenanceError("key.password", "the password does not open the private key") from error
