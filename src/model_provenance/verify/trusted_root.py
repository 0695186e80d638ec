"""The trusted root: which certificate authorities, logs and timestamp authorities are believed, and for which time.

sigstore protobuf-specs, sigstore_trustroot.proto. Windows are closed at both ends; a missing start is a malformed root.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from model_provenance.domain.verification import Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import certificate
from model_provenance.formats.canonical import parse_json
from model_provenance.formats.public_key import PublicKey, public_key

_LIMIT = 4 * 1024 * 1024
_COUNT_LIMIT = 256
_MEDIA_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
_CONFIG_MEDIA_TYPE = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
#: Keys whose one algorithm is the one that `verify.keys` uses. A log with a key of another kind is left out: its
#: entries are then of an unknown log.
_KEY_DETAILS = frozenset(
    {
        "PKIX_ECDSA_P256_SHA_256",
        "PKIX_ECDSA_P384_SHA_384",
        "PKIX_ECDSA_P521_SHA_512",
        "PKIX_RSA_PKCS1V15_2048_SHA256",
        "PKIX_RSA_PKCS1V15_3072_SHA256",
        "PKIX_RSA_PKCS1V15_4096_SHA256",
        "PKIX_ED25519",
    }
)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


@dataclass(frozen=True, slots=True)
class Window:
    """A closed time range; `end` is None while it lasts."""

    start: datetime
    end: datetime | None

    def holds(self, moment: datetime) -> bool:
        """Whether `moment` is in the range, both ends included."""
        return self.start <= moment and (self.end is None or moment <= self.end)


@dataclass(frozen=True, slots=True)
class Log:
    """A transparency log (artifacts or certificates) and its key."""

    id: bytes
    url: str
    key: PublicKey
    window: Window


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate or timestamp authority: its chain from the lowest certificate to the root."""

    uri: str
    chain: tuple[x509.Certificate, ...]
    window: Window


@dataclass(frozen=True, slots=True)
class TrustedRoot:
    """A parsed trusted root; `data` are the bytes of the trusted root itself, for the library."""

    data: bytes
    certificate_authorities: tuple[Authority, ...]
    logs: tuple[Log, ...]
    certificate_logs: tuple[Log, ...]
    timestamp_authorities: tuple[Authority, ...]


def data_of(trust: Trust) -> bytes:
    """The caller's trusted root, or that of public Sigstore; no connection is opened."""
    if trust.trusted_root is not None:
        return trust.trusted_root
    from model_provenance.verify.production_root import production_root  # noqa: PLC0415 - TUF, for this case alone

    return production_root()


def parse(data: bytes) -> TrustedRoot:
    """Read a trusted root, or the one inside a client trust config; raises `trust.root_invalid`."""
    value = parse_json(data, what="the trusted root", limit=_LIMIT, code="trust.root_invalid")
    if isinstance(value, dict) and _member(value, "mediaType") == _CONFIG_MEDIA_TYPE:
        value = _member(value, "trustedRoot")
        data = json.dumps(value).encode()
    if not isinstance(value, dict) or _member(value, "mediaType") != _MEDIA_TYPE:
        raise _invalid("it is neither a Sigstore trusted root (version 0.1) nor a client trust config")
    return TrustedRoot(
        data=data,
        certificate_authorities=tuple(_authority(item) for item in _list(value, "certificateAuthorities")),
        logs=_logs(value, "tlogs"),
        certificate_logs=_logs(value, "ctlogs"),
        timestamp_authorities=tuple(_authority(item) for item in _list(value, "timestampAuthorities")),
    )


def _logs(value: Mapping[str, Any], name: str) -> tuple[Log, ...]:
    return tuple(log for item in _list(value, name) if (log := _log(item)) is not None)


def _log(value: Any) -> Log | None:
    """One log; None for a kind of key that we do not know, whose entries are then of an unknown log."""
    entry = _object(value)
    public, log_id = _object(_member(entry, "publicKey")), _object(_member(entry, "logId"))
    window = _window(_member(public, "validFor"))
    if _member(public, "keyDetails") not in _KEY_DETAILS:
        return None
    try:
        key = public_key(load_der_public_key(_bytes(_member(public, "rawBytes"))))
    except (ValueError, UnsupportedAlgorithm, ModelProvenanceError) as error:
        raise _invalid(f"the key of a log cannot be read: {error}") from error
    return Log(_bytes(_member(log_id, "keyId")), _string(_member(entry, "baseUrl")), key, window)


def _authority(value: Any) -> Authority:
    entry = _object(value)
    certificates = _list(_object(_member(entry, "certChain")), "certificates")
    if not certificates:
        raise _invalid("an authority has no certificate")
    try:
        chain = tuple(certificate.load(_bytes(_member(_object(c), "rawBytes"))) for c in certificates)
    except ModelProvenanceError as error:
        raise _invalid(f"the certificate of an authority cannot be read: {error}") from error
    return Authority(_string(_member(entry, "uri") or ""), chain, _window(_member(entry, "validFor")))


def _window(value: Any) -> Window:
    entry = _object(value)
    end = _member(entry, "end")
    return Window(_time(_member(entry, "start")), None if end is None else _time(end))


def _time(value: Any) -> datetime:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _invalid("a validity has no start, or a time that is not RFC 3339 in UTC")
    try:
        whole = datetime.fromisoformat(match[1]).replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise _invalid(f"a time does not exist: {error}") from error
    return whole + timedelta(microseconds=int((match[2] or "0").ljust(9, "0")[:6]))


def _member(value: Any, name: str) -> Any:
    """A field by its JSON name or by its protobuf name: protobuf's JSON mapping allows both."""
    if not isinstance(value, dict):
        return None
    return value.get(name, value.get(re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), name)))


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _invalid("an object is missing")
    return value


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = _member(value, name)
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > _COUNT_LIMIT:
        raise _invalid(f"{name} is not a list of at most {_COUNT_LIMIT}")
    return found


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _invalid("a text is missing")
    return value


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(_string(value), validate=True)
    except binascii.Error as error:
        raise _invalid(f"a byte field is not base64: {error}") from error


def _invalid(why: str) -> ModelProvenanceError:
    return ModelProvenanceError("trust.root_invalid", f"the trusted root is malformed: {why}")
