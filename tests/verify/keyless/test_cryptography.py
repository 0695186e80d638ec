"""Checks 2 to 6 on keyless bundles: each part good, and each part wrong for its own reason."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from model_provenance.domain.digest import Digest
from model_provenance.domain.verification import Expectation, Trust
from model_provenance.formats.identity import parse_signer
from model_provenance.testing.sigstore_sim import SigstoreSim
from model_provenance.verify.bundle import verify_bundle

HOUR = timedelta(hours=1)


@pytest.fixture
def oms(api: Any, keyless: Any) -> Any:
    """The payload that is signed."""
    return api.Draft(run=keyless.default_run).statements[0].payload


@pytest.fixture
def signing(forge: Any, keyless: Any) -> Any:
    """A good certificate with its key."""
    return forge.certify(keyless.default_run.claims())


@pytest.fixture
def judged(api: Any, keyless: Any) -> Callable[..., Any]:
    """Codes of what fails, for a bundle given as JSON values."""

    def judge(bundle: Any, *, trust: Trust | None = None) -> Any:
        expectation = Expectation(parse_signer(api.SIGNER))
        draft = api.Draft(run=keyless.default_run)
        report = verify_bundle(json.dumps(bundle).encode(), draft.directory, expectation, trust or keyless.trust)
        return api.failures(report)

    return judge


def material(bundle: Any) -> Any:
    """The verification material."""
    return bundle["verificationMaterial"]


def entry(bundle: Any) -> Any:
    """The one log entry."""
    return material(bundle)["tlogEntries"][0]


@pytest.mark.parametrize("rekor", [1, 2])
def test_a_good_bundle_passes(forge: Any, judged: Any, oms: Any, signing: Any, rekor: Any) -> None:
    """Both versions of the log."""
    assert judged(forge.bundle(oms, signing, rekor=rekor)) == set()


def test_a_promise_of_the_log_is_a_time(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """Rekor v1 signs the time: no timestamp is needed."""
    assert judged(forge.bundle(oms, signing, stamped=False)) == set()


def test_a_bundle_of_version_0_1_holds_a_chain(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """Older bundles bring the leaf as a chain; the trusted root decides all the same."""
    bundle = forge.bundle(oms, signing)
    bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
    material(bundle)["x509CertificateChain"] = {"certificates": [material(bundle).pop("certificate")]}
    assert judged(bundle) == set()


# --- 2: signature


def test_a_signature_by_another_key_is_refused(forge: Any, judged: Any, oms: Any, signing: Any, keyless: Any) -> None:
    """Signed with the key of another certificate of the same run."""
    other = forge.certify(keyless.default_run.claims())
    bundle = forge.bundle(oms, other)
    material(bundle)["certificate"]["rawBytes"] = base64.b64encode(signing.der).decode()
    assert {"signature.invalid", "log.entry"} <= judged(bundle)


def test_a_changed_payload_is_refused(forge: Any, judged: Any, signing: Any, api: Any, keyless: Any, oms: Any) -> None:
    """The log and the timestamp are of the signature, the signature is of other bytes."""
    bundle = forge.bundle(oms, signing)
    other = oms.replace(b'"allow_symlinks":false', b'"allow_symlinks":true')
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(other).decode()
    assert {"signature.invalid", "log.entry"} <= judged(bundle)


def test_a_bundle_without_certificate_is_not_keyless(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """A hint at a key is not an identity."""
    bundle = forge.bundle(oms, signing)
    del material(bundle)["certificate"]
    material(bundle)["publicKey"] = {"hint": "x"}
    assert "signature.method" in judged(bundle)


def test_a_chain_in_a_bundle_of_version_0_3_is_refused(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """Chains in v0.3 are for a private PKI, which is another expectation."""
    bundle = forge.bundle(oms, signing)
    material(bundle)["x509CertificateChain"] = {"certificates": [material(bundle).pop("certificate")]}
    assert "certificate.chain" in judged(bundle)


def test_a_root_inside_the_chain_is_refused(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """A bundle does not bring the root that it is to be trusted by."""
    bundle = forge.bundle(oms, signing)
    bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
    root = forge.sim.fulcio.authority.chain[-1].public_bytes(x509_encoding())
    certificates = [material(bundle).pop("certificate"), {"rawBytes": base64.b64encode(root).decode()}]
    material(bundle)["x509CertificateChain"] = {"certificates": certificates}
    assert "certificate.chain" in judged(bundle)


def x509_encoding() -> Any:
    """DER."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


def test_the_library_is_asked_and_its_no_is_a_no(
    forge: Any, judged: Any, oms: Any, signing: Any, monkeypatch: Any
) -> None:
    """Where our own checks hold and the sigstore library refuses, the bundle is refused."""
    from sigstore.errors import VerificationError
    from sigstore.verify.verifier import Verifier

    def refuse(*_: Any, **__: Any) -> None:
        raise VerificationError("something that only the library knows")

    monkeypatch.setattr(Verifier, "verify_dsse", refuse)
    assert judged(forge.bundle(oms, signing)) == {"bundle.verification"}


def test_the_library_reading_another_payload_is_a_no(
    forge: Any, judged: Any, oms: Any, signing: Any, monkeypatch: Any
) -> None:
    """Two readings of one envelope are an attack, whichever of them is right."""
    from sigstore.verify.verifier import Verifier

    monkeypatch.setattr(Verifier, "verify_dsse", lambda *_: ("application/vnd.in-toto+json", b"another"))
    assert judged(forge.bundle(oms, signing)) == {"bundle.verification"}


# --- 3: certificate


def test_a_certificate_of_another_authority_is_refused(
    forge: Any, judged: Any, oms: Any, keyless: Any, misbehave: Any
) -> None:
    """An authority of the same name with another key."""
    misbehave("fulcio", "wrong-key", times=1)
    rogue = forge.issue(keyless.default_run.claims())
    assert "certificate.chain" in judged(forge.bundle(oms, rogue))


@pytest.mark.parametrize("rekor", [1, 2])
def test_a_certificate_that_had_expired_when_it_signed_is_refused(
    forge: Any, judged: Any, oms: Any, keyless: Any, rekor: Any
) -> None:
    """Ten minutes are ten minutes: the trusted time decides, not the clock of now."""
    old = forge.certify(keyless.default_run.claims(), start=datetime.now(timezone.utc) - HOUR)
    assert "certificate.expired" in judged(forge.bundle(oms, old, rekor=rekor))


def test_a_certificate_that_was_not_yet_valid_is_refused(forge: Any, judged: Any, oms: Any, keyless: Any) -> None:
    """The other end."""
    early = forge.certify(keyless.default_run.claims(), start=datetime.now(timezone.utc) + HOUR)
    assert "certificate.expired" in judged(forge.bundle(oms, early))


def test_an_expired_certificate_passes_when_it_signed_in_time(forge: Any, judged: Any, oms: Any, keyless: Any) -> None:
    """A signature outlives its certificate: what counts is that the certificate was valid at the trusted time."""
    long_ago = datetime.now(timezone.utc) - timedelta(days=400)
    sim = SigstoreSim(clock=long_ago.timestamp)
    past = type(forge)(sim)
    signing = past.certify(keyless.default_run.claims(), start=long_ago)
    for rekor in (1, 2):
        assert judged(past.bundle(oms, signing, rekor=rekor), trust=Trust(sim.trusted_root.encode())) == set()


@pytest.mark.parametrize("kind", ["time stamping", "server"])
def test_a_certificate_for_another_purpose_is_refused(
    forge: Any, judged: Any, oms: Any, keyless: Any, kind: Any
) -> None:
    """The trusted authority may issue other certificates; only those for code signing sign releases."""
    purpose = {"time stamping": ExtendedKeyUsageOID.TIME_STAMPING, "server": ExtendedKeyUsageOID.SERVER_AUTH}[kind]

    def change(builder: Any) -> Any:
        builder._extensions = [e for e in builder._extensions if not isinstance(e.value, x509.ExtendedKeyUsage)]
        return builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)

    assert "certificate.usage" in judged(forge.bundle(oms, forge.certify(keyless.default_run.claims(), change=change)))


def test_a_certificate_with_an_unknown_critical_extension_is_refused(
    forge: Any, judged: Any, oms: Any, keyless: Any
) -> None:
    """What is critical and not understood cannot be passed over."""
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    signing = forge.certify(keyless.default_run.claims(), change=lambda b: b.add_extension(extension, critical=True))
    assert "certificate.chain" in judged(forge.bundle(oms, signing))


def test_two_subjects_in_a_certificate_are_refused(forge: Any, judged: Any, oms: Any, keyless: Any) -> None:
    """A second subject alternative name could be the one that matches."""
    names = x509.SubjectAlternativeName(
        [
            x509.UniformResourceIdentifier(
                "https://github.com/acme/minilm/.github/workflows/release.yml@refs/heads/main"
            ),
            x509.UniformResourceIdentifier("https://github.com/mallory/minilm/x.yml@refs/heads/main"),
        ]
    )
    signing = forge.certify(keyless.default_run.claims(), names=names)
    assert "certificate.malformed" in judged(forge.bundle(oms, signing))


@pytest.mark.parametrize("value", [b"refs/heads/main", b"\x0c\x05ab", b"\x0c\x04a\nbc", b"\x13\x04abcd", b""], ids=repr)
def test_an_extension_that_is_not_one_line_of_text_is_refused(
    forge: Any, judged: Any, oms: Any, keyless: Any, value: Any
) -> None:
    """.14 as raw text, with a wrong length, with a newline, as another string type, empty."""
    signing = forge.certify(keyless.default_run.claims(), extra=((14, value),))
    assert "certificate.malformed" in judged(forge.bundle(oms, signing))


def test_an_authority_counts_only_in_its_time(forge: Any, judged: Any, oms: Any, signing: Any, keyless: Any) -> None:
    """The window of the trusted root, not of the certificates, says how long an authority was trusted."""
    root = json.loads(keyless.sim.trusted_root)
    root["certificateAuthorities"][0]["validFor"]["end"] = "2020-01-01T00:00:00Z"
    root["certificateAuthorities"][0]["validFor"]["start"] = "2019-01-01T00:00:00Z"
    assert "certificate.chain" in judged(forge.bundle(oms, signing), trust=Trust(json.dumps(root).encode()))


# --- 4: SCT


def test_a_certificate_without_an_sct_is_refused(
    forge: Any, judged: Any, oms: Any, keyless: Any, misbehave: Any
) -> None:
    """A certificate that nobody can see being issued."""
    misbehave("fulcio", "no-sct", times=1)
    assert "sct.missing" in judged(forge.bundle(oms, forge.issue(keyless.default_run.claims())))


def test_an_sct_by_an_unknown_log_is_refused(forge: Any, judged: Any, oms: Any, keyless: Any, misbehave: Any) -> None:
    """A log whose key the trusted root does not know."""
    misbehave("ctlog", "wrong-key", times=1)
    assert "sct.unknown_log" in judged(forge.bundle(oms, forge.certify(keyless.default_run.claims())))


def test_an_sct_of_another_certificate_is_refused(forge: Any, judged: Any, oms: Any, keyless: Any) -> None:
    """The timestamp of a trusted log, taken over into a certificate that it is not of."""
    donor = forge.certify(keyless.default_run.claims())
    oid = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
    value = donor.leaf.extensions.get_extension_for_oid(oid).value
    raw = value.public_bytes()
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    from model_provenance.testing.ca import Leaf, leaf_builder
    from model_provenance.testing.identities import principal

    key = ec.generate_private_key(ec.SECP256R1())
    who = principal(keyless.default_run.claims())
    now = datetime.now(timezone.utc).replace(microsecond=0)
    builder = leaf_builder(forge.sim.fulcio.authority, Leaf(key.public_key(), who.names, who.extensions, now))
    builder = builder.add_extension(x509.UnrecognizedExtension(oid, raw), critical=False)
    leaf = builder.sign(forge.sim.fulcio.authority.key, hashes.SHA256())
    assert "sct.invalid" in judged(forge.bundle(oms, type(donor)(key, leaf)))


def test_a_certificate_log_counts_only_in_its_time(
    forge: Any, judged: Any, oms: Any, signing: Any, keyless: Any
) -> None:
    """The log's key had been retired when it stamped."""
    root = json.loads(keyless.sim.trusted_root)
    root["ctlogs"][0]["publicKey"]["validFor"] = {"start": "2019-01-01T00:00:00Z", "end": "2020-01-01T00:00:00Z"}
    assert "sct.unknown_log" in judged(forge.bundle(oms, signing), trust=Trust(json.dumps(root).encode()))


# --- 5: log


def test_a_bundle_without_a_log_entry_is_refused(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """A keyless signature that nobody can see."""
    bundle = forge.bundle(oms, signing)
    material(bundle)["tlogEntries"] = []
    assert judged(bundle) == {"log.missing"}


@pytest.mark.parametrize("rekor", [1, 2])
def test_an_entry_of_another_envelope_is_refused(forge: Any, judged: Any, oms: Any, signing: Any, rekor: Any) -> None:
    """A genuine entry, by the same signer, of another signature (CVE-2022-36056)."""
    bundle = forge.bundle(oms, signing, rekor=rekor)
    other = forge.bundle(oms.replace(b"minilm", b"maxilm"), signing, rekor=rekor)
    material(bundle)["tlogEntries"] = material(other)["tlogEntries"]
    assert "log.entry" in judged(bundle)


@pytest.mark.parametrize("rekor", [1, 2])
def test_an_entry_of_another_signer_is_refused(
    forge: Any, judged: Any, oms: Any, signing: Any, keyless: Any, rekor: Any
) -> None:
    """The entry of the same payload by another certificate."""
    other = forge.certify(keyless.default_run.claims())
    bundle = forge.bundle(oms, signing, rekor=rekor)
    material(bundle)["tlogEntries"] = material(forge.bundle(oms, other, rekor=rekor))["tlogEntries"]
    assert "log.entry" in judged(bundle)


@pytest.mark.parametrize("rekor", [1, 2])
def test_an_entry_without_a_proof_is_refused(forge: Any, judged: Any, oms: Any, signing: Any, rekor: Any) -> None:
    """A promise alone says that an entry will be there, not that it is."""
    bundle = forge.bundle(oms, signing, rekor=rekor)
    del entry(bundle)["inclusionProof"]
    assert "log.inclusion" in judged(bundle)


@pytest.mark.parametrize("rekor", [1, 2])
def test_a_checkpoint_by_a_wrong_key_is_refused(
    forge: Any, judged: Any, oms: Any, signing: Any, misbehave: Any, rekor: Any
) -> None:
    """The tree is somebody else's."""
    misbehave("rekor", "wrong-checkpoint-key", times=1)
    assert "log.checkpoint" in judged(forge.bundle(oms, signing, rekor=rekor))


def test_a_promise_by_a_wrong_key_is_refused(forge: Any, judged: Any, oms: Any, signing: Any, misbehave: Any) -> None:
    """The promise carries the time, so its signature decides about the certificate too."""
    misbehave("rekor", "wrong-promise-key", times=1)
    assert "log.promise" in judged(forge.bundle(oms, signing))


@pytest.mark.parametrize("rekor", [1, 2])
def test_a_proof_that_leads_elsewhere_is_refused(
    forge: Any, judged: Any, oms: Any, signing: Any, misbehave: Any, rekor: Any
) -> None:
    """The log signed a tree that the entry is not in."""
    misbehave("rekor", "bad-proof", times=1)
    assert "log.inclusion" in judged(forge.bundle(oms, signing, rekor=rekor))


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("change", ["index", "size", "drop", "add", "flip"])
def test_a_changed_proof_is_refused(forge: Any, judged: Any, oms: Any, signing: Any, rekor: Any, change: Any) -> None:
    """Any change of index, size or path."""
    bundle = forge.bundle(oms, signing, rekor=rekor)
    proof = entry(bundle)["inclusionProof"]
    if change == "index":
        proof["logIndex"] = str(int(proof["logIndex"]) - 1)
    elif change == "size":
        proof["treeSize"] = str(int(proof["treeSize"]) + 1)
    elif change == "drop":
        proof["hashes"].pop()
    elif change == "add":
        proof["hashes"].append(proof["hashes"][0])
    else:
        raw = bytearray(base64.b64decode(proof["hashes"][0]))
        raw[0] ^= 1
        proof["hashes"][0] = base64.b64encode(bytes(raw)).decode()
    assert judged(bundle) & {"log.inclusion", "log.checkpoint"}


def test_a_checkpoint_of_an_older_tree_is_refused(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """A genuine checkpoint of the same log, from before the entry."""
    older = entry(forge.bundle(b'{"a":1}', signing, rekor=2))["inclusionProof"]["checkpoint"]
    bundle = forge.bundle(oms, signing, rekor=2)
    entry(bundle)["inclusionProof"]["checkpoint"] = older
    assert judged(bundle) == {"log.frozen"}


def test_other_signatures_on_a_checkpoint_are_passed_over(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """Witnesses sign too, and a second signature of the same name may come first."""
    bundle = forge.bundle(oms, signing, rekor=2)
    note = entry(bundle)["inclusionProof"]["checkpoint"]["envelope"]
    text, _, signatures = note.rpartition("\n\n")
    name = signatures.split(" ")[1]
    raw = base64.b64decode(signatures.strip().split(" ")[2])
    wrong = base64.b64encode(raw[:4] + b"\0" * 64).decode()
    witness = base64.b64encode(b"\1\2\3\4" + b"\0" * 64).decode()
    checkpoint = entry(bundle)["inclusionProof"]["checkpoint"]
    checkpoint["envelope"] = f"{text}\n\n\u2014 witness {witness}\n{signatures}"
    assert judged(bundle) == set()
    # A signature under our log's own key hash that is not by it is tolerated by us and not by the library: refused.
    checkpoint["envelope"] = f"{text}\n\n\u2014 {name} {wrong}\n{signatures}"
    assert judged(bundle) == {"bundle.verification"}


def test_an_entry_of_an_unknown_log_is_refused(forge: Any, judged: Any, oms: Any, signing: Any, keyless: Any) -> None:
    """The trusted root of another Sigstore: nothing of this one is known there."""
    with SigstoreSim() as other:
        codes = judged(forge.bundle(oms, signing), trust=Trust(other.trusted_root.encode()))
    assert {"log.unknown", "timestamp.invalid"} <= codes


def test_a_log_counts_only_in_its_time(forge: Any, judged: Any, oms: Any, signing: Any, keyless: Any) -> None:
    """The log's key had been retired when the entry was made: by promise, and by timestamp where there is none."""
    root = json.loads(keyless.sim.trusted_root)
    for log in root["tlogs"]:
        log["publicKey"]["validFor"] = {"start": "2019-01-01T00:00:00Z", "end": "2020-01-01T00:00:00Z"}
    trust = Trust(json.dumps(root).encode())
    for rekor in (1, 2):
        assert "log.unknown" in judged(forge.bundle(oms, signing, rekor=rekor), trust=trust)


def test_the_time_of_an_entry_without_a_promise_is_nobodys(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """Anybody can write a time into a bundle; only the promise signs it."""
    bundle = forge.bundle(oms, signing, rekor=2, stamped=False)
    entry(bundle)["integratedTime"] = str(int(datetime.now(timezone.utc).timestamp()))
    assert judged(bundle) == {"timestamp.missing"}


def test_the_index_of_an_entry_is_the_proven_one(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """A report shows the index, so somebody has to vouch for it: the promise, or the proof where there is none."""
    for rekor in (1, 2):
        bundle = forge.bundle(oms, signing, rekor=rekor)
        entry(bundle)["logIndex"] = str(int(entry(bundle)["logIndex"]) + 1)
        assert judged(bundle) & {"log.entry", "log.promise"}


def test_a_promise_without_the_time_that_it_promises_is_refused(
    forge: Any, judged: Any, oms: Any, signing: Any
) -> None:
    """A part of what was signed is gone, so nothing of it is believed."""
    bundle = forge.bundle(oms, signing)
    del entry(bundle)["integratedTime"]
    assert judged(bundle) == {"log.promise"}


def test_a_changed_time_breaks_the_promise(forge: Any, judged: Any, oms: Any, keyless: Any) -> None:
    """An expired certificate with an entry that says an earlier time."""
    old = forge.certify(keyless.default_run.claims(), start=datetime.now(timezone.utc) - HOUR)
    bundle = forge.bundle(oms, old, stamped=False)
    entry(bundle)["integratedTime"] = str(int(entry(bundle)["integratedTime"]) - 3600)
    assert "log.promise" in judged(bundle)


def test_an_entry_of_an_unknown_kind_is_not_decided(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """What is not understood is not compared, so it is no pass."""
    bundle = forge.bundle(oms, signing)
    entry(bundle)["kindVersion"] = {"kind": "intoto", "version": "0.0.2"}
    codes = judged(bundle)
    assert codes & {"log.entry", "log.kind"}


def test_two_entries_of_which_one_is_wrong_are_refused(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """Every entry that is there must hold."""
    bundle = forge.bundle(oms, signing)
    other = forge.bundle(oms.replace(b"minilm", b"maxilm"), signing)
    material(bundle)["tlogEntries"].append(entry(other))
    assert "log.entry" in judged(bundle)


def test_a_negative_index_is_refused(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """Nothing is at a negative place."""
    bundle = forge.bundle(oms, signing)
    entry(bundle)["logIndex"] = "-1"
    assert judged(bundle) == {"bundle.malformed"}


# --- 6: timestamp


def test_rekor_v2_without_a_timestamp_is_refused(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """Rekor v2 gives no time, so nothing says that the certificate was valid."""
    assert judged(forge.bundle(oms, signing, rekor=2, stamped=False)) == {"timestamp.missing"}


@pytest.mark.parametrize("fault", ["wrong-key", "other-message"])
@pytest.mark.parametrize("rekor", [1, 2])
def test_a_timestamp_that_does_not_hold_is_refused(
    forge: Any, judged: Any, oms: Any, signing: Any, misbehave: Any, fault: Any, rekor: Any
) -> None:
    """By another authority, or over another signature; even where the log gives a time as well."""
    misbehave("tsa", fault, times=1)
    assert "timestamp.invalid" in judged(forge.bundle(oms, signing, rekor=rekor))


def test_a_timestamp_of_another_signature_is_refused(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """A genuine stamp, moved over from another bundle of the same signer."""
    bundle = forge.bundle(oms, signing, rekor=2)
    donor = forge.bundle(oms, signing, rekor=2)
    material(bundle)["timestampVerificationData"] = material(donor)["timestampVerificationData"]
    assert "timestamp.invalid" in judged(bundle)


def test_a_timestamp_two_hours_later_is_refused(
    forge: Any, judged: Any, oms: Any, signing: Any, misbehave: Any
) -> None:
    """A clock that is wrong puts the signature outside of the certificate's validity."""
    misbehave("tsa", "skewed", times=1)
    assert "certificate.expired" in judged(forge.bundle(oms, signing, rekor=2))


def test_the_same_timestamp_twice_is_refused(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """One stamp does not count as two."""
    bundle = forge.bundle(oms, signing)
    stamps = material(bundle)["timestampVerificationData"]["rfc3161Timestamps"]
    stamps.append(copy.deepcopy(stamps[0]))
    assert "timestamp.invalid" in judged(bundle)


def test_garbage_for_a_timestamp_is_refused(forge: Any, judged: Any, oms: Any, signing: Any) -> None:
    """What cannot be read does not hold."""
    bundle = forge.bundle(oms, signing)
    data = base64.b64encode(b"\x30\x03\x02\x01\x00").decode()
    material(bundle)["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": data}]}
    assert "timestamp.invalid" in judged(bundle)


def test_a_timestamp_authority_counts_only_in_its_time(
    forge: Any, judged: Any, oms: Any, signing: Any, keyless: Any
) -> None:
    """The authority was not trusted when it stamped."""
    root = json.loads(keyless.sim.trusted_root)
    window = {"start": "2019-01-01T00:00:00Z", "end": "2020-01-01T00:00:00Z"}
    root["timestampAuthorities"][0]["validFor"] = window
    trust = Trust(json.dumps(root).encode())
    assert "timestamp.invalid" in judged(forge.bundle(oms, signing, rekor=2), trust=trust)


def test_a_timestamp_without_any_trusted_authority_is_refused(
    forge: Any, judged: Any, oms: Any, signing: Any, keyless: Any
) -> None:
    """A trusted root without timestamp authorities cannot judge a stamp."""
    root = json.loads(keyless.sim.trusted_root)
    root["timestampAuthorities"] = []
    trust = Trust(json.dumps(root).encode())
    assert "timestamp.unknown_authority" in judged(forge.bundle(oms, signing), trust=trust)


# --- signatures over a blob


def blob_bundle(forge: Any, signing: Any, data: bytes) -> Any:
    """`sigstore sign` of a file: a message signature with a hashedrekord entry in Rekor v2."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    signature = signing.key.sign(data, ec.ECDSA(hashes.SHA256()))
    digest = hashlib.sha256(data).digest()
    asked = {
        "digest": base64.b64encode(digest).decode(),
        "signature": {
            "content": base64.b64encode(signature).decode(),
            "verifier": {
                "x509Certificate": {"rawBytes": base64.b64encode(signing.der).decode()},
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            },
        },
    }
    logged = forge.sim.rekor_v2.create({"hashedRekordRequestV002": asked})[0]
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": {"rawBytes": base64.b64encode(signing.der).decode()},
            "tlogEntries": [{name: value for name, value in logged.items() if value is not None}],
            "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": forge.stamp(signature)}]},
        },
        "messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": base64.b64encode(digest).decode()},
            "signature": base64.b64encode(signature).decode(),
        },
    }


def test_a_signature_over_a_file_is_verified_by_its_digest(forge: Any, signing: Any, api: Any, keyless: Any) -> None:
    """The file itself, or its digest; another digest is refused; without one nothing can be said."""
    bundle = json.dumps(blob_bundle(forge, signing, b"a file")).encode()
    expectation = Expectation(parse_signer(api.SIGNER))

    def codes(digest: Digest | None) -> Any:
        return api.failures(verify_bundle(bundle, None, expectation, keyless.trust, digest=digest))

    assert codes(Digest.of(b"a file")) == set()
    assert "signature.invalid" in codes(Digest.of(b"another"))
    assert "signature.undecidable" in codes(None)


def test_a_message_digest_that_differs_is_refused(forge: Any, signing: Any, api: Any, keyless: Any) -> None:
    """The digest in the bundle only identifies; when it contradicts, something is wrong."""
    bundle = blob_bundle(forge, signing, b"a file")
    bundle["messageSignature"]["messageDigest"]["digest"] = base64.b64encode(hashlib.sha256(b"b").digest()).decode()
    report = verify_bundle(
        json.dumps(bundle).encode(),
        None,
        Expectation(parse_signer(api.SIGNER)),
        keyless.trust,
        digest=Digest.of(b"a file"),
    )
    assert "signature.invalid" in api.failures(report)


def test_a_blob_signature_beside_a_release_is_no_statement(
    forge: Any, signing: Any, api: Any, keyless: Any, judge_keyless: Any
) -> None:
    """It is mentioned and does not count."""
    draft = api.Draft(run=keyless.default_run)
    bundles = keyless.sign(draft.statements)
    bundles["file"] = json.dumps(blob_bundle(forge, signing, b"a file")).encode()
    report = judge_keyless(bundles, draft.directory)
    assert api.failures(report) == set()
    assert "evidence.foreign" in api.warnings(report)
