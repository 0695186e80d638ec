"""Sigstore bundles (sigstore/protobuf-specs, `sigstore_bundle.proto`): write those of keys, read anybody's as values.

Reading says only that a bundle is well-formed: whether its signature, certificate and log entries are any good is
decided by `verify`. A DSSE envelope has exactly one signature, as `sigstore_bundle.proto` demands: with several, two
verifiers could each accept another one.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from model_provenance.formats.canonical import parse_json
from model_provenance.formats.dsse import PAYLOAD_TYPE
from model_provenance.formats.intoto import PAYLOAD_LIMIT
from model_provenance.formats.protojson import Message

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
#: Every media type that is read, with the version of the format that it names.
MEDIA_TYPES = {
    "application/vnd.dev.sigstore.bundle+json;version=0.1": (0, 1),
    "application/vnd.dev.sigstore.bundle+json;version=0.2": (0, 2),
    "application/vnd.dev.sigstore.bundle+json;version=0.3": (0, 3),
    MEDIA_TYPE: (0, 3),
}
#: The payload in base64, and 4 MiB for everything else.
BUNDLE_LIMIT = PAYLOAD_LIMIT // 3 * 4 + 4 * 1024 * 1024

_CODE = "bundle.malformed"
_CERTIFICATES, _ENTRIES, _TIMESTAMPS, _PROOF_HASHES = 10, 32, 32, 64
_SMALL, _MEDIUM, _LARGE = 1024, 64 * 1024, 1024 * 1024


class MaterialKind(Enum):
    """What a bundle says it was signed with. Which kind is accepted comes from the caller, never from the bundle."""

    PUBLIC_KEY = "publicKey"
    CERTIFICATE = "certificate"
    CHAIN = "x509CertificateChain"


@dataclass(frozen=True, slots=True)
class Material:
    """A hint at a public key (never decides), one certificate, or a chain with the leaf first; certificates in DER."""

    kind: MaterialKind
    hint: str | None
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A Merkle proof that an entry is in a log of `tree_size` entries; `checkpoint` is the log's signed note."""

    log_index: int
    root_hash: bytes
    tree_size: int
    hashes: tuple[bytes, ...]
    checkpoint: str | None


@dataclass(frozen=True, slots=True)
class TlogEntry:
    """One transparency-log entry."""

    log_index: int
    log_id: bytes
    kind: str
    version: str
    #: Unix seconds; None where the log gives no time (Rekor v2).
    integrated_time: int | None
    #: The canonical JSON that the log holds.
    body: bytes
    #: The log's signed promise (SET), where there is one (Rekor v1).
    promise: bytes | None
    proof: InclusionProof | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """The DSSE envelope: exact payload bytes and one signature over their pre-authentication encoding."""

    payload: bytes
    payload_type: str
    signature: bytes
    keyid: str


@dataclass(frozen=True, slots=True)
class MessageSignature:
    """A signature over a blob; the digest only identifies it, and algorithm and digest are both empty when absent."""

    algorithm: str
    digest: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class ParsedBundle:
    """A well-formed bundle; nothing in it has been verified."""

    media_type: str
    version: tuple[int, int]
    material: Material
    entries: tuple[TlogEntry, ...]
    #: RFC 3161 responses in DER.
    timestamps: tuple[bytes, ...]
    content: Envelope | MessageSignature


def key_bundle(payload: bytes, signature: bytes, hint: str) -> bytes:
    """The bundle of a statement signed with a key.

    Exactly what model_signing, sigstore-go and cosign accept: no `tlogEntries` where nothing was logged, no `keyid`.
    """
    return _bundle(payload, signature, {"publicKey": {"hint": hint}})


def chain_bundle(payload: bytes, signature: bytes, chain: Sequence[bytes]) -> bytes:
    """The bundle of a statement signed with a certificate of a private PKI; `chain` in DER, the leaf first.

    OMS v1.0 puts the chain into a bundle of version 0.3, which knows only single certificates elsewhere.
    """
    certificates = [{"rawBytes": b64encode(certificate).decode()} for certificate in chain]
    return _bundle(payload, signature, {"x509CertificateChain": {"certificates": certificates}})


def _bundle(payload: bytes, signature: bytes, material: Mapping[str, object]) -> bytes:
    value = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": material,
        "dsseEnvelope": {
            "payload": b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": b64encode(signature).decode()}],
        },
    }
    return json.dumps(value, separators=(",", ":")).encode()


def parse_bundle(data: bytes) -> ParsedBundle:
    """Read a bundle of version 0.1, 0.2 or 0.3; `bundle.malformed` for anything that is not one."""
    value = parse_json(data, what="the bundle", limit=BUNDLE_LIMIT, code=_CODE)
    fields = ("mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope")
    bundle = Message(value, fields, path="", code=_CODE)
    media_type = bundle.string("mediaType", limit=100)
    if media_type not in MEDIA_TYPES:
        bundle.refuse("is not that of a Sigstore bundle 0.1, 0.2 or 0.3", "mediaType")
    version = MEDIA_TYPES[media_type]
    oneof = [kind.value for kind in MaterialKind]
    material = bundle.message("verificationMaterial", *oneof, "tlogEntries", "timestampVerificationData")
    return ParsedBundle(
        media_type,
        version,
        _material(material, MaterialKind(material.one_of(*oneof)), version),
        tuple(_entry(entry) for entry in material.messages("tlogEntries", *_ENTRY, count=_ENTRIES)),
        _timestamps(material),
        _envelope(bundle) if bundle.one_of("messageSignature", "dsseEnvelope") == "dsseEnvelope" else _message(bundle),
    )


_ENTRY = (
    "logIndex",
    "logId",
    "kindVersion",
    "integratedTime",
    "inclusionPromise",
    "inclusionProof",
    "canonicalizedBody",
)


def _material(material: Message, kind: MaterialKind, version: tuple[int, int]) -> Material:
    if kind is MaterialKind.PUBLIC_KEY:
        # Early model_signing wrote the key itself; it is somebody's claim, so it is read over.
        key = material.message(kind.value, "hint", "rawBytes", "keyDetails")
        return Material(kind, key.string("hint", limit=_SMALL, required=False), ())
    if kind is MaterialKind.CERTIFICATE:
        if version < (0, 3):
            material.refuse("is only known from version 0.3 on", kind.value)
        return Material(kind, None, (material.message(kind.value, "rawBytes").data("rawBytes", limit=_MEDIUM),))
    chain = material.message(kind.value, "certificates")
    certificates = chain.messages("certificates", "rawBytes", count=_CERTIFICATES)
    parsed = tuple(certificate.data("rawBytes", limit=_MEDIUM) for certificate in certificates)
    if not parsed:
        chain.refuse("is an empty chain")
    return Material(kind, None, parsed)


def _entry(entry: Message) -> TlogEntry:
    kind = entry.message("kindVersion", "kind", "version")
    promise = None
    if "inclusionPromise" in entry:
        field = "signedEntryTimestamp"
        promise = entry.message("inclusionPromise", field).data(field, limit=_SMALL)
    return TlogEntry(
        entry.integer("logIndex"),
        entry.message("logId", "keyId").data("keyId", limit=_SMALL),
        kind.string("kind", limit=_SMALL),
        kind.string("version", limit=_SMALL),
        entry.integer("integratedTime") or None,
        entry.data("canonicalizedBody", limit=_LARGE),
        promise,
        _proof(entry) if "inclusionProof" in entry else None,
    )


def _proof(entry: Message) -> InclusionProof:
    proof = entry.message("inclusionProof", "logIndex", "rootHash", "treeSize", "hashes", "checkpoint")
    checkpoint = None
    if "checkpoint" in proof:
        checkpoint = proof.message("checkpoint", "envelope").string("envelope", limit=_MEDIUM)
    # An index that the tree does not reach is well-formed: a log that stands still answers so (`log.frozen`).
    log_index, tree_size = proof.integer("logIndex"), proof.integer("treeSize")
    hashes = proof.data_list("hashes", count=_PROOF_HASHES, limit=_SMALL)
    return InclusionProof(log_index, proof.data("rootHash", limit=_SMALL), tree_size, hashes, checkpoint)


def _timestamps(material: Message) -> tuple[bytes, ...]:
    if "timestampVerificationData" not in material:
        return ()
    data = material.message("timestampVerificationData", "rfc3161Timestamps")
    stamps = data.messages("rfc3161Timestamps", "signedTimestamp", count=_TIMESTAMPS)
    return tuple(stamp.data("signedTimestamp", limit=_MEDIUM) for stamp in stamps)


def _envelope(bundle: Message) -> Envelope:
    envelope = bundle.message("dsseEnvelope", "payload", "payloadType", "signatures")
    # Read with a wider bound than 1, so that the message names the rule and not a limit.
    signatures = list(envelope.messages("signatures", "sig", "keyid", count=_ENTRIES))
    if len(signatures) != 1:
        envelope.refuse(f"must have exactly one signature, not {len(signatures)}")
    return Envelope(
        envelope.data("payload", limit=PAYLOAD_LIMIT),
        envelope.string("payloadType", limit=_SMALL),
        signatures[0].data("sig", limit=_MEDIUM),
        signatures[0].string("keyid", limit=_SMALL, required=False),
    )


def _message(bundle: Message) -> MessageSignature:
    message = bundle.message("messageSignature", "messageDigest", "signature")
    algorithm, digest = "", b""
    if "messageDigest" in message:
        output = message.message("messageDigest", "algorithm", "digest")
        algorithm, digest = output.string("algorithm", limit=_SMALL), output.data("digest", limit=_SMALL)
    return MessageSignature(algorithm, digest, message.data("signature", limit=_MEDIUM))
