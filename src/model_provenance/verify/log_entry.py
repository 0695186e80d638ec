"""Transparency-log entries: this envelope, by this signer, in a trusted log, and when the log says it took it.

Rekor v1 keeps `dsse` 0.0.1, `intoto` 0.0.2 and `hashedrekord` 0.0.1 with a signed promise (SET) that carries the time; v2 keeps
`hashedrekord` 0.0.2 without a time (rekor-tiles CLIENTS.md). What an entry says is compared with the bundle, or an
entry of another envelope would serve (CVE-2022-36056).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from model_provenance.domain.evidence import LogEntry
from model_provenance.domain.text import shown
from model_provenance.domain.tree_head import TreeHead
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import Envelope, MessageSignature, TlogEntry
from model_provenance.formats.canonical import canonical, parse_json
from model_provenance.formats.dsse import pae
from model_provenance.formats.pem import pem_blocks
from model_provenance.formats.public_key import PublicKey
from model_provenance.verify.checkpoint import entry_head, verify_inclusion
from model_provenance.verify.keys import hash_of, is_signature
from model_provenance.verify.trusted_root import Log, TrustedRoot

_BODY_LIMIT = 1024 * 1024
#: 9999-12-31: what `datetime` can hold.
_LAST_SECOND = 253402300799


def log_of(entry: TlogEntry, root: TrustedRoot) -> Log:
    """The trusted log that the entry names; `log.unknown` otherwise."""
    for log in root.logs:
        if log.id == entry.log_id:
            return log
    raise ModelProvenanceError("log.unknown", f"the log {entry.log_id.hex()[:64]} is not in the trusted root")


def promised_at(entry: TlogEntry, root: TrustedRoot) -> datetime | None:
    """The time of the log's signed promise; None without one. Raises `log.unknown` or `log.promise`.

    The time of an entry without a promise is nobody's claim and is never used.
    """
    if entry.promise is None:
        return None
    log = log_of(entry, root)
    if entry.integrated_time is None:
        raise ModelProvenanceError(
            "log.promise", "the entry holds a promise of the log and not the time that it promises"
        )
    signed = {
        "body": base64.b64encode(entry.body).decode(),
        "integratedTime": entry.integrated_time,
        "logID": entry.log_id.hex(),
        "logIndex": entry.log_index,
    }
    if entry.integrated_time > _LAST_SECOND or not is_signature(log.key, entry.promise, canonical(signed)):
        raise ModelProvenanceError("log.promise", "the signed entry timestamp is not by the log over this entry")
    moment = datetime.fromtimestamp(entry.integrated_time, timezone.utc)
    if not log.window.holds(moment):
        raise ModelProvenanceError("log.unknown", "the log's key was not trusted when it took the entry")
    return moment


@dataclass(frozen=True, slots=True)
class Signed:
    """What an entry must be of: content, key, and the leaf in DER of a keyless signature (None for one by a key)."""

    content: Envelope | MessageSignature
    key: PublicKey
    certificate: bytes | None


def verify_entry(
    entry: TlogEntry,
    signed: Signed,
    root: TrustedRoot,
    stamps: Iterable[datetime],
    found: Callable[[TreeHead], None],
) -> None:
    """The entry is in a log that was trusted then, and says what the bundle says; raises `log.*`.

    `stamps` are the verified timestamps, the only times of an entry without a promise. `found` is given the tree head that
    the log has signed, also where the entry turns out not to be in that tree.
    """
    log = log_of(entry, root)
    if promised_at(entry, root) is None and not all(log.window.holds(moment) for moment in stamps):
        raise ModelProvenanceError("log.unknown", "the log's key was not trusted when the signature was made")
    head = entry_head(entry, log)
    found(head)
    verify_inclusion(entry, head)
    if entry.promise is None and entry.proof is not None and entry.log_index != entry.proof.log_index:
        # Without a promise only the proof says where the entry is; reports show no index that nobody vouches for.
        raise ModelProvenanceError("log.entry", "the entry's index is not the one that is proven")
    body = parse_json(entry.body, what="the log entry", limit=_BODY_LIMIT, code="log.entry")
    if not isinstance(body, dict) or (body.get("kind"), body.get("apiVersion")) != (entry.kind, entry.version):
        raise ModelProvenanceError("log.entry", "the log entry is of another kind than the bundle says")
    kind = f"{entry.kind} {entry.version}"
    comparison = _COMPARISONS.get(kind)
    if comparison is None:
        raise ModelProvenanceError("log.kind", f"log entries of kind {shown(kind)} are not understood")
    if not comparison(_at(body, "spec"), signed):
        raise ModelProvenanceError(
            "log.entry", "the log entry is of another signature, signer or payload than the bundle"
        )


def described(entry: TlogEntry, root: TrustedRoot | None) -> LogEntry:
    """The entry as it is shown in reports."""
    url = next((log.url for log in root.logs if log.id == entry.log_id), "") if root else ""
    integrated = entry.integrated_time if entry.promise is not None else None
    return LogEntry(url, entry.log_index, f"{entry.kind} {entry.version}", integrated)


def _is_dsse(spec: Any, signed: Signed) -> bool:
    content = signed.content
    if not isinstance(content, Envelope):
        return False
    signatures = _at(spec, "signatures")
    if not isinstance(signatures, list) or len(signatures) != 1:
        return False
    payload = hashlib.sha256(content.payload).hexdigest()
    return (
        (_at(spec, "payloadHash", "algorithm"), _at(spec, "payloadHash", "value")) == ("sha256", payload)
        and _data(_at(signatures[0], "signature")) == content.signature
        and _is_verifier(_data(_at(signatures[0], "verifier")), signed)
    )


def _is_intoto(spec: Any, signed: Signed) -> bool:
    """Packages of npm and older attestations are logged so; the signature is in Base64 twice."""
    content, envelope = signed.content, _at(spec, "content", "envelope")
    signatures = _at(envelope, "signatures")
    if not isinstance(content, Envelope) or not isinstance(signatures, list) or len(signatures) != 1:
        return False
    once = _data(_at(signatures[0], "sig")) or b""
    payload = hashlib.sha256(content.payload).hexdigest()
    hashed = _at(spec, "content", "payloadHash")
    return (
        (_at(hashed, "algorithm"), _at(hashed, "value")) == ("sha256", payload)
        and _at(envelope, "payloadType") == content.payload_type
        and _data(once.decode("ascii", "replace")) == content.signature
        and _is_verifier(_data(_at(signatures[0], "publicKey")), signed)
    )


def _is_hashedrekord_1(spec: Any, signed: Signed) -> bool:
    content = signed.content
    # The entry holds the digest of the blob; that the blob has it is shown by the signature, which is over the same.
    if not isinstance(content, MessageSignature) or content.algorithm != "SHA2_256":
        return False
    return (
        (_at(spec, "data", "hash", "algorithm"), _at(spec, "data", "hash", "value")) == ("sha256", content.digest.hex())
        and _data(_at(spec, "signature", "content")) == content.signature
        and _is_verifier(_data(_at(spec, "signature", "publicKey", "content")), signed)
    )


def _is_hashedrekord_2(spec: Any, signed: Signed) -> bool:
    content = signed.content
    record = _at(spec, "hashedRekordV002")
    if isinstance(content, Envelope):
        algorithm, digest = _prehash(signed.key, pae(content.payload, content.payload_type))
    else:
        algorithm, digest = content.algorithm, content.digest
    verifier = _at(record, "signature", "verifier")
    named = _data(_at(verifier, "publicKey" if signed.certificate is None else "x509Certificate", "rawBytes"))
    return (
        (_at(record, "data", "algorithm"), _data(_at(record, "data", "digest"))) == (algorithm, digest)
        and _data(_at(record, "signature", "content")) == content.signature
        and named == (signed.key.der if signed.certificate is None else signed.certificate)
    )


_COMPARISONS = {
    "dsse 0.0.1": _is_dsse,
    "hashedrekord 0.0.1": _is_hashedrekord_1,
    "hashedrekord 0.0.2": _is_hashedrekord_2,
    "intoto 0.0.2": _is_intoto,
}


def _prehash(key: PublicKey, message: bytes) -> tuple[str, bytes]:
    name = hash_of(key.key).name if isinstance(key.key, ec.EllipticCurvePublicKey) else "sha256"
    return f"SHA2_{name.removeprefix('sha')}", hashlib.new(name, message).digest()


def _is_verifier(pem: bytes | None, signed: Signed) -> bool:
    """Whether the PEM in an entry is the signer's; compared as DER, since PEM is wrapped differently in the wild."""
    if pem is None:
        return False
    blocks = pem_blocks(pem, what="the log entry's verifier", code="log.entry")
    label, der = ("CERTIFICATE", signed.certificate) if signed.certificate else ("PUBLIC KEY", signed.key.der)
    return len(blocks) == 1 and blocks[0].label == label and blocks[0].decoded(code="log.entry") == der


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _data(value: Any) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except (binascii.Error, ValueError):
        return None
