"""Sigstore bundles: what is written for keys, and how strictly any bundle is read."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigstore_models.bundle.v1 import Bundle as PeerBundle

from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import (
    MEDIA_TYPE,
    MEDIA_TYPES,
    Envelope,
    MaterialKind,
    MessageSignature,
    key_bundle,
    parse_bundle,
)

Change = Callable[[dict[str, Any]], object]


def text(data: bytes) -> str:
    """Bytes as protobuf JSON writes them."""
    return b64encode(data).decode()


def entry() -> dict[str, Any]:
    """A log entry with everything that one can have."""
    return {
        "logIndex": "7",
        "logId": {"keyId": text(b"log")},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": "1700000000",
        "inclusionPromise": {"signedEntryTimestamp": text(b"promise")},
        "inclusionProof": {
            "logIndex": "2",
            "rootHash": text(b"root"),
            "treeSize": "3",
            "hashes": [text(b"left"), text(b"right")],
            "checkpoint": {"envelope": "origin\n3\n"},
        },
        "canonicalizedBody": text(b"{}"),
    }


def keyless() -> dict[str, Any]:
    """A keyless bundle with everything that one can have."""
    return {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {
            "certificate": {"rawBytes": text(b"der")},
            "tlogEntries": [entry()],
            "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": text(b"stamp")}]},
        },
        "dsseEnvelope": {
            "payload": text(b"payload"),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": text(b"signature"), "keyid": ""}],
        },
    }


def dumped(value: Any) -> bytes:
    """A bundle file."""
    return json.dumps(value).encode()


def refused(data: bytes) -> str:
    """The message with which `data` is refused, after the code has been checked."""
    with pytest.raises(ModelProvenanceError) as caught:
        parse_bundle(data)
    assert caught.value.code == "bundle.malformed"
    assert caught.value.exit_status == 10
    return caught.value.message


def test_a_key_bundle_has_exactly_the_fields_that_strict_readers_know() -> None:
    """A key bundle has no log entries, no key id and no other field, in compact JSON."""
    data = key_bundle(b'{"a":1}', b"signature", "ab" * 32)
    assert json.loads(data) == {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "ab" * 32}},
        "dsseEnvelope": {
            "payload": text(b'{"a":1}'),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": text(b"signature")}],
        },
    }
    assert b" " not in data


def test_a_key_bundle_reads_back() -> None:
    """What is written is read as a public key's hint and one envelope."""
    parsed = parse_bundle(key_bundle(b"payload", b"signature", "hint"))
    assert parsed.material.kind is MaterialKind.PUBLIC_KEY
    assert parsed.material.hint == "hint"
    assert parsed.content == Envelope(b"payload", "application/vnd.in-toto+json", b"signature", "")
    assert (parsed.entries, parsed.timestamps) == ((), ())


def test_the_sigstore_models_accept_a_key_bundle_with_log_entries_added() -> None:
    """The peer's strict model of the format knows every field that we write."""
    value = json.loads(key_bundle(b"payload", b"signature", "hint"))
    value["verificationMaterial"]["tlogEntries"] = []
    assert PeerBundle.from_dict(value).dsse_envelope is not None


def test_a_keyless_bundle_is_read_field_by_field() -> None:
    """Certificate, log entry with promise and proof, timestamp and envelope become typed values."""
    parsed = parse_bundle(dumped(keyless()))
    [log_entry] = parsed.entries
    assert parsed.material.certificates == (b"der",)
    assert (log_entry.log_index, log_entry.log_id, log_entry.kind, log_entry.version) == (7, b"log", "dsse", "0.0.1")
    assert (log_entry.integrated_time, log_entry.promise, log_entry.body) == (1_700_000_000, b"promise", b"{}")
    assert log_entry.proof is not None
    assert (log_entry.proof.log_index, log_entry.proof.tree_size) == (2, 3)
    assert (log_entry.proof.hashes, log_entry.proof.checkpoint) == ((b"left", b"right"), "origin\n3\n")
    assert parsed.timestamps == (b"stamp",)


@pytest.mark.parametrize("media_type", sorted(MEDIA_TYPES))
def test_every_known_media_type_is_read(media_type: str) -> None:
    """Versions 0.1, 0.2 and both spellings of 0.3 are read; before 0.3 the certificate stands in a chain."""
    value = keyless()
    value["mediaType"] = media_type
    if MEDIA_TYPES[media_type] < (0, 3):
        value["verificationMaterial"]["x509CertificateChain"] = {
            "certificates": [value["verificationMaterial"].pop("certificate")]
        }
    assert parse_bundle(dumped(value)).version == MEDIA_TYPES[media_type]


def test_a_message_signature_is_read() -> None:
    """A bundle over a blob has a message signature, whose digest may be absent."""
    value = keyless()
    del value["dsseEnvelope"]
    value["messageSignature"] = {
        "signature": text(b"s"),
        "messageDigest": {"algorithm": "SHA2_256", "digest": text(b"d")},
    }
    assert parse_bundle(dumped(value)).content == MessageSignature("SHA2_256", b"d", b"s")
    del value["messageSignature"]["messageDigest"]
    assert parse_bundle(dumped(value)).content == MessageSignature("", b"", b"s")


def test_absent_and_null_fields_have_their_protobuf_defaults() -> None:
    """Go leaves out zeros and writes null for absent messages: both mean the default, and no time is no time."""
    value = keyless()
    first = value["verificationMaterial"]["tlogEntries"][0]
    del first["logIndex"], first["inclusionProof"]["logIndex"], first["inclusionProof"]["hashes"]
    first["inclusionPromise"], first["integratedTime"] = None, "0"
    value["verificationMaterial"]["timestampVerificationData"] = None
    parsed = parse_bundle(dumped(value))
    [log_entry] = parsed.entries
    assert (log_entry.log_index, log_entry.promise, log_entry.integrated_time) == (0, None, None)
    assert log_entry.proof is not None
    assert (log_entry.proof.log_index, log_entry.proof.hashes) == (0, ())
    assert parsed.timestamps == ()


def test_a_key_that_an_early_bundle_carries_is_read_over() -> None:
    """Early model_signing wrote the key itself: nothing of it is kept, so it can decide nothing."""
    value = json.loads(key_bundle(b"p", b"s", "h"))
    value["verificationMaterial"]["publicKey"] = {"rawBytes": text(b"key"), "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    material = parse_bundle(dumped(value)).material
    assert (material.hint, material.certificates) == ("", ())


def _material(value: dict[str, Any]) -> dict[str, Any]:
    return value["verificationMaterial"]  # type: ignore[no-any-return]


def _entry(value: dict[str, Any]) -> dict[str, Any]:
    return _material(value)["tlogEntries"][0]  # type: ignore[no-any-return]


REFUSED: dict[str, Change] = {
    "another media type": lambda b: b.update(mediaType="application/json"),
    "a media type of a later version": lambda b: b.update(mediaType=MEDIA_TYPE.replace("0.3", "0.4")),
    "no media type": lambda b: b.pop("mediaType"),
    "an unknown field at the top": lambda b: b.update(comment="x"),
    "an unknown field in the material": lambda b: _material(b).update(comment="x"),
    "an unknown field in an entry": lambda b: _entry(b).update(comment="x"),
    "an unknown field in a proof": lambda b: _entry(b)["inclusionProof"].update(comment="x"),
    "an unknown field in a signature": lambda b: b["dsseEnvelope"]["signatures"][0].update(cert="x"),
    "a field by its protobuf name": lambda b: _entry(b).update(log_index="7"),
    "no material": lambda b: b.pop("verificationMaterial"),
    "two kinds of material": lambda b: _material(b).update(publicKey={"hint": "x"}),
    "no kind of material": lambda b: _material(b).pop("certificate"),
    "an empty chain": lambda b: (_material(b).pop("certificate"), _material(b).update(x509CertificateChain={})),
    "an empty certificate": lambda b: _material(b).update(certificate={"rawBytes": ""}),
    "a certificate before 0.3": lambda b: b.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.2"),
    "two contents": lambda b: b.update(messageSignature={"signature": text(b"s")}),
    "no content": lambda b: b.pop("dsseEnvelope"),
    "no signature": lambda b: b["dsseEnvelope"].update(signatures=[]),
    "two signatures": lambda b: b["dsseEnvelope"].update(signatures=b["dsseEnvelope"]["signatures"] * 2),
    "an empty signature": lambda b: b["dsseEnvelope"].update(signatures=[{"sig": ""}]),
    "no payload type": lambda b: b["dsseEnvelope"].pop("payloadType"),
    "a payload type that is not Unicode": lambda b: b["dsseEnvelope"].update(payloadType="\ud800"),
    "URL-safe base64": lambda b: b["dsseEnvelope"].update(payload="_-8="),
    "base64 without padding": lambda b: b["dsseEnvelope"].update(payload="YQ"),
    "base64 with white space": lambda b: b["dsseEnvelope"].update(payload="YWFh\nYWFh"),
    "base64 with bits left over": lambda b: b["dsseEnvelope"].update(payload="YR=="),
    "base64 with other letters": lambda b: b["dsseEnvelope"].update(payload="ÿ==="),
    "a negative log index": lambda b: _entry(b).update(logIndex="-1"),
    "a negative zero": lambda b: _entry(b).update(logIndex="-0"),
    "a log index as a number": lambda b: _entry(b).update(logIndex=7),
    "a log index with leading zeros": lambda b: _entry(b).update(logIndex="07"),
    "a log index in other digits": lambda b: _entry(b).update(logIndex="٣"),
    "a log index beyond 63 bits": lambda b: _entry(b).update(logIndex=str(2**63)),
    "a negative time": lambda b: _entry(b).update(integratedTime="-5"),
    "a proof without a root": lambda b: _entry(b)["inclusionProof"].pop("rootHash"),
    "too many hashes": lambda b: _entry(b)["inclusionProof"].update(hashes=[text(b"x")] * 65),
    "too many entries": lambda b: _material(b).update(tlogEntries=[entry()] * 33),
    "too many timestamps": lambda b: _material(b).update(
        timestampVerificationData={"rfc3161Timestamps": [{"signedTimestamp": text(b"x")}] * 33}
    ),
    "an entry that is null": lambda b: _material(b).update(tlogEntries=[None]),
    "an entry without a log": lambda b: _entry(b).pop("logId"),
    "an entry without a body": lambda b: _entry(b).pop("canonicalizedBody"),
    "entries that are an object": lambda b: _material(b).update(tlogEntries={}),
    "a body of 2 MiB": lambda b: _entry(b).update(canonicalizedBody=text(bytes(2 * 1024 * 1024))),
    "a number for a text": lambda b: b["dsseEnvelope"].update(payloadType=1),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bundle_is_refused_for(what: str) -> None:
    """Everything that two readers could take differently is refused."""
    value = keyless()
    REFUSED[what](value)
    refused(dumped(value))


def test_a_duplicated_field_is_refused() -> None:
    """Of two fields of one name, one reader takes the first and another the last: neither is taken."""
    data = dumped(keyless()).replace(b'"mediaType"', b'"mediaType": "x", "mediaType"')
    assert "twice" in refused(data)


def test_the_message_names_the_field() -> None:
    """A refusal says where in the bundle it is."""
    value = keyless()
    _entry(value)["logIndex"] = "-1"
    assert refused(dumped(value)).startswith("verificationMaterial.tlogEntries[0].logIndex is negative")


def test_a_hostile_field_name_cannot_write_to_the_terminal() -> None:
    """Control characters of an unknown field's name are shown escaped."""
    assert "\x1b" not in refused(dumped({**keyless(), "\x1b[2J": 1}))


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b"\xff", b'"x"', b"1", b"[" * 100_000, b'{"a":NaN}'])
def test_what_is_no_bundle_at_all_is_refused(data: bytes) -> None:
    """Any other bytes are refused with the same code."""
    refused(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value in a tree of JSON."""
    found = [prefix] if prefix else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        found += paths(child, (*prefix, key))
    return found


@given(st.data())
def test_a_bundle_with_any_value_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever stands in place of one field, the answer is a bundle or an error of ours, never another exception."""
    value = keyless()
    *way, last = data.draw(st.sampled_from(paths(value)))
    node: Any = value
    for step in way:
        node = node[step]
    node[last] = data.draw(json_values)
    with suppress(ModelProvenanceError):
        parse_bundle(dumped(value))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    """No short random bytes are a bundle."""
    refused(data)


@given(st.binary(min_size=1, max_size=200), st.binary(min_size=1, max_size=100))
def test_any_payload_and_signature_survive(payload: bytes, signature: bytes) -> None:
    """Written and read again, the bytes are the same."""
    content = parse_bundle(key_bundle(payload, signature, "h")).content
    assert isinstance(content, Envelope)
    assert (content.payload, content.signature) == (payload, signature)
