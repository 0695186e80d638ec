"""What a Fulcio certificate says about its holder: the subject alternative name and the extensions of Fulcio's own arc.

fulcio docs/oid-info.md: 1.3.6.1.4.1.57264.1.1 to .6 hold raw text (deprecated), .8 to .24 a DER UTF8String. Everything
here is read from bytes that may be hostile until the chain is verified, so it is bounded and never trusted by itself.
"""

from __future__ import annotations

import warnings
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.pem import pem_blocks

_ARC = "1.3.6.1.4.1.57264.1."
_RAW_TEXT = range(1, 7)
_OTHER_NAME = 7
_DER_TEXT = range(8, 25)
#: Longer than any claim that Fulcio copies; a longer one is an attack on whoever prints it.
_VALUE_LIMIT = 2048

#: What `cryptography` raises on certificates that it does not like; most derive from Exception itself.
_UNREADABLE = (
    ValueError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,
)

_UTF8_STRING = 0x0C
_LONG_FORM = 0x80
_WIDEST_LENGTH = 2


def load(der: bytes) -> x509.Certificate:
    """Parse a DER certificate with every extension; raises `certificate.malformed`."""
    try:
        with warnings.catch_warnings():
            # What RFC 5280 forbids and the library still loads today, with a warning for whoever reads its log.
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            certificate = x509.load_der_x509_certificate(der)
            # Extensions are parsed lazily: a duplicate or broken one shall be met here, not in the middle of a check.
            _ = certificate.extensions
    except _UNREADABLE as error:
        raise ModelProvenanceError(
            "certificate.malformed", f"the certificate cannot be read: {shown(str(error))}"
        ) from error
    return certificate


def load_pem(data: bytes, *, what: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file that a person gave, in its order; `what` names it; raises `certificate.file`."""
    code = "certificate.file"
    blocks = pem_blocks(data, what=what, code=code)
    if any(block.label not in ("CERTIFICATE", "TRUSTED CERTIFICATE") for block in blocks):
        raise ModelProvenanceError(code, f"{what} holds something else than certificates")
    try:
        return tuple(load(block.decoded(code=code)) for block in blocks)
    except ModelProvenanceError as error:
        raise ModelProvenanceError(code, f"{what} cannot be used: {error.message}") from error


def check_validity(certificate: x509.Certificate, moment: datetime) -> None:
    """`certificate.expired` unless the certificate was valid at `moment`."""
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        raise ModelProvenanceError(
            "certificate.expired",
            f"the signature is judged at {moment:%Y-%m-%d %H:%M:%S} UTC, and the certificate is valid from"
            f" {certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S} to {certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S}",
        )


def check_signs(certificate: x509.Certificate) -> None:
    """`certificate.usage` unless the key is for digital signatures or for signing code (OMS v1.0, certificates)."""
    found = {type(extension.value): extension.value for extension in certificate.extensions}
    usage, purposes = found.get(x509.KeyUsage), found.get(x509.ExtendedKeyUsage)
    signs = isinstance(usage, x509.KeyUsage) and usage.digital_signature
    codes = isinstance(purposes, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.CODE_SIGNING in purposes
    if not (signs or codes):
        raise ModelProvenanceError("certificate.usage", "the certificate does not say that its key may sign")


def der(certificate: x509.Certificate) -> bytes:
    """The certificate's DER bytes; certificates are compared as DER, since PEM is wrapped differently in the wild."""
    return certificate.public_bytes(Encoding.DER)


def identity(certificate: x509.Certificate) -> SignerIdentity:
    """Subject, issuer and every Fulcio extension; raises `certificate.malformed`."""
    extensions = fulcio_extensions(certificate)
    values = dict(extensions)
    legacy, issuer = values.get(1), values.get(8)
    if legacy is not None and issuer is not None and legacy != issuer:
        raise ModelProvenanceError("certificate.malformed", "the certificate names two different token issuers")
    return SignerIdentity("keyless", subject(certificate), issuer or legacy, extensions)


def fulcio_extensions(certificate: x509.Certificate) -> tuple[tuple[int, str], ...]:
    """(N, text) of each known extension 1.3.6.1.4.1.57264.1.N, in order of N; raises `certificate.malformed`."""
    found: list[tuple[int, str]] = []
    for extension in certificate.extensions:
        number = _number(extension.oid.dotted_string)
        if number is None or not isinstance(extension.value, x509.UnrecognizedExtension):
            continue
        raw = extension.value.value
        if number in _RAW_TEXT:
            found.append((number, _text(raw, number)))
        elif number in _DER_TEXT:
            found.append((number, _text(_utf8_string(raw, number), number)))
    return tuple(sorted(found))


def subject(certificate: x509.Certificate) -> str:
    """The one subject alternative name: an address, a URI or Fulcio's other name; raises `certificate.malformed`."""
    try:
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound as error:
        raise ModelProvenanceError(
            "certificate.malformed", "the certificate has no subject alternative name"
        ) from error
    if len(names) != 1:
        raise ModelProvenanceError(
            "certificate.malformed", f"the certificate has {len(names)} subject alternative names instead of one"
        )
    name = names[0]
    if isinstance(name, (x509.RFC822Name, x509.UniformResourceIdentifier)):
        return _text(name.value.encode(), 0)
    if isinstance(name, x509.OtherName) and name.type_id.dotted_string == f"{_ARC}{_OTHER_NAME}":
        return _text(_utf8_string(name.value, _OTHER_NAME), _OTHER_NAME)
    raise ModelProvenanceError("certificate.malformed", "the certificate's subject is neither an address nor a URI")


def _number(dotted: str) -> int | None:
    tail = dotted.removeprefix(_ARC)
    return int(tail) if tail != dotted and tail.isdigit() else None


def _utf8_string(raw: bytes, number: int) -> bytes:
    """The content of one DER UTF8String that fills `raw` exactly, in its shortest length form."""
    error = ModelProvenanceError("certificate.malformed", f"extension .{number} of the certificate is not a UTF8String")
    if len(raw) < 2 or raw[0] != _UTF8_STRING:  # noqa: PLR2004 - tag and length
        raise error
    length, start = raw[1], 2
    if length >= _LONG_FORM:
        width = length - _LONG_FORM
        start += width
        length = int.from_bytes(raw[2:start], "big")
        if not 0 < width <= _WIDEST_LENGTH or length < _LONG_FORM or raw[2] == 0:
            raise error
    if len(raw) != start + length:
        raise error
    return raw[start:]


def _text(raw: bytes, number: int) -> str:
    if len(raw) > _VALUE_LIMIT:
        raise ModelProvenanceError(
            "certificate.malformed", f"extension .{number} of the certificate is {len(raw)} bytes"
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelProvenanceError("certificate.malformed", f"extension .{number} is not UTF-8") from error
    # A newline or a terminal escape in a claim would forge what a log or a summary shows.
    if not text.isprintable():
        raise ModelProvenanceError(
            "certificate.malformed", f"extension .{number} holds control characters: {shown(text)}"
        )
    return text
