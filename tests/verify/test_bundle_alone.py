"""One bundle alone: what it says is verified, what it does not say is listed, and the statement decides how."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, Statement
from model_provenance.domain.files import ModelFile
from model_provenance.domain.package import Layout
from model_provenance.domain.roles import role_of
from model_provenance.domain.verification import Expectation, Observed, Scope, TargetKind, Trust
from model_provenance.formats.intoto import named_statement
from model_provenance.formats.oms import oms_statement
from model_provenance.sign.key import KeySigner
from model_provenance.verify.bundle import verify_bundle
from model_provenance.verify.checks import CHECKS

OTHER = Digest("ab" * 32)


@pytest.fixture
def alone(api: Any) -> Any:
    """The report over one statement signed with the good key."""

    def judge(
        statement: Any, observed: Any, *, name: Any = None, version: Any = None, pinned: Any = None, **more: Any
    ) -> Any:
        bundle = api.by_key([statement])[statement.name] if isinstance(statement, Statement) else statement
        expectation = Expectation(api.key_expectation(), name, version, pinned)
        return verify_bundle(bundle, observed, expectation, Trust(None), **more)

    return judge


def named(draft: Any, name: Any) -> Any:
    """One statement of a release."""
    return next(statement for statement in draft.statements if statement.name == name)


def foreign(subjects: Any, predicate_type: str = "https://example.com/build/v1") -> Statement:
    """A statement of another tool."""
    return Statement("foreign", predicate_type, named_statement(subjects, predicate_type, {}))


def one_file(data: bytes = b"GGUF", path: str = "model.gguf") -> Observed:
    """A target that is one file."""
    return Observed(TargetKind.FILE, (ModelFile(path, len(data), Digest.of(data), role_of(path)),))


# --- OMS


def test_an_oms_bundle_verifies_a_directory(api: Any, alone: Any) -> None:
    """Every file, by name and digest; the rest is listed as not checked."""
    draft = api.Draft()
    report = alone(named(draft, "oms"), draft.directory)
    assert api.failures(report) == set()
    assert report.scope is Scope.BUNDLE
    assert report.predicate_types == (Predicate.OMS,)
    assert report.verified.files == draft.directory.files
    assert report.verified.manifest == {}
    titles = {check.title for check in CHECKS if not check.alone}
    assert titles <= set(report.not_checked)
    assert report.slsa_level is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"config.json": b"{}"}, "files.changed"),
        ({"evil.py": b"x"}, "files.extra"),
        ({"config.json": None}, "files.missing"),
    ],
)
def test_an_oms_bundle_refuses_another_directory(api: Any, alone: Any, change: Any, code: Any) -> None:
    """Changed, extra, missing."""
    draft = api.Draft()
    files = {path: data for path, data in {**draft.files, **change}.items() if data is not None}
    assert code in api.failures(alone(named(draft, "oms"), replace(draft, files=files).directory))


def test_unsigned_files_may_be_ignored_on_request_and_are_not_verified(api: Any, alone: Any) -> None:
    """Every signed file is checked all the same, and the others are not among the verified ones."""
    draft = api.Draft()
    more = replace(draft, files={**draft.files, "notes.txt": b"x"}).directory
    report = alone(named(draft, "oms"), more, ignore_unsigned=True)
    assert api.failures(report) == set()
    assert "files.ignored" in api.warnings(report)
    assert "notes.txt" not in {file.path for file in report.verified.files}
    fewer = replace(draft, files={"notes.txt": b"x"}).directory
    assert "files.missing" in api.failures(alone(named(draft, "oms"), fewer, ignore_unsigned=True))


def test_paths_that_the_signer_ignored_are_tolerated_and_said(api: Any, alone: Any) -> None:
    """OMS lets the signer leave paths out; recorded paths that match nothing have no effect."""
    draft = api.Draft()
    statement = oms_statement(draft.directory.files, subject_name="minilm", ignored=["logs", "/abs/olute", "", "."])
    report = alone(statement, replace(draft, files={**draft.files, "logs/a": b"x"}).directory)
    assert api.failures(report) == set()
    assert "files.ignored" in api.warnings(report)
    beside = replace(draft, files={**draft.files, "logs2/a": b"x"}).directory
    assert "files.extra" in api.failures(alone(statement, beside))


def test_an_oms_statement_of_ours_is_the_specifications_to_the_letter() -> None:
    """Names by code point (not by parts of the path), one subject, and no key that version 1.0 has not."""
    files = {"a/x.bin": b"1", "a.b/x.bin": b"2", "Z": b"3", "é": b"4"}
    digests = {path: Digest.of(data) for path, data in files.items()}
    target = tuple(ModelFile(path, 1, digest, role_of(path)) for path, digest in digests.items())
    value = json.loads(oms_statement(target, subject_name="minilm").payload)
    predicate = value["predicate"]
    names = [resource["name"] for resource in predicate["resources"]]
    assert names == ["Z", "a.b/x.bin", "a/x.bin", "é"]
    assert value["subject"] == [
        {"name": "minilm", "digest": {"sha256": Digest.of(b"".join(digests[name].raw for name in names)).hex}}
    ]
    assert value.keys() == {"_type", "subject", "predicateType", "predicate"}
    assert predicate.keys() == {"resources", "serialization"}
    assert predicate["serialization"].keys() == {"method", "hash_type", "allow_symlinks", "ignore_paths"}
    assert {key for resource in predicate["resources"] for key in resource} == {"name", "digest", "algorithm"}


def test_a_single_file_is_a_model_of_one_file(api: Any, alone: Any) -> None:
    """Named by its basename, or `.` as earlier versions of model_signing have it."""
    target = one_file()
    for name in ("model.gguf", "."):
        statement = oms_statement((replace(target.files[0], path=name),), subject_name="model.gguf")
        assert api.failures(alone(statement, target)) == set()
        assert "files.changed" in api.failures(alone(statement, one_file(b"other")))
    other = oms_statement((replace(target.files[0], path="other.gguf"),), subject_name="model.gguf")
    assert {"files.missing", "files.extra"} <= api.failures(alone(other, target))


def test_an_oms_root_is_never_compared_with_a_files_digest(api: Any, alone: Any) -> None:
    """The subject of an OMS statement is a root: the root of one file is not that file's digest."""
    target = one_file()
    statement = oms_statement(target.files, subject_name="model.gguf")
    assert api.failures(alone(statement, None, digest=target.files[0].digest)) == {"subject.mismatch"}
    root = Digest.of(target.files[0].digest.raw)
    report = alone(statement, None, digest=root)
    assert api.failures(report) == set()
    assert report.verified.files == ()
    assert any(text.startswith("files") for text in report.not_checked)


# --- our other statements


@pytest.mark.parametrize("name", ["manifest", "provenance", "spdx", "cyclonedx"])
@pytest.mark.parametrize("target", ["directory", "archive", "oci_layout"])
def test_a_statement_of_a_release_is_compared_by_kind(api: Any, alone: Any, name: Any, target: Any) -> None:
    """A directory with the model's root, an archive with the archive, a layout with the manifests."""
    layout = Layout.TAR if target == "archive" else Layout.LAYERS
    draft = api.Draft(layout=layout)
    report = alone(named(draft, name), getattr(draft, target))
    assert api.failures(report) == set()
    assert report.verified.files == ()
    other = api.Draft(layout=layout, files={**draft.files, "config.json": b"{}"})
    assert api.failures(alone(named(draft, name), getattr(other, target))) == {"subject.mismatch"}


def test_a_statement_about_an_archive_is_not_about_a_layout_with_that_digest(api: Any, alone: Any) -> None:
    """Kinds are compared with their own kind."""
    draft = api.Draft(layout=Layout.TAR)
    layout = replace(draft.archive, kind=TargetKind.OCI_LAYOUT)
    assert api.failures(alone(named(draft, "manifest"), layout)) == {"subject.mismatch"}


def test_a_digest_is_a_target_too(api: Any, alone: Any) -> None:
    """`sha256:…` of model, package or manifest, as the caller names it."""
    draft = api.Draft()
    for digest in (draft.package.model_digest, *draft.package.manifest_digests):
        assert api.failures(alone(named(draft, "provenance"), None, digest=digest)) == set()
    assert api.failures(alone(named(draft, "provenance"), None, digest=OTHER)) == {"subject.mismatch"}


def test_without_any_target_nothing_is_decided(api: Any, alone: Any) -> None:
    """A bundle alone, without a thing that it is about, is no pass."""
    draft = api.Draft()
    report = alone(named(draft, "provenance"), None)
    assert api.failures(report) == {"bundle.target"}
    assert report.exit_status == 15


def test_a_mixed_subject_list_is_refused(api: Any, alone: Any) -> None:
    """Some subjects of our kinds and some without: which rule applies would be a guess."""
    draft = api.Draft()
    statement = foreign([("oms-root", draft.package.model_digest.hex), ("model.gguf", OTHER.hex)])
    assert api.failures(alone(statement, draft.directory)) == {"subject.kind"}


# --- statements of other tools


def test_a_statement_about_a_file_is_compared_with_the_file(api: Any, alone: Any) -> None:
    """Some subject has the file's digest, whatever its name."""
    target = one_file()
    digest = target.files[0].digest
    good = foreign([("another name", OTHER.hex), ("model.gguf", digest.hex)])
    assert api.failures(alone(good, target)) == set()
    assert api.failures(alone(foreign([("model.gguf", OTHER.hex)]), target)) == {"subject.mismatch"}


def test_a_statement_about_an_image_is_compared_with_the_index(api: Any, alone: Any) -> None:
    """Cosign's statements name no kind: the digest of the manifest that they are about."""
    draft = api.Draft()
    statement = foreign([("", draft.package.package_digest.hex)])
    assert api.failures(alone(statement, draft.oci_layout)) == set()


def test_a_foreign_statement_about_a_directory_is_not_decided(api: Any, alone: Any) -> None:
    """A directory has no digest that such a statement could name."""
    draft = api.Draft()
    statement = foreign([("model", draft.package.model_digest.hex)])
    report = alone(statement, draft.directory)
    assert api.failures(report) == {"bundle.target"}
    assert report.exit_status == 15


@pytest.mark.parametrize(
    "predicate_type",
    [
        Predicate.REVOCATION,
        Predicate.APPROVAL,
        Predicate.VSA,
        Predicate.LOAD_RECEIPT,
        "https://model-provenance.dev/revocation/v2",
        "https://slsa.dev/verification_summary/v0.2",
    ],
)
def test_a_decision_about_a_file_is_no_evidence_for_it(api: Any, alone: Any, predicate_type: Any) -> None:
    """Also in versions that do not exist yet."""
    target = one_file()
    statement = foreign([("model.gguf", target.files[0].digest.hex)], predicate_type)
    assert api.failures(alone(statement, target)) == {"bundle.predicate"}


# --- expectations


def test_a_name_can_only_be_expected_of_the_manifest(api: Any, alone: Any) -> None:
    """Another statement does not say which model it is about, so the expectation cannot hold."""
    draft = api.Draft()
    for name in ("oms", "provenance", "spdx"):
        report = alone(named(draft, name), draft.directory, name="acme/minilm")
        assert api.failures(report) == {"expect.unverifiable"}
        assert report.exit_status == 15
    good = alone(named(draft, "manifest"), draft.directory, name="acme/minilm", version="1.0.0")
    assert api.failures(good) == set()
    bad = alone(named(draft, "manifest"), draft.directory, name="acme/minilm", version="2.0.0")
    assert api.failures(bad) == {"expect.version"}


def test_a_pinned_digest_holds_for_one_bundle_too(api: Any, alone: Any) -> None:
    """The model digest in the OMS statement."""
    draft = api.Draft()
    assert api.failures(alone(named(draft, "oms"), draft.directory, pinned=draft.package.model_digest)) == set()
    assert api.failures(alone(named(draft, "oms"), draft.directory, pinned=OTHER)) == {"expect.digest"}


# --- what is not a bundle


@pytest.mark.parametrize("junk", [b"", b"{}", b"[]", b"\x00" * 100])
def test_junk_is_refused(api: Any, alone: Any, junk: Any) -> None:
    """A file that is no bundle fails, with that reason alone."""
    report = alone(junk, one_file())
    assert "bundle.malformed" in api.failures(report)
    assert report.exit_status == 10


def test_a_payload_that_is_no_statement_is_refused(api: Any, alone: Any) -> None:
    """The envelope says in-toto, the payload is something else."""
    report = alone(Statement("x", "x", b'{"hello": "world"}'), one_file())
    assert api.failures(report) == {"evidence.malformed"}


def test_a_signature_over_a_file_by_a_key(api: Any) -> None:
    """Cosign sign-blob with a key: the file itself decides, its digest is enough for P-256."""
    import base64

    data = b"GGUF"
    signature = api.KEY.sign(data, ec.ECDSA(hashes.SHA256()))
    bundle = json.dumps(
        {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": "x"}},
            "messageSignature": {"signature": base64.b64encode(signature).decode()},
        }
    ).encode()
    expectation = Expectation(api.key_expectation())
    assert api.failures(verify_bundle(bundle, one_file(data), expectation, Trust(None))) == set()
    assert api.failures(verify_bundle(bundle, one_file(b"other"), expectation, Trust(None))) == {"signature.invalid"}
    directory = api.Draft().directory
    assert api.failures(verify_bundle(bundle, directory, expectation, Trust(None))) == {"signature.undecidable"}


# --- peers


def test_what_model_signing_signs_with_a_key_verifies(api: Any, tmp_path: Path) -> None:
    """A bundle of the reference implementation over a real directory, in its own order of files."""
    signing = pytest.importorskip("model_signing.signing")
    files = {"config.json": b"{}", "a/x.bin": b"1", "a.b/x.bin": b"2", "model.safetensors": b"weights"}
    model = tmp_path / "model"
    for path, data in files.items():
        (model / path).parent.mkdir(parents=True, exist_ok=True)
        (model / path).write_bytes(data)
    key = tmp_path / "key.pem"
    key.write_bytes(api.KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    signing.Config().use_elliptic_key_signer(private_key=key).sign(model, tmp_path / "model.sig")
    bundle = (tmp_path / "model.sig").read_bytes()
    expectation, draft = Expectation(api.key_expectation()), api.Draft(files=files)
    assert api.failures(verify_bundle(bundle, draft.directory, expectation, Trust(None))) == set()
    other = replace(draft, files={**files, "config.json": b"[]"})
    assert "files.changed" in api.failures(verify_bundle(bundle, other.directory, expectation, Trust(None)))


def test_model_signing_verifies_what_we_sign(api: Any, tmp_path: Path) -> None:
    """The other way round, with our own OMS bundle."""
    verifying = pytest.importorskip("model_signing.verifying")
    draft, model = api.Draft(), tmp_path / "model"
    model.mkdir()
    for path, data in draft.files.items():
        (model / path).write_bytes(data)
    (tmp_path / "oms.json").write_bytes(api.by_key([named(draft, "oms")])["oms"])
    (tmp_path / "key.pub").write_bytes(KeySigner(api.KEY).public_key.pem)
    config = verifying.Config().use_elliptic_key_verifier(public_key=tmp_path / "key.pub")
    config.verify(model, tmp_path / "oms.json")
