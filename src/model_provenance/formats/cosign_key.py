"""cosign's encrypted private key: PEM around JSON around a NaCl secret box with a key from scrypt.

The form is that of secure-systems-lab/go-securesystemslib, `encrypted/encrypted.go`; the plaintext is PKCS#8 in DER.
"""

from __future__ import annotations

import json
from base64 import b64encode

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json
from model_provenance.formats.pem import FILE_LIMIT, PemBlock
from model_provenance.formats.protojson import Message

LABEL = "ENCRYPTED SIGSTORE PRIVATE KEY"
#: The second is what cosign wrote before version 2.
LABELS = (LABEL, "ENCRYPTED COSIGN PRIVATE KEY")

_KDF, _CIPHER = "scrypt", "nacl/secretbox"
_KEY_SIZE, _SALT_SIZE, _NONCE_SIZE, _TAG_SIZE = 32, 32, 24, 16
_N = 65536
#: (N, r, p): what the reference accepts. Anything else is a weak key, or one that costs gigabytes to open.
_ALLOWED = {(32768, 8, 1), (_N, 8, 1), (131072, 8, 1)}
_LINE = 64


def encrypt(pkcs8: bytes, password: bytes) -> bytes:
    """The PEM text of a private key, encrypted as cosign does."""
    from nacl.secret import SecretBox  # noqa: PLC0415 - only those who hold such a key pay for it
    from nacl.utils import random  # noqa: PLC0415

    salt, nonce = random(_SALT_SIZE), random(_NONCE_SIZE)
    box = SecretBox(_derived(password, salt, _N, 8, 1)).encrypt(pkcs8, nonce).ciphertext
    value = {
        "kdf": {"name": _KDF, "params": {"N": _N, "r": 8, "p": 1}, "salt": b64encode(salt).decode()},
        "cipher": {"name": _CIPHER, "nonce": b64encode(nonce).decode()},
        "ciphertext": b64encode(box).decode(),
    }
    body = b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()
    lines = [body[start : start + _LINE] for start in range(0, len(body), _LINE)]
    return "\n".join([f"-----BEGIN {LABEL}-----", *lines, f"-----END {LABEL}-----", ""]).encode()


def decrypt(block: PemBlock, password: bytes) -> bytes:
    """The PKCS#8 DER of an encrypted key. Uses up to 128 MiB of memory for a moment, as its parameters demand.

    Raises `key.password` where the password is wrong (or the file damaged: the box cannot tell), `key.unsupported` for
    other algorithms or parameters, `key.malformed` for anything that is not such a key.
    """
    from nacl.exceptions import CryptoError  # noqa: PLC0415 - only those who hold such a key pay for it
    from nacl.secret import SecretBox  # noqa: PLC0415

    code = "key.malformed"
    value = parse_json(block.decoded(code=code), what="the encrypted key", limit=FILE_LIMIT, code=code)
    key = Message(value, ("kdf", "cipher", "ciphertext"), path="", code=code)
    kdf, cipher = key.message("kdf", "name", "params", "salt"), key.message("cipher", "name", "nonce")
    if kdf.string("name", limit=_LINE) != _KDF or cipher.string("name", limit=_LINE) != _CIPHER:
        raise ModelProvenanceError("key.unsupported", f"the key is not encrypted with {_KDF} and {_CIPHER}")
    cost = _cost(value["kdf"].get("params"))
    salt, nonce = kdf.data("salt", limit=_SALT_SIZE), cipher.data("nonce", limit=_NONCE_SIZE)
    box = key.data("ciphertext", limit=FILE_LIMIT)
    if len(salt) != _SALT_SIZE or len(nonce) != _NONCE_SIZE or len(box) <= _TAG_SIZE:
        raise ModelProvenanceError(code, "the encrypted key has a salt, nonce or ciphertext of the wrong length")
    try:
        return SecretBox(_derived(password, salt, *cost)).decrypt(box, nonce)
    except CryptoError as error:
        raise ModelProvenanceError("key.password", "the password does not open the private key") from error


def _cost(params: object) -> tuple[int, int, int]:
    """The parameters of scrypt; plain JSON numbers here, unlike everything in protobuf."""
    if isinstance(params, dict) and set(params) == {"N", "r", "p"}:
        for cost in _ALLOWED:
            # The type as well: True equals 1 and 8.0 equals 8.
            if all(type(params[name]) is int for name in params) and (params["N"], params["r"], params["p"]) == cost:
                return cost
    raise ModelProvenanceError(
        "key.unsupported", "the key is encrypted with scrypt parameters that cosign does not use"
    )


def _derived(password: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=_KEY_SIZE, n=n, r=r, p=p).derive(password)
