"""What others log and write in forms that we never do: accepted in a bundle alone, never in a release."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from model_provenance.domain.verification import Expectation, Observed, TargetKind
from model_provenance.formats.identity import parse_signer
from model_provenance.testing.sigstore_sim import SigstoreSim
from model_provenance.verify.bundle import verify_bundle

DIGEST = "ab" * 32


@pytest.fixture
def judged(api: Any, keyless: Any) -> Callable[[Any], set[str]]:
    """Codes of what fails, for a bundle about DIGEST given as JSON values."""

    def judge(bundle: Any) -> Any:
        expectation = Expectation(parse_signer(api.SIGNER))
        digest = api.Digest(DIGEST)
        return api.failures(verify_bundle(json.dumps(bundle).encode(), None, expectation, keyless.trust, digest=digest))

    return judge


def statement(kind: str = "https://in-toto.io/Statement/v1", predicate_type: str = "https://example.com/x") -> bytes:
    """About DIGEST."""
    subject = {"name": "thing", "digest": {"sha256": DIGEST}}
    return json.dumps({"_type": kind, "subject": [subject], "predicateType": predicate_type, "predicate": {}}).encode()


def logged_as_intoto(forge: Any, payload: bytes, signing: Any) -> Any:
    """A good bundle whose entry is `intoto` 0.0.2, as npm's registry has them."""
    bundle = forge.bundle(payload, signing)
    sig = bundle["dsseEnvelope"]["signatures"][0]["sig"]
    twice = base64.b64encode(sig.encode()).decode()
    key = base64.b64encode(signing.leaf.public_bytes(_pem())).decode()
    envelope = {
        "payload": base64.b64encode(base64.b64encode(payload)).decode(),
        "payloadType": bundle["dsseEnvelope"]["payloadType"],
        "signatures": [{"sig": twice, "publicKey": key}],
    }
    digest = {"algorithm": "sha256", "value": hashlib.sha256(b"canonical envelope").hexdigest()}
    proposal = {"kind": "intoto", "apiVersion": "0.0.2", "spec": {"content": {"envelope": envelope, "hash": digest}}}
    ((_, entry),) = forge.sim.rekor_v1.create(proposal)[0].items()
    from_v1 = __import__("sys").modules[type(forge).__module__].entry_v1
    bundle["verificationMaterial"]["tlogEntries"] = [from_v1(entry, "intoto", "0.0.2")]
    return bundle


def _pem() -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.PEM


@pytest.fixture
def signing(forge: Any, keyless: Any) -> Any:
    """A good certificate with its key."""
    return forge.certify(keyless.default_run.claims())


def test_an_intoto_entry_is_read(forge: Any, judged: Any, signing: Any) -> None:
    """The signature in it is Base64 twice."""
    assert judged(logged_as_intoto(forge, statement(), signing)) == set()


def test_an_intoto_entry_of_another_envelope_is_refused(forge: Any, judged: Any, signing: Any) -> None:
    """Another payload of the same signer; and the same payload, signed twice."""
    bundle = logged_as_intoto(forge, statement(), signing)
    for payload in (statement(predicate_type="https://example.com/y"), statement()):
        other = logged_as_intoto(forge, payload, signing)
        swapped = copy.deepcopy(bundle)
        swapped["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]
        assert "log.entry" in judged(swapped)


def test_an_intoto_entry_by_another_signer_is_refused(forge: Any, judged: Any, signing: Any, keyless: Any) -> None:
    """Another certificate of the same run."""
    bundle = logged_as_intoto(forge, statement(), signing)
    other = logged_as_intoto(forge, statement(), forge.certify(keyless.default_run.claims()))
    bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]
    assert "log.entry" in judged(bundle)


def test_a_statement_v0_1_is_read_alone(forge: Any, judged: Any, signing: Any) -> None:
    """Cosign writes it to this day; a type that in-toto never had is refused."""
    assert judged(forge.bundle(statement("https://in-toto.io/Statement/v0.1"), signing)) == set()
    assert "evidence.malformed" in judged(forge.bundle(statement("https://in-toto.io/Statement/v2"), signing))


def test_an_oms_signature_is_a_statement_v1(forge: Any, api: Any, keyless: Any, signing: Any) -> None:
    """OMS never had another."""
    draft = api.Draft(run=keyless.default_run)
    payload = draft.statements[0].payload.replace(b"/Statement/v1", b"/Statement/v0.1")
    bundle = json.dumps(forge.bundle(payload, signing)).encode()
    report = verify_bundle(bundle, draft.directory, Expectation(parse_signer(api.SIGNER)), keyless.trust)
    assert "oms.malformed" in api.failures(report)


def test_a_release_has_no_old_forms(forge: Any, api: Any, keyless: Any, judge_keyless: Any, signing: Any) -> None:
    """Neither a statement v0.1 nor an `intoto` entry, signed as well as the rest."""
    draft = api.Draft(run=keyless.default_run)
    bundles = {s.name: json.dumps(forge.bundle(s.payload, signing)).encode() for s in draft.statements}
    assert api.failures(judge_keyless(bundles, draft.directory)) == set()
    provenance = next(s.payload for s in draft.statements if s.name == "provenance")
    old = provenance.replace(b"/Statement/v1", b"/Statement/v0.1")
    for bundle, code in (
        (forge.bundle(old, signing), "evidence.malformed"),
        (logged_as_intoto(forge, provenance, signing), "log.kind"),
    ):
        changed = {**bundles, "provenance": json.dumps(bundle).encode()}
        assert code in api.failures(judge_keyless(changed, draft.directory))


def test_the_first_entry_of_a_log_has_zeros_that_json_leaves_out(forge: Any, api: Any, keyless: Any) -> None:
    """Index 0 and no hashes are absent in protobuf's JSON, and mean what they say."""
    with SigstoreSim(rekor_version=2) as sim:
        fresh = type(forge)(sim)
        signing = fresh.certify(keyless.default_run.claims())
        bundle = fresh.bundle(statement(), signing, rekor=2)
        [entry] = bundle["verificationMaterial"]["tlogEntries"]
        assert (entry.pop("logIndex"), entry["inclusionProof"].pop("logIndex")) == ("0", "0")
        assert entry["inclusionProof"].pop("hashes", []) == []
        trust = type(keyless)(sim).trust
        expectation = Expectation(parse_signer(api.SIGNER))
        target = Observed(TargetKind.FILE, ())
        report = verify_bundle(json.dumps(bundle).encode(), target, expectation, trust, digest=api.Digest(DIGEST))
        assert api.failures(report) == set()
