"""Reading private and public keys from files."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import cosign_key
from model_provenance.formats.public_key import load_public_key
from model_provenance.sign.keys import load_private_key

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
SEC1, PKCS8 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8


def private_pem(key: Any, form: PrivateFormat = PKCS8, encryption: KeySerializationEncryption | None = None) -> bytes:
    """A private key as PEM."""
    data: bytes = key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())
    return data


def public_pem(key: Any) -> bytes:
    """The public half as PEM."""
    data: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return data


def never() -> bytes:
    """The password of a key that has none."""
    raise AssertionError("a plain key must not ask for a password")


def code_of(data: bytes, password: bytes | None = None) -> str:
    """The code with which a private key file is refused."""
    with pytest.raises(ModelProvenanceError) as caught:
        load_private_key(data, never if password is None else lambda: password)
    assert caught.value.exit_status == 2
    return caught.value.code


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    """A key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("form", [SEC1, PKCS8])
@pytest.mark.parametrize("curve", CURVES)
def test_plain_keys_of_the_three_curves_are_read_without_asking(curve: str, form: PrivateFormat) -> None:
    """SEC1 and PKCS#8 keys on P-256, P-384 and P-521 are read, and nobody is asked for a password."""
    key = ec.generate_private_key(CURVES[curve])
    signer = load_private_key(private_pem(key, form), never)
    assert signer.public_key.algorithm == f"EC {curve}"
    assert signer.public_key.pem == public_pem(key)


@pytest.mark.parametrize("form", [SEC1, PKCS8])
def test_encrypted_keys_ask_once(key: ec.EllipticCurvePrivateKey, form: PrivateFormat) -> None:
    """Encrypted SEC1 and PKCS#8 keys ask for their password once; a wrong one is an error of its own."""
    passwords = iter([b"horse"])
    data = private_pem(key, form, BestAvailableEncryption(b"horse"))
    signer = load_private_key(data, lambda: next(passwords))
    assert signer.public_key.pem == public_pem(key)
    assert next(passwords, None) is None
    assert code_of(data, b"wrong") == "key.password"
    assert code_of(data, b"") == "key.password"


def test_a_cosign_key_is_read(key: ec.EllipticCurvePrivateKey) -> None:
    """The form of cosign is opened with its password, and a wrong one is an error of its own."""
    data = cosign_key.encrypt(key.private_bytes(Encoding.DER, PKCS8, NoEncryption()), b"horse")
    assert load_private_key(data, lambda: b"horse").public_key.pem == public_pem(key)
    assert code_of(data, b"wrong") == "key.password"


def test_text_before_the_key_is_skipped(key: ec.EllipticCurvePrivateKey) -> None:
    """A description before the BEGIN line, as certtool writes it, and Windows line ends are read."""
    data = b"Public Key Info:\n\tPublic Key Algorithm: EC/ECDSA\n\n" + private_pem(key)
    assert load_private_key(data, never).public_key.pem == public_pem(key)
    assert load_private_key(data.replace(b"\n", b"\r\n"), never).public_key.pem == public_pem(key)
    assert load_public_key(b"\xef\xbb\xbfhello\n" + public_pem(key)).pem == public_pem(key)


def test_what_openssl_makes_is_read(tmp_path: Path) -> None:
    """`openssl ecparam -genkey` writes the curve as a block of its own before the key; the key is read."""
    made = tmp_path / "openssl.key"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-out", str(made)], check=True)
    assert b"EC PARAMETERS" in made.read_bytes()
    assert load_private_key(made.read_bytes(), never).public_key.algorithm == "EC P-256"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(ed25519.Ed25519PrivateKey.generate, id="Ed25519"),
        pytest.param(ed448.Ed448PrivateKey.generate, id="Ed448"),
        pytest.param(lambda: rsa.generate_private_key(65537, 2048), id="RSA"),
        pytest.param(lambda: dsa.generate_private_key(1024), id="DSA"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP256K1()), id="secp256k1"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP224R1()), id="P-224"),
    ],
)
def test_other_keys_do_not_sign(other: Any) -> None:
    """RSA, Edwards and other curves are refused by name, with what to use instead."""
    with pytest.raises(ModelProvenanceError) as caught:
        load_private_key(private_pem(other()), never)
    assert caught.value.code == "key.unsupported"
    assert "P-256" in caught.value.remedy


def test_an_ssh_key_does_not_sign(key: ec.EllipticCurvePrivateKey) -> None:
    """A key of another program is refused, not guessed at."""
    assert code_of(private_pem(key, PrivateFormat.OpenSSH)) == "key.unsupported"


def test_a_file_without_exactly_one_private_key_is_refused(key: ec.EllipticCurvePrivateKey) -> None:
    """A public key, nothing, half a key or two keys are no private key."""
    one = private_pem(key)
    for data in (b"", b"hello", public_pem(key), one + one, one.replace(b"-----END", b"-----"), one[:60]):
        assert code_of(data) == "key.malformed"


def test_damaged_keys_are_malformed(key: ec.EllipticCurvePrivateKey) -> None:
    """A key that cannot be parsed is a refusal, not a crash."""
    lines = private_pem(key).splitlines()
    for middle in (b"", b"AAAA", b"????", lines[1], b"Proc-Type: 4"):
        assert code_of(b"\n".join([lines[0], middle, lines[-1], b""])) == "key.malformed"
    assert code_of(b"x" * (256 * 1024 + 1)) == "key.malformed"


def test_no_message_holds_anything_of_the_key(key: ec.EllipticCurvePrivateKey) -> None:
    """What is printed about a signer or a bad key shows neither the key nor the password."""
    secret = format(key.private_numbers().private_value, "x")[:12]
    signer = load_private_key(private_pem(key), never)
    assert secret not in repr(signer)
    assert "private_key" not in repr(signer)


@given(st.binary(max_size=300))
def test_any_key_content_is_read_or_refused(content: bytes) -> None:
    """Whatever stands between BEGIN and END, the answer is a key or an error of ours."""
    for label in ("PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", *cosign_key.LABELS):
        text = b64encode(content)
        data = b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (label.encode(), text, label.encode())
        for load in (lambda d: load_private_key(d, lambda: b""), load_public_key):
            with pytest.raises(ModelProvenanceError):
                load(data)


@pytest.mark.parametrize(
    ("make", "algorithm"),
    [
        pytest.param(lambda: ec.generate_private_key(ec.SECP384R1()), "EC P-384", id="P-384"),
        pytest.param(lambda: rsa.generate_private_key(65537, 2048), "RSA 2048", id="RSA"),
        pytest.param(ed25519.Ed25519PrivateKey.generate, "Ed25519", id="Ed25519"),
    ],
)
def test_public_keys_that_others_sign_with_are_read(make: Any, algorithm: str) -> None:
    """EC, RSA and Ed25519 keys are read to verify with; the hint is that of the re-encoded PEM text."""
    key = make()
    pem = public_pem(key)
    body = b"".join(pem.splitlines()[1:-1])
    oddly_wrapped = b"-----BEGIN PUBLIC KEY-----\n" + body + b"\n-----END PUBLIC KEY-----\n"
    parsed = load_public_key(oddly_wrapped)
    assert parsed.algorithm == algorithm
    assert parsed.hint == hashlib.sha256(pem).hexdigest()


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: rsa.generate_private_key(65537, 1024),
        ed448.Ed448PrivateKey.generate,
    ],
)
def test_public_keys_that_nobody_signs_with_are_refused(make: Any) -> None:
    """Other curves, short RSA keys and other algorithms are unsupported."""
    with pytest.raises(ModelProvenanceError) as caught:
        load_public_key(public_pem(make()))
    assert caught.value.code == "key.unsupported"


def test_a_private_key_given_as_a_public_one_says_so(key: ec.EllipticCurvePrivateKey) -> None:
    """Who gives the private half to a verifier is told to keep it."""
    with pytest.raises(ModelProvenanceError) as caught:
        load_public_key(private_pem(key))
    assert caught.value.code == "key.malformed"
    assert "private key to yourself" in caught.value.remedy


@pytest.mark.parametrize("form", [SEC1, PKCS8])
def test_a_key_with_a_changed_byte_is_read_or_refused(key: ec.EllipticCurvePrivateKey, form: PrivateFormat) -> None:
    """Wherever a key is damaged, no other exception than ours comes out, whatever OpenSSL makes of it."""
    label = b"PRIVATE KEY" if form is PKCS8 else b"EC PRIVATE KEY"
    der = key.private_bytes(Encoding.DER, form, NoEncryption())
    for position in range(len(der)):
        for change in (0x01, 0x20, 0x80, 0xFF):
            data = bytearray(der)
            data[position] ^= change
            text = b64encode(data)
            with suppress(ModelProvenanceError):
                load_private_key(b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (label, text, label), never)


def test_keys_do_not_pay_for_sigstore() -> None:
    """Signing with a key imports neither sigstore nor requests: both cost more than the signing."""
    modules = "model_provenance.sign.keys, model_provenance.sign.keygen, model_provenance.sign.trust_config"
    code = f"import {modules}, sys; print([m for m in ('sigstore', 'requests', 'pydantic') if m in sys.modules])"
    source = Path(__file__).parents[2] / "src"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(source)}
    )
    assert ran.stdout.strip() == "[]"
