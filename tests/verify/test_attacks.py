"""Attacks on evidence signed with keys, each a sentence: the signatures are valid, only not for this claim."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, Statement
from model_provenance.domain.package import Layout
from model_provenance.domain.verification import KeyExpectation
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import key_bundle
from model_provenance.formats.dsse import pae
from model_provenance.formats.identity import parse_signer
from model_provenance.formats.intoto import named_statement
from model_provenance.formats.public_key import public_key
from model_provenance.verify.bundle import verify_bundle

OTHER = "ab" * 32
DECISIONS = (Predicate.REVOCATION, Predicate.APPROVAL, Predicate.VSA, Predicate.LOAD_RECEIPT)


def _about(draft: Any, predicate_type: Any, predicate: Any = None) -> Any:
    """A statement by somebody about this very release."""
    subjects = [("oms-root", draft.package.model_digest.hex), ("oci-manifest", draft.package.package_digest.hex)]
    return Statement("other", predicate_type, named_statement(subjects, predicate_type, predicate or {}))


# --- decisions offered as if they were a release


@pytest.mark.parametrize("predicate_type", DECISIONS)
def test_a_signed_decision_about_a_model_does_not_pass_as_its_release(
    api: Any, judge: Any, predicate_type: Any
) -> None:
    """A revocation, approval, summary or load receipt of the right signer about the right model is no evidence."""
    draft = api.Draft()
    report = judge(api.by_key([_about(draft, predicate_type)]), draft.directory)
    assert api.failures(report) == {"evidence.missing"}
    assert report.exit_status == 12


@pytest.mark.parametrize("predicate_type", DECISIONS)
def test_a_signed_decision_never_satisfies_one_bundle_alone(api: Any, predicate_type: Any) -> None:
    """`--bundle` with a revocation of the model is refused, whoever signed it."""
    from model_provenance.domain.verification import Expectation, Trust

    draft = api.Draft()
    bundle = api.by_key([_about(draft, predicate_type)])["other"]
    report = verify_bundle(bundle, draft.directory, Expectation(api.key_expectation()), Trust(None))
    assert api.failures(report) == {"bundle.predicate"}
    assert report.exit_status == 12


@pytest.mark.parametrize("missing", ["oms", "manifest", "provenance"])
def test_a_revocation_does_not_fill_the_place_of_a_missing_statement(api: Any, judge: Any, missing: Any) -> None:
    """Five bundles are there, one of them a decision: the statement that it replaced is still missing."""
    draft = api.Draft()
    bundles = api.by_key(draft.statements) | api.by_key([_about(draft, Predicate.REVOCATION)])
    del bundles[missing]
    assert api.failures(judge(bundles, draft.directory)) == {"evidence.missing"}


def test_a_decision_beside_a_release_does_not_count_and_is_mentioned(api: Any, judge: Any) -> None:
    """An approval by somebody else in the folder neither helps nor harms."""
    draft = api.Draft()
    approval = api.by_key([_about(draft, Predicate.APPROVAL)], api.OTHER_KEY)
    report = judge(api.by_key(draft.statements) | approval, draft.directory)
    assert api.failures(report) == set()
    assert api.warnings(report) == {"evidence.foreign"}
    assert Predicate.APPROVAL not in report.predicate_types


# --- evidence of two releases


def test_an_sbom_of_one_release_with_the_provenance_of_another_is_refused(api: Any, judge: Any) -> None:
    """Each statement is good by itself; the set is not one release."""
    old, new = api.Draft(version="0.9.0"), api.Draft()
    bundles = api.by_key(new.statements) | {"spdx": api.by_key(old.statements)["spdx"]}
    report = judge(bundles, new.directory)
    assert {"set.unnamed", "evidence.missing", "sbom.differs"} <= api.failures(report)


@pytest.mark.parametrize("name", ["oms", "manifest", "spdx", "cyclonedx", "provenance"])
def test_no_statement_can_be_swapped_for_that_of_another_release(api: Any, judge: Any, name: Any) -> None:
    """Any one bundle from the release of other files by the same key: refused."""
    draft = api.Draft()
    other = api.Draft(files={**draft.files, "config.json": b"{}"})
    bundles = api.by_key(draft.statements) | {name: api.by_key(other.statements)[name]}
    assert judge(bundles, draft.directory).exit_status in (10, 11)


def test_an_older_version_is_not_replayed_as_the_expected_one(api: Any, judge: Any) -> None:
    """The whole old release, files and evidence, is genuine, and not the version that was asked for."""
    old = api.Draft(version="0.9.0", files={**api.FILES, "model.safetensors": b"vulnerable"})
    report = judge(api.by_key(old.statements), old.directory, version="1.0.0")
    assert api.failures(report) == {"expect.version"}
    assert report.exit_status == 11


def test_an_older_version_is_not_replayed_against_a_pinned_digest(api: Any, judge: Any) -> None:
    """The same with a digest instead of a version."""
    old, new = api.Draft(version="0.9.0", files={"model.safetensors": b"old"}), api.Draft()
    report = judge(api.by_key(old.statements), old.directory, version=None, digest=new.package.package_digest)
    assert "expect.digest" in api.failures(report)


def test_evidence_of_another_model_of_the_same_signer_is_refused(api: Any, judge: Any) -> None:
    """The signer's other model does not stand for this one."""
    other = api.Draft(name="acme/other")
    assert api.failures(judge(api.by_key(other.statements), other.directory)) == {"expect.name"}


def test_two_manifests_are_refused(api: Any, judge: Any) -> None:
    """A second manifest of the same signer would leave the choice to whoever arranged the folder."""
    draft = api.Draft()
    second = api.edited(draft.statements, "manifest", lambda v: v["predicate"].update(version="2.0.0"))
    bundles = api.by_key(draft.statements) | {"zz-manifest": api.by_key(second)["manifest"]}
    report = judge(bundles, draft.directory)
    assert {"set.duplicate", "set.unnamed"} <= api.failures(report)
    # Neither of the two is believed: nothing of the manifest is compared.
    assert "expect.version" not in api.failures(report)


def test_two_oms_statements_are_refused(api: Any, judge: Any) -> None:
    """The same for the list of files."""
    draft, other = api.Draft(), api.Draft(files={**api.FILES, "config.json": b"{}"})
    bundles = api.by_key(draft.statements) | {"aa-oms": api.by_key(other.statements)["oms"]}
    assert "set.duplicate" in api.failures(judge(bundles, other.directory))


def test_the_same_bundle_twice_is_the_same_bundle(api: Any, judge: Any) -> None:
    """A copy under another name changes nothing."""
    draft = api.Draft()
    bundles = api.by_key(draft.statements)
    assert api.failures(judge(bundles | {"copy": bundles["oms"]}, draft.directory)) == set()


def test_one_statement_signed_by_another_key_is_refused(api: Any, judge: Any) -> None:
    """The expected key signed four of five."""
    draft = api.Draft()
    bundles = api.by_key(draft.statements)
    bundles["manifest"] = api.by_key(draft.statements, api.OTHER_KEY)["manifest"]
    report = judge(bundles, draft.directory)
    assert api.failures(report) == {"signature.invalid", "set.signer"}
    assert report.exit_status == 10


# --- names


def test_renamed_files_with_the_same_root_are_refused(api: Any, judge: Any) -> None:
    """The OMS root covers contents in order of names: a rename that keeps the order keeps the root."""
    draft = api.Draft()
    renamed = {("config2.json" if path == "config.json" else path): data for path, data in draft.files.items()}
    observed = replace(draft, files=renamed).directory
    assert replace(draft, files=renamed).package.model_digest == draft.package.model_digest
    report = judge(api.by_key(draft.statements), observed)
    assert api.failures(report) == {"files.missing", "files.extra"}
    assert report.exit_status == 11


def test_an_oms_statement_with_other_names_and_the_same_root_is_refused(api: Any, judge: Any) -> None:
    """Signed again with renamed resources, the list still has to agree with the names that the manifest binds."""
    draft = api.Draft()

    def rename(value: Any) -> None:
        for resource in value["predicate"]["resources"]:
            if resource["name"] == "config.json":
                resource["name"] = "config2.json"

    renamed = {("config2.json" if path == "config.json" else path): data for path, data in draft.files.items()}
    changed = api.edited(draft.statements, "oms", rename)
    report = judge(api.by_key(changed), replace(draft, files=renamed).directory)
    assert {"manifest.disagrees", "files.names", "sbom.files"} <= api.failures(report)


def test_two_files_that_change_places_are_refused(api: Any, judge: Any) -> None:
    """Contents swapped between two names."""
    files = {**api.FILES, "a.bin": b"one", "b.bin": b"two"}
    draft = api.Draft(files=files)
    swapped = replace(draft, files={**files, "a.bin": b"two", "b.bin": b"one"})
    assert "files.changed" in api.failures(judge(api.by_key(draft.statements), swapped.directory))


@pytest.mark.parametrize(
    "path", ["evil.py", ".hidden", "sub/.hidden", "pytorch_model.bin", ".github/x", "config.json.bak", "n\u0303.txt"]
)
def test_a_file_that_was_not_signed_is_refused_wherever_it_lies(api: Any, judge: Any, path: Any) -> None:
    """An extra file rides along with every loader that lists the folder."""
    draft = api.Draft()
    report = judge(api.by_key(draft.statements), replace(draft, files={**draft.files, path: b"x"}).directory)
    assert api.failures(report) == {"files.extra"}


def test_paths_that_the_signer_ignored_are_not_open_in_a_release(api: Any, judge: Any) -> None:
    """`ignore_paths` is the signer's: in a release it opens no place where unsigned files may lie."""
    draft = api.Draft()
    changed = api.edited(
        draft.statements, "oms", lambda v: v["predicate"]["serialization"]["ignore_paths"].append("logs")
    )
    report = judge(api.by_key(changed), replace(draft, files={**draft.files, "logs/x.py": b"x"}).directory)
    assert "files.extra" in api.failures(report)


@pytest.mark.parametrize(
    "name", ["../config.json", "/config.json", "./config.json", "a//b", "a/../config.json", "", "a\0b"]
)
def test_resource_names_that_leave_the_model_are_refused(api: Any, judge: Any, name: Any) -> None:
    """model_signing joins such names to the path of the model; here they are no names."""
    draft = api.Draft()
    changed = api.edited(draft.statements, "oms", lambda v: v["predicate"]["resources"][0].update(name=name))
    assert "oms.malformed" in api.failures(judge(api.by_key(changed), draft.directory))


def test_a_resource_listed_twice_is_refused(api: Any, judge: Any) -> None:
    """Two digests for one name let each reader take another one."""
    draft = api.Draft()

    def twice(value: Any) -> None:
        resources = value["predicate"]["resources"]
        resources.append(dict(resources[0]))
        raw = b"".join(bytes.fromhex(resource["digest"]) for resource in resources)
        value["subject"][0]["digest"]["sha256"] = Digest.of(raw).hex

    assert "oms.malformed" in api.failures(
        judge(api.by_key(api.edited(draft.statements, "oms", twice)), draft.directory)
    )


def test_an_empty_list_of_files_is_refused(api: Any, judge: Any) -> None:
    """A list of nothing is satisfied by nothing, so it is no list."""
    draft = api.Draft()

    def empty(value: Any) -> None:
        value["predicate"]["resources"] = []
        value["subject"][0]["digest"]["sha256"] = Digest.of(b"").hex

    assert "oms.malformed" in api.failures(
        judge(api.by_key(api.edited(draft.statements, "oms", empty)), draft.directory)
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p["serialization"].update(method="shards", shard_size=1000),
        lambda p: p["serialization"].update(hash_type="blake3"),
        lambda p: p["resources"][0].update(algorithm="blake2b"),
    ],
    ids=["shards", "blake3", "one blake2b"],
)
def test_a_list_that_cannot_be_compared_is_not_a_pass(api: Any, judge: Any, change: Any) -> None:
    """Another serialisation is "could not decide", and the process does not end with 0."""
    draft = api.Draft()
    report = judge(api.by_key(api.edited(draft.statements, "oms", lambda v: change(v["predicate"]))), draft.directory)
    assert "oms.unsupported" in api.failures(report)
    assert report.exit_status != 0


def test_resources_in_another_order_are_accepted(api: Any, judge: Any) -> None:
    """The reference implementation sorts by parts of the path; the root follows the order that is listed."""
    draft = api.Draft(files={**api.FILES, "a/x.bin": b"1", "a.b/x.bin": b"2"})

    def reorder(value: Any) -> None:
        resources = value["predicate"]["resources"]
        resources.sort(key=lambda resource: resource["name"].split("/"))
        raw = b"".join(bytes.fromhex(resource["digest"]) for resource in resources)
        value["subject"][0]["digest"]["sha256"] = Digest.of(raw).hex

    oms = next(s for s in api.edited(draft.statements, "oms", reorder) if s.name == "oms")
    assert oms.payload != draft.statements[0].payload
    from model_provenance.domain.verification import Expectation, Trust

    report = verify_bundle(api.by_key([oms])["oms"], draft.directory, Expectation(api.key_expectation()), Trust(None))
    assert api.failures(report) == set()


# --- typed subjects


def test_an_archive_whose_digest_is_a_manifest_of_the_release_is_refused(api: Any, judge: Any) -> None:
    """The number is signed, but for a manifest: an archive is compared with archives."""
    draft = api.Draft(layout=Layout.LAYERS)
    observed = replace(draft.archive, package_digest=draft.package.package_digest)
    assert "package.digest" in api.failures(judge(api.by_key(draft.statements), observed))


def test_an_oci_layout_whose_index_is_the_archive_of_the_release_is_refused(api: Any, judge: Any) -> None:
    """The same the other way round."""
    draft = api.Draft(layout=Layout.TAR)
    from model_provenance.domain.verification import TargetKind

    observed = replace(draft.archive, kind=TargetKind.OCI_LAYOUT)
    assert "package.digest" in api.failures(judge(api.by_key(draft.statements), observed))


def test_an_archive_whose_digest_is_the_model_root_is_refused(api: Any, judge: Any) -> None:
    """A root digest is never compared with a file's digest."""
    draft = api.Draft(layout=Layout.TAR)
    observed = replace(draft.archive, package_digest=draft.package.model_digest)
    assert api.failures(judge(api.by_key(draft.statements), observed)) == {"package.digest"}


# --- envelopes and JSON


def _signed(payload: bytes, api: Any) -> bytes:
    return key_bundle(payload, api.KEY.sign(pae(payload), ec.ECDSA(hashes.SHA256())), "hint")


def test_a_statement_with_duplicate_keys_is_refused(api: Any, judge: Any) -> None:
    """Two readers may take two values of one key, so there is one."""
    draft = api.Draft()
    manifest = next(s for s in draft.statements if s.name == "manifest")
    payload = manifest.payload.replace(b'"version":"1.0.0"', b'"version":"0.9.0","version":"1.0.0"')
    assert payload != manifest.payload
    bundles = api.by_key(draft.statements) | {"manifest": _signed(payload, api)}
    report = judge(bundles, draft.directory)
    assert {"evidence.malformed"} <= api.failures(report)


def test_a_bundle_with_duplicate_keys_is_refused(api: Any, judge: Any) -> None:
    """The same for the bundle around it."""
    draft = api.Draft()
    bundles = api.by_key(draft.statements)
    bundles["oms"] = bundles["oms"].replace(b'{"mediaType"', b'{"mediaType":"x","mediaType"', 1)
    assert "bundle.malformed" in api.failures(judge(bundles, draft.directory))


@pytest.mark.parametrize(
    "junk", [b"", b"{}", b"null", b"\xff\xfe", b"[" * 100_000, b'{"mediaType": 1}', b"not json"], ids=str
)
def test_a_bundle_that_cannot_be_read_is_a_failure_even_beside_a_good_release(api: Any, judge: Any, junk: Any) -> None:
    """It may be the one that would have said no: it is never ignored."""
    draft = api.Draft()
    report = judge(api.by_key(draft.statements) | {"extra": junk}, draft.directory)
    assert api.failures(report) == {"bundle.malformed"}


def test_more_bundles_than_the_bound_are_not_decided(api: Any, judge: Any) -> None:
    """A registry could be made to offer any number of referrers."""
    draft = api.Draft()
    flood = {f"flood-{n:03}": b"{%d}" % n for n in range(100)}
    report = judge(api.by_key(draft.statements) | flood, draft.directory)
    assert "evidence.too_many" in api.failures(report)


def test_a_second_signature_in_an_envelope_is_refused(api: Any, judge: Any) -> None:
    """With several signatures, two verifiers could each look at another one."""
    draft = api.Draft()
    bundles = api.by_key(draft.statements)
    value = json.loads(bundles["oms"])
    value["dsseEnvelope"]["signatures"].append(value["dsseEnvelope"]["signatures"][0])
    bundles["oms"] = json.dumps(value).encode()
    assert "bundle.malformed" in api.failures(judge(bundles, draft.directory))


def test_a_signature_over_the_bare_payload_is_refused(api: Any, judge: Any) -> None:
    """What is signed is the pre-authentication encoding, which binds the payload's type."""
    draft = api.Draft()
    payload = draft.statements[0].payload
    bundle = key_bundle(payload, api.KEY.sign(payload, ec.ECDSA(hashes.SHA256())), "hint")
    assert "signature.invalid" in api.failures(judge(api.by_key(draft.statements) | {"oms": bundle}, draft.directory))


def test_a_payload_of_another_type_is_not_a_statement(api: Any, judge: Any) -> None:
    """The same bytes, signed as `text/plain`, are no OMS statement."""
    draft = api.Draft()
    payload = draft.statements[0].payload
    signature = api.KEY.sign(pae(payload, "text/plain"), ec.ECDSA(hashes.SHA256()))
    value = json.loads(key_bundle(payload, signature, "hint"))
    value["dsseEnvelope"]["payloadType"] = "text/plain"
    report = judge(api.by_key(draft.statements) | {"oms": json.dumps(value).encode()}, draft.directory)
    assert "evidence.missing" in api.failures(report)


def test_a_statement_of_an_older_version_is_refused(api: Any, judge: Any) -> None:
    """in-toto Statement v0.1 has other rules; it is not read as if it were v1."""
    draft = api.Draft()
    changed = api.edited(draft.statements, "manifest", lambda v: v.update(_type="https://in-toto.io/Statement/v0.1"))
    assert "evidence.malformed" in api.failures(judge(api.by_key(changed), draft.directory))


def test_a_manifest_that_calls_itself_a_provenance_is_refused(api: Any, judge: Any) -> None:
    """The predicate type says how a predicate is read, not what is convenient."""
    draft = api.Draft()
    bundles = api.by_key(draft.statements)
    manifest = next(s for s in draft.statements if s.name == "manifest")
    payload = manifest.payload.replace(Predicate.MANIFEST.encode(), Predicate.PROVENANCE.encode())
    bundles["provenance"] = _signed(payload, api)
    assert "provenance.malformed" in api.failures(judge(bundles, draft.directory))


# --- keys


def test_a_key_bundle_is_not_accepted_where_a_certificate_is_expected(api: Any, judge: Any) -> None:
    """The method comes from the expectation: whose key it is, nobody says."""
    draft = api.Draft()
    report = judge(api.by_key(draft.statements), draft.directory, signer=parse_signer(api.SIGNER))
    assert "signature.method" in api.failures(report)
    assert report.exit_status == 10


def test_the_hint_in_a_bundle_decides_nothing(api: Any, judge: Any) -> None:
    """A bundle that names the expected key and is signed by another is refused; one that names nothing passes."""
    draft = api.Draft()
    good = api.by_key(draft.statements)
    lie = api.by_key(draft.statements, api.OTHER_KEY)
    for name in lie:
        value = json.loads(lie[name])
        value["verificationMaterial"]["publicKey"] = json.loads(good[name])["verificationMaterial"]["publicKey"]
        lie[name] = json.dumps(value).encode()
    assert "signature.invalid" in api.failures(judge(lie, draft.directory))
    for name in good:
        value = json.loads(good[name])
        value["verificationMaterial"]["publicKey"] = {"hint": "somebody else"}
        good[name] = json.dumps(value).encode()
    assert api.failures(judge(good, draft.directory)) == set()


def _resigned(draft: Any, sign: Any) -> Any:
    return {s.name: key_bundle(s.payload, sign(pae(s.payload)), "hint") for s in draft.statements}


def _key_pair(kind: str) -> tuple[Any, Callable[[bytes], bytes]]:
    """A private key and how it signs."""
    if kind == "rsa":
        pair = rsa.generate_private_key(65537, 2048)
        return pair, lambda message: pair.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if kind == "ed25519":
        single = ed25519.Ed25519PrivateKey.generate()
        return single, single.sign
    curve, algorithm = {"p384": (ec.SECP384R1(), hashes.SHA384()), "p521": (ec.SECP521R1(), hashes.SHA512())}[kind]
    key = ec.generate_private_key(curve)
    return key, lambda message: key.sign(message, ec.ECDSA(algorithm))


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "p384", "p521"])
def test_signatures_of_other_kinds_of_keys_are_verified(api: Any, judge: Any, kind: Any) -> None:
    """RSA and Ed25519 keys of others, and the larger curves with their own hash."""
    draft = api.Draft()
    key, sign = _key_pair(kind)
    expected = KeyExpectation(public_key(key.public_key()).pem)
    bundles = _resigned(draft, sign)
    assert api.failures(judge(bundles, draft.directory, signer=expected)) == set()
    envelope = json.loads(bundles["oms"])
    raw = bytearray(base64.b64decode(envelope["dsseEnvelope"]["signatures"][0]["sig"]))
    raw[-1] ^= 1
    envelope["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(bytes(raw)).decode()
    bundles["oms"] = json.dumps(envelope).encode()
    assert "signature.invalid" in api.failures(judge(bundles, draft.directory, signer=expected))


def test_a_weaker_hash_than_the_curves_own_is_refused(api: Any, judge: Any) -> None:
    """P-384 signs SHA-384: a signature over SHA-256 with it is another algorithm."""
    draft = api.Draft()
    key = ec.generate_private_key(ec.SECP384R1())
    bundles = _resigned(draft, lambda message: key.sign(message, ec.ECDSA(hashes.SHA256())))
    report = judge(bundles, draft.directory, signer=KeyExpectation(public_key(key.public_key()).pem))
    assert "signature.invalid" in api.failures(report)


def test_a_short_rsa_key_is_refused_before_anything_is_read(api: Any, judge: Any) -> None:
    """1024 bits are no key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = rsa.generate_private_key(65537, 1024)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    draft = api.Draft()
    with pytest.raises(ModelProvenanceError) as caught:
        judge(api.by_key(draft.statements), draft.directory, signer=KeyExpectation(pem))
    assert caught.value.code == "key.unsupported"


@pytest.mark.parametrize("pem", [b"", b"garbage", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_key_that_cannot_be_read_is_a_refusal(api: Any, judge: Any, pem: Any) -> None:
    """A broken key file is an error of the caller, not a verdict and not a crash."""
    draft = api.Draft()
    with pytest.raises(ModelProvenanceError) as caught:
        judge(api.by_key(draft.statements), draft.directory, signer=KeyExpectation(pem))
    assert caught.value.exit_status == 2
