"""Certificate authorities of a simulated Sigstore: root, intermediate, leaves in Sigstore's X.509 profile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from model_provenance.testing.keys import KeyStore, PublicKey

ORGANIZATION = "model-provenance demo (trusted by nobody)"

_CA_LIFE = timedelta(days=3650)
#: The authorities are a day older than the simulator, so that clocks and tests may look back a little.
_HEAD_START = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A signing certificate, its key, and the chain above it, the root last."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...]

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificate first, the root last."""
        return (self.certificate, *self.above)

    @property
    def created(self) -> datetime:
        """From when on the authority is valid."""
        return self.certificate.not_valid_before_utc


def authority(
    store: KeyStore, name: str, title: str, now: datetime, *, intermediate: bool, usage: x509.ObjectIdentifier
) -> Authority:
    """The authority `name`: a root, and below it an intermediate with `usage` where asked.

    Fulcio's intermediate carries its EKU not critical: path validation of `cryptography` refuses it otherwise.
    """
    root_key = ec_key(store, f"{name}-root")
    root = store.certificate(
        f"{name}-root",
        lambda: _ca(f"{title} root", root_key, None, root_key, now, path_length=int(intermediate), usage=None),
    )
    if not intermediate:
        return Authority(root, root_key, ())
    key = ec_key(store, f"{name}-intermediate")
    certificate = store.certificate(
        f"{name}-intermediate",
        lambda: _ca(f"{title} intermediate", key, root, root_key, now, path_length=0, usage=usage),
    )
    return Authority(certificate, key, (root,))


def time_stamping_authority(store: KeyStore, name: str, now: datetime) -> Authority:
    """The signing certificate of a TSA under its own root and intermediate: one EKU, critical (RFC 3161, 2.3)."""
    issuer = authority(store, name, "Demo TSA", now, intermediate=True, usage=ExtendedKeyUsageOID.TIME_STAMPING)
    key = ec_key(store, f"{name}-leaf")

    def make() -> x509.Certificate:
        start = issuer.created
        builder = _builder(_name("Demo TSA"), issuer.certificate, key.public_key(), start, start + _CA_LIFE)
        builder = builder.add_extension(_usage(digital_signature=True), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        return builder.sign(issuer.key, hashes.SHA256())

    return Authority(store.certificate(f"{name}-leaf", make), key, issuer.chain)


@dataclass(frozen=True)
class Leaf:
    """What goes into a code-signing certificate."""

    key: PublicKey
    names: x509.SubjectAlternativeName
    extensions: Iterable[x509.UnrecognizedExtension]
    start: datetime
    life: timedelta = timedelta(minutes=10)


def leaf_builder(issuer: Authority, leaf: Leaf) -> x509.CertificateBuilder:
    """Fulcio's leaf, unsigned: empty subject, critical SAN, code signing only, ten minutes."""
    builder = _builder(x509.Name([]), issuer.certificate, leaf.key, leaf.start, leaf.start + leaf.life)
    builder = builder.add_extension(_usage(digital_signature=True), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    builder = builder.add_extension(leaf.names, critical=True)
    for extension in leaf.extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder


def ec_key(store: KeyStore, name: str) -> ec.EllipticCurvePrivateKey:
    """The P-256 key called `name`."""
    key = store.key(name)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{name} is not an EC key")
    return key


def _ca(
    title: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    *,
    path_length: int,
    usage: x509.ObjectIdentifier | None,
) -> x509.Certificate:
    start = now.astimezone(timezone.utc).replace(microsecond=0) - _HEAD_START
    builder = _builder(_name(title), issuer, key.public_key(), start, start + _CA_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    builder = builder.add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Certificate | None, key: PublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    issuer_key = issuer.public_key() if issuer else key
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key)  # type: ignore[arg-type] # CA keys are EC
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(identifier, critical=False)
    )


def _name(title: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION), x509.NameAttribute(NameOID.COMMON_NAME, title)]
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
