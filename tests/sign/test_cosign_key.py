"""cosign's encrypted private keys."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from nacl.secret import SecretBox

from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import cosign_key
from model_provenance.formats.pem import PemBlock, pem_blocks

SECRET = b"not really PKCS#8, but nobody looks in here"


def body(pem: bytes) -> dict[str, Any]:
    """The JSON inside a key."""
    value: dict[str, Any] = json.loads(b64decode(b"".join(pem.splitlines()[1:-1])))
    return value


def wrapped(value: Any, label: str = cosign_key.LABEL) -> PemBlock:
    """A PEM block around JSON or any other bytes."""
    text = b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode()
    return PemBlock(label, f"-----BEGIN {label}-----\n{text}\n-----END {label}-----\n".encode())


def sealed(password: bytes, n: int) -> dict[str, Any]:
    """A key as any other implementation makes it: the standard library's scrypt and a NaCl secret box."""
    salt, nonce = bytes(range(32)), bytes(range(24))
    key = hashlib.scrypt(password, salt=salt, n=n, r=8, p=1, maxmem=256 * 1024 * 1024, dklen=32)
    return {
        "kdf": {"name": "scrypt", "params": {"N": n, "r": 8, "p": 1}, "salt": b64encode(salt).decode()},
        "cipher": {"name": "nacl/secretbox", "nonce": b64encode(nonce).decode()},
        "ciphertext": b64encode(SecretBox(key).encrypt(SECRET, nonce).ciphertext).decode(),
    }


@pytest.fixture(scope="module")
def made() -> bytes:
    """A key of ours; making one takes a tenth of a second."""
    return cosign_key.encrypt(SECRET, b"horse")


def test_what_is_encrypted_is_opened_by_its_password_alone(made: bytes) -> None:
    """The right password gives the bytes back, any other is an error of its own."""
    [block] = pem_blocks(made, what="the key", code="key.malformed")
    assert cosign_key.decrypt(block, b"horse") == SECRET
    with pytest.raises(ModelProvenanceError) as caught:
        cosign_key.decrypt(block, b"Horse")
    assert caught.value.code == "key.password"


def test_the_form_is_cosigns(made: bytes) -> None:
    """Label, JSON fields, algorithms, parameters and line length are those that cosign writes."""
    lines = made.splitlines()
    assert lines[0] == b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"
    assert max(len(line) for line in lines[1:-1]) == 64
    value = body(made)
    assert (value["kdf"]["name"], value["cipher"]["name"]) == ("scrypt", "nacl/secretbox")
    assert value["kdf"]["params"] == {"N": 65536, "r": 8, "p": 1}
    assert len(b64decode(value["kdf"]["salt"])) == 32
    assert len(b64decode(value["cipher"]["nonce"])) == 24


def test_another_implementation_opens_what_is_written(made: bytes) -> None:
    """The standard library's scrypt and a NaCl box open it, field by field as specified."""
    value = body(made)
    salt, nonce = b64decode(value["kdf"]["salt"]), b64decode(value["cipher"]["nonce"])
    key = hashlib.scrypt(b"horse", salt=salt, n=65536, r=8, p=1, maxmem=256 * 1024 * 1024, dklen=32)
    assert SecretBox(key).decrypt(b64decode(value["ciphertext"]), nonce) == SECRET


@pytest.mark.parametrize(("label", "n"), [(cosign_key.LABELS[0], 131072), (cosign_key.LABELS[1], 32768)])
def test_keys_of_other_implementations_and_ages_are_opened(label: str, n: int) -> None:
    """The older label and the other two cost parameters of cosign's history are read; an empty password is one."""
    assert cosign_key.decrypt(wrapped(sealed(b"", n), label), b"") == SECRET


def test_two_keys_of_one_password_share_nothing() -> None:
    """Salt and nonce are fresh each time."""
    one, two = body(cosign_key.encrypt(SECRET, b"")), body(cosign_key.encrypt(SECRET, b""))
    assert one["kdf"]["salt"] != two["kdf"]["salt"]
    assert one["cipher"]["nonce"] != two["cipher"]["nonce"]


BROKEN: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "another key derivation": ("key.unsupported", lambda k: k["kdf"].update(name="pbkdf2")),
    "another cipher": ("key.unsupported", lambda k: k["cipher"].update(name="aes")),
    "a cost of gigabytes": ("key.unsupported", lambda k: k["kdf"]["params"].update(N=2**24)),
    "no cost": ("key.unsupported", lambda k: k["kdf"]["params"].update(N=2)),
    "a cost that is true": ("key.unsupported", lambda k: k["kdf"]["params"].update(p=True)),
    "a cost with a fraction": ("key.unsupported", lambda k: k["kdf"]["params"].update(r=8.0)),
    "another parameter": ("key.unsupported", lambda k: k["kdf"]["params"].update(x=1)),
    "parameters that are a list": ("key.unsupported", lambda k: k["kdf"].update(params=[])),
    "no parameters": ("key.unsupported", lambda k: k["kdf"].pop("params")),
    "a short salt": ("key.malformed", lambda k: k["kdf"].update(salt="YWFh")),
    "a long nonce": ("key.malformed", lambda k: k["cipher"].update(nonce=b64encode(bytes(25)).decode())),
    "no ciphertext": ("key.malformed", lambda k: k.update(ciphertext="")),
    "a ciphertext without content": ("key.malformed", lambda k: k.update(ciphertext=b64encode(bytes(16)).decode())),
    "a field that nobody knows": ("key.malformed", lambda k: k.update(comment="x")),
    "salt that is no base64": ("key.malformed", lambda k: k["kdf"].update(salt="?")),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_key_is_refused_for(what: str, made: bytes) -> None:
    """What cosign would not write is refused before any memory is spent on it."""
    code, change = BROKEN[what]
    value = body(made)
    change(value)
    with pytest.raises(ModelProvenanceError) as caught:
        cosign_key.decrypt(wrapped(value), b"horse")
    assert caught.value.code == code


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"{}", b'{"kdf":1,"cipher":1,"ciphertext":""}'])
def test_what_is_no_encrypted_key_is_malformed(data: bytes) -> None:
    """Any other content under the label is `key.malformed`."""
    with pytest.raises(ModelProvenanceError) as caught:
        cosign_key.decrypt(wrapped(data), b"")
    assert caught.value.code == "key.malformed"


def test_a_damaged_ciphertext_is_not_opened(made: bytes) -> None:
    """The box is authenticated: one flipped bit and nothing comes out."""
    value = body(made)
    box = bytearray(b64decode(value["ciphertext"]))
    box[20] ^= 1
    value["ciphertext"] = b64encode(box).decode()
    with pytest.raises(ModelProvenanceError) as caught:
        cosign_key.decrypt(wrapped(value), b"horse")
    assert caught.value.code == "key.password"
