"""What a certificate says about its holder, read from bytes that may be hostile."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import certificate

KEY = ec.generate_private_key(ec.SECP256R1())
URI = x509.UniformResourceIdentifier("https://github.com/acme/minilm/.github/workflows/release.yml@refs/heads/main")
ARC = "1.3.6.1.4.1.57264.1"


def utf8(text: bytes) -> bytes:
    """A DER UTF8String with its shortest length."""
    size = len(text)
    if size < 128:
        return b"\x0c" + bytes([size]) + text
    width = (size.bit_length() + 7) // 8
    return b"\x0c" + bytes([0x80 | width]) + size.to_bytes(width, "big") + text


def made(extensions: dict[str, bytes], *names: x509.GeneralName) -> bytes:
    """A self-signed certificate with these extensions and alternative names, in DER."""
    now = dt.datetime.now(dt.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(minutes=10))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    for oid, value in extensions.items():
        builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def refused(extensions: dict[str, bytes], *names: x509.GeneralName) -> str:
    """The message with which an identity is refused, after the code has been checked."""
    with pytest.raises(ModelProvenanceError) as caught:
        certificate.identity(certificate.load(made(extensions, *names)))
    assert (caught.value.code, caught.value.exit_status) == ("certificate.malformed", 10)
    assert caught.value.message.isprintable()
    return caught.value.message


def test_subject_issuer_and_extensions_are_read() -> None:
    """Raw text below 7, DER text from 8 on; what is not of Fulcio's arc, or of no known number, is left alone."""
    long = b"x" * 300
    found = certificate.identity(
        certificate.load(
            made(
                {
                    f"{ARC}.1": b"https://issuer.example",
                    f"{ARC}.5": b"acme/minilm",
                    f"{ARC}.8": utf8(b"https://issuer.example"),
                    f"{ARC}.13": utf8(long),
                    f"{ARC}.99": b"?",
                    "1.2.3": b"?",
                },
                URI,
            )
        )
    )
    assert (found.method, found.subject, found.issuer) == ("keyless", URI.value, "https://issuer.example")
    assert found.extensions == (
        (1, "https://issuer.example"),
        (5, "acme/minilm"),
        (8, "https://issuer.example"),
        (13, long.decode()),
    )


def test_a_person_and_a_name_of_fulcios_own_kind_are_subjects() -> None:
    """The subject is an address, a URI, or the other name that Fulcio writes for user names."""
    other = x509.OtherName(x509.ObjectIdentifier(f"{ARC}.7"), utf8(b"ann!example.com"))
    for name, subject in ((x509.RFC822Name("ann@example.com"), "ann@example.com"), (other, "ann!example.com")):
        assert certificate.identity(certificate.load(made({}, name))).subject == subject


def test_exactly_one_subject_decides() -> None:
    """None, two, or one of another kind is nobody."""
    refused({})
    refused({}, URI, x509.RFC822Name("mallory@example.com"))
    refused({}, x509.DNSName("example.com"))
    refused({}, x509.OtherName(x509.ObjectIdentifier("1.2.3"), utf8(b"ann")))


def test_two_issuers_are_none() -> None:
    """A certificate whose old and new issuer extension differ could mean either."""
    assert "two different" in refused({f"{ARC}.1": b"https://a", f"{ARC}.8": utf8(b"https://b")}, URI)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x0c",
        b"plain",
        b"\x13\x01a",
        b"\x0c\x02a",
        b"\x0c\x01ab",
        b"\x0c\x81\x01a",
        b"\x0c\x80",
        b"\x0c\x82\x00\x80" + b"a" * 128,
        b"\x0c\x84\xff\xff\xff\xffa",
        utf8(b"\xff"),
        utf8(b"a\nb"),
        utf8(b"\x1b[2J"),
        utf8("\u202egpj".encode()),
        utf8(b"x" * 3000),
    ],
)
def test_an_extension_that_is_no_clean_text_is_refused(value: bytes) -> None:
    """Another type, another length, a longer form than needed, control characters and endless text are refused."""
    refused({f"{ARC}.12": value}, URI)


@pytest.mark.parametrize("data", [b"", b"\x30", b"0" * 100])
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    """Bytes that are no certificate are an error of ours."""
    with pytest.raises(ModelProvenanceError) as caught:
        certificate.load(data)
    assert caught.value.code == "certificate.malformed"


def test_a_serial_number_that_is_forbidden_is_refused() -> None:
    """A serial number of zero, which RFC 5280 forbids, is an error and not a warning on the terminal."""
    data = bytearray(made({}, URI))
    position = data.index(b"\x02\x01\x07") + 2
    data[position] = 0
    with pytest.raises(ModelProvenanceError) as caught:
        certificate.load(bytes(data))
    assert caught.value.code == "certificate.malformed"


DER = made({f"{ARC}.12": utf8(b"https://github.com/acme/minilm")}, URI)


@given(st.integers(0, len(DER) - 1), st.integers(1, 255))
def test_a_changed_byte_gives_an_identity_or_an_error_of_ours(position: int, change: int) -> None:
    """Wherever a certificate is damaged, no other exception comes out."""
    data = bytearray(DER)
    data[position] ^= change
    with suppress(ModelProvenanceError):
        certificate.identity(certificate.load(bytes(data)))
