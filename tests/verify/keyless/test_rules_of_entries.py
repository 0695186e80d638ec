"""Rules of log entries and timestamps that are not about releases: signatures by a key, files, forms that are in the wild."""

from __future__ import annotations

import base64
import hashlib
import json
import textwrap
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from model_provenance.domain.digest import Digest
from model_provenance.domain.verification import Expectation, Trust
from model_provenance.formats.dsse import PAYLOAD_TYPE, pae
from model_provenance.formats.identity import parse_signer
from model_provenance.testing.sigstore_sim import SigstoreSim
from model_provenance.verify.bundle import verify_bundle

Entry = Callable[..., Any]


def b64(data: bytes) -> str:
    """As protobuf's JSON writes bytes."""
    return base64.b64encode(data).decode()


def pem(key: Any) -> bytes:
    """The public half."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[no-any-return]


class KeyLog:
    """Bundles by a key that is logged, as cosign makes them with `--key`, and their entries."""

    def __init__(self, sim: SigstoreSim, tools: Any) -> None:
        self._sim, self._tools = sim, tools

    def entry(self, key: Any, payload: bytes, signature: bytes, rekor: int, *, verifier: bytes | None = None) -> Any:
        """A `dsse` 0.0.1 entry, or a `hashedrekord` 0.0.2 one; `verifier` is how the key is written."""
        if rekor == 1:
            envelope = {"payload": b64(payload), "payloadType": PAYLOAD_TYPE, "signatures": [{"sig": b64(signature)}]}
            content = {"envelope": json.dumps(envelope), "verifiers": [b64(verifier or pem(key))]}
            proposal = {"kind": "dsse", "apiVersion": "0.0.1", "spec": {"proposedContent": content}}
            ((_, made),) = self._sim.rekor_v1.create(proposal)[0].items()
            return self._tools.entry_v1(made, "dsse", "0.0.1")
        der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        named = {"publicKey": {"rawBytes": b64(der)}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
        digest = hashlib.sha256(pae(payload, PAYLOAD_TYPE)).digest()
        asked = {"digest": b64(digest), "signature": {"content": b64(signature), "verifier": named}}
        made = self._sim.rekor_v2.create({"hashedRekordRequestV002": asked})[0]
        return {name: value for name, value in made.items() if value is not None}

    def bundle(self, key: Any, payload: bytes, rekor: int | None = None, **more: Any) -> Any:
        """A bundle with an entry in this version of the log, or with none."""
        signature = key.sign(pae(payload, PAYLOAD_TYPE), ec.ECDSA(hashes.SHA256()))
        material: dict[str, Any] = {"publicKey": {"hint": "x"}}
        if rekor is not None:
            material["tlogEntries"] = [self.entry(key, payload, signature, rekor, **more)]
        envelope = {"payload": b64(payload), "payloadType": PAYLOAD_TYPE, "signatures": [{"sig": b64(signature)}]}
        media_type = self._tools.MEDIA_TYPE
        return {"mediaType": media_type, "verificationMaterial": material, "dsseEnvelope": envelope}


@pytest.fixture(params=[1, 2])
def rekor(request: pytest.FixtureRequest) -> int:
    """Both versions of the log."""
    return int(request.param)


@pytest.fixture
def log(forge: Any, tools: Any, keyless: Any) -> KeyLog:
    """On the simulator of all tests."""
    return KeyLog(keyless.sim, tools)


@pytest.fixture
def oms(api: Any) -> bytes:
    """What is signed: the files of the default draft."""
    return api.Draft().statements[0].payload  # type: ignore[no-any-return]


@pytest.fixture
def judged(api: Any, keyless: Any) -> Callable[..., Any]:
    """The report over a bundle by the good key."""

    def judge(bundle: Any, trust: Trust | None = None) -> Any:
        expectation, files = Expectation(api.key_expectation()), api.Draft().directory
        return verify_bundle(json.dumps(bundle).encode(), files, expectation, trust or keyless.trust)

    return judge


def entries(bundle: Any) -> Any:
    """The log entries."""
    return bundle["verificationMaterial"]["tlogEntries"]


# --- a key, and the log


def test_a_signature_by_a_key_that_is_logged_passes(log: KeyLog, judged: Any, oms: bytes, api: Any, rekor: int) -> None:
    """The entry is verified in full and shown; without one that is said, and is no failure."""
    report = judged(log.bundle(api.KEY, oms, rekor))
    assert api.failures(report) == set()
    assert len(report.log_entries) == 1
    assert not any("transparency log" in text for text in report.not_checked)
    alone = judged(log.bundle(api.KEY, oms))
    assert api.failures(alone) == set()
    assert any("signed with a key and not logged" in text for text in alone.not_checked)


def test_an_entry_beside_a_key_must_be_in_a_trusted_log(
    log: KeyLog, judged: Any, oms: bytes, api: Any, rekor: int
) -> None:
    """A good signature does not make up for an entry that nobody can judge: public Sigstore does not know this log."""
    bundle = log.bundle(api.KEY, oms, rekor)
    for trust in (Trust(None), Trust(_other_root())):
        report = judged(bundle, trust)
        assert api.failures(report) == {"log.unknown"}
        assert report.exit_status == 10


def _other_root() -> bytes:
    with SigstoreSim() as sim:
        return sim.trusted_root.encode()


def test_an_entry_beside_a_key_must_be_of_this_envelope(
    log: KeyLog, judged: Any, oms: bytes, api: Any, rekor: int
) -> None:
    """The same key has logged something else."""
    bundle = log.bundle(api.KEY, oms, rekor)
    other = log.bundle(api.KEY, oms.replace(b"minilm", b"maxilm"), rekor)
    bundle["verificationMaterial"]["tlogEntries"] = entries(other)
    assert api.failures(judged(bundle)) == {"log.entry"}


def test_an_entry_beside_a_key_must_be_by_this_key(log: KeyLog, judged: Any, oms: bytes, api: Any, rekor: int) -> None:
    """Somebody else has signed and logged the same statement; so has a job with a certificate."""
    bundle = log.bundle(api.KEY, oms, rekor)
    bundle["verificationMaterial"]["tlogEntries"] = entries(log.bundle(api.OTHER_KEY, oms, rekor))
    assert api.failures(judged(bundle)) == {"log.entry"}


def test_an_entry_beside_a_key_by_a_certificate_is_of_somebody_else(
    log: KeyLog, judged: Any, forge: Any, keyless: Any, oms: bytes, api: Any, rekor: int
) -> None:
    """A keyless entry of the same statement."""
    bundle = log.bundle(api.KEY, oms, rekor)
    keyless_one = forge.bundle(oms, forge.certify(keyless.default_run.claims()), rekor=rekor)
    bundle["verificationMaterial"]["tlogEntries"] = entries(keyless_one)
    assert api.failures(judged(bundle)) == {"log.entry"}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("wrong-checkpoint-key", "log.checkpoint"),
        ("bad-proof", "log.inclusion"),
        ("frozen", "log.frozen"),
    ],
)
def test_the_proof_of_an_entry_beside_a_key_must_hold(
    log: KeyLog, judged: Any, misbehave: Any, oms: bytes, api: Any, rekor: int, fault: str, code: str
) -> None:
    """Nothing about an entry is excused because it need not be there."""
    misbehave("rekor", fault, times=1)
    assert api.failures(judged(log.bundle(api.KEY, oms, rekor))) == {code}


def test_the_promise_of_an_entry_beside_a_key_must_hold(
    log: KeyLog, judged: Any, misbehave: Any, oms: bytes, api: Any
) -> None:
    """The time that a log promises is shown, so it must be the log's."""
    misbehave("rekor", "wrong-promise-key", times=1)
    assert api.failures(judged(log.bundle(api.KEY, oms, 1))) == {"log.promise"}


# --- how keys are written


def test_a_key_in_an_entry_is_compared_as_der(log: KeyLog, judged: Any, oms: bytes, api: Any) -> None:
    """PEM is wrapped at 76 characters, or has text before it: the same key. Another key wrapped alike is another one."""
    der = api.KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    wide = "\n".join(textwrap.wrap(b64(der), 76))
    for written in (
        f"-----BEGIN PUBLIC KEY-----\n{wide}\n-----END PUBLIC KEY-----\n".encode(),
        b"Public Key Info:\n\tAlgorithm: EC\n\n" + pem(api.KEY),
    ):
        assert written != pem(api.KEY)
        assert api.failures(judged(log.bundle(api.KEY, oms, 1, verifier=written))) == set()


# --- files, in the older log


def file_bundle(forge: Any, tools: Any, signing: Any, data: bytes, *, logged: bytes | None = None) -> Any:
    """`cosign sign-blob` on Rekor v1: a `hashedrekord` 0.0.1 entry, of `logged` where that is another file."""
    signature = signing.key.sign(data, ec.ECDSA(hashes.SHA256()))
    entered = data if logged is None else logged
    of = signature if logged is None else signing.key.sign(logged, ec.ECDSA(hashes.SHA256()))
    public_key = {"content": b64(signing.leaf.public_bytes(Encoding.PEM))}
    spec = {
        "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(entered).hexdigest()}},
        "signature": {"content": b64(of), "publicKey": public_key},
    }
    proposal = {"kind": "hashedrekord", "apiVersion": "0.0.1", "spec": spec}
    ((_, made),) = forge.sim.rekor_v1.create(proposal)[0].items()
    digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(data).digest())}
    return {
        "mediaType": tools.MEDIA_TYPE,
        "verificationMaterial": {
            "certificate": {"rawBytes": b64(signing.der)},
            "tlogEntries": [tools.entry_v1(made, "hashedrekord", "0.0.1")],
        },
        "messageSignature": {"messageDigest": digest, "signature": b64(signature)},
    }


@pytest.fixture
def file_judged(api: Any, keyless: Any) -> Callable[..., Any]:
    """Codes of what fails, for a bundle over the file with this content."""

    def judge(bundle: Any, data: bytes) -> Any:
        expectation = Expectation(parse_signer(api.SIGNER))
        digest = Digest.of(data)
        return api.failures(verify_bundle(json.dumps(bundle).encode(), None, expectation, keyless.trust, digest=digest))

    return judge


def test_a_file_that_is_logged_in_rekor_v1_passes(forge: Any, tools: Any, keyless: Any, file_judged: Any) -> None:
    """`hashedrekord` 0.0.1 holds the digest of the file."""
    signing = forge.certify(keyless.default_run.claims())
    assert file_judged(file_bundle(forge, tools, signing, b"weights"), b"weights") == set()


def test_an_entry_of_another_file_is_refused(forge: Any, tools: Any, keyless: Any, file_judged: Any) -> None:
    """By the same certificate, in the same form."""
    signing = forge.certify(keyless.default_run.claims())
    bundle = file_bundle(forge, tools, signing, b"weights", logged=b"other")
    assert file_judged(bundle, b"weights") == {"log.entry"}


def test_a_statement_is_not_logged_as_a_file(forge: Any, tools: Any, keyless: Any, api: Any, oms: bytes) -> None:
    """`hashedrekord` 0.0.1 is for files: an envelope that is logged so by its payload is not the one that was signed."""
    signing = forge.certify(keyless.default_run.claims())
    payload = api.Draft(run=keyless.default_run).statements[0].payload
    bundle = forge.bundle(payload, signing)
    bundle["verificationMaterial"]["tlogEntries"] = entries(file_bundle(forge, tools, signing, payload))
    draft, expectation = api.Draft(run=keyless.default_run), Expectation(parse_signer(api.SIGNER))
    report = verify_bundle(json.dumps(bundle).encode(), draft.directory, expectation, keyless.trust)
    assert api.failures(report) == {"log.entry"}


# --- checkpoints with several signatures


def test_a_second_signature_by_the_same_origin_is_passed_over(
    log: KeyLog, judged: Any, oms: bytes, api: Any, rekor: int
) -> None:
    """A log that changes its key signs with both for a while; the one of this key is found wherever it stands."""
    bundle = log.bundle(api.KEY, oms, rekor)
    checkpoint = entries(bundle)[0]["inclusionProof"]["checkpoint"]
    text, _, own = checkpoint["envelope"].rpartition("\n\n")
    name = own.split(" ")[1]
    other = f"\u2014 {name} {b64(b'other' + bytes(64))}\n"
    for signatures in (other + own, own + other):
        checkpoint["envelope"] = f"{text}\n\n{signatures}"
        assert api.failures(judged(bundle)) == set()
    checkpoint["envelope"] = f"{text}\n\n{other}"
    assert api.failures(judged(bundle)) == {"log.checkpoint"}


# --- timestamp authorities


def stamped(tmp_path: Path, api: Any, tools: Any, oms: bytes, made: datetime, signed: datetime) -> tuple[Any, Trust]:
    """A bundle by the key, stamped at `signed` by an authority that was `made` some time before."""
    folder = tmp_path / "sigstore"
    with SigstoreSim(state_dir=folder, clock=made.timestamp) as sim:
        trust = Trust(sim.trusted_root.encode(), "custom")
    with SigstoreSim(state_dir=folder, clock=signed.timestamp) as sim:
        bundle = KeyLog(sim, tools).bundle(api.KEY, oms)
        signature = base64.b64decode(bundle["dsseEnvelope"]["signatures"][0]["sig"])
        stamps = [{"signedTimestamp": tools.Forge(sim).stamp(signature)}]
        bundle["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    return bundle, trust


def test_a_timestamp_outlives_the_certificates_of_its_authority(
    tmp_path: Path, api: Any, tools: Any, oms: bytes, judged: Any
) -> None:
    """The chain has expired since; when it stamped it had not."""
    made = datetime.now(timezone.utc) - timedelta(days=3650 + 400)
    bundle, trust = stamped(tmp_path, api, tools, oms, made, made + timedelta(days=300))
    report = judged(bundle, trust)
    assert api.failures(report) == set()
    assert report.verified.signed_at == int((made + timedelta(days=300)).timestamp())


def test_a_timestamp_by_an_authority_that_had_expired_is_refused(
    tmp_path: Path, api: Any, tools: Any, oms: bytes, judged: Any
) -> None:
    """Whoever kept an old key could still stamp with it."""
    made = datetime.now(timezone.utc) - timedelta(days=3650 + 400)
    bundle, trust = stamped(tmp_path, api, tools, oms, made, datetime.now(timezone.utc))
    assert api.failures(judged(bundle, trust)) == {"timestamp.invalid"}
