"""Evidence that is missing, old, mixed, forged or of another kind: refused, with what is wrong and what to do."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from model_provenance.domain.evidence import Statement
from model_provenance.sign.keys import load_private_key

from .command import Cli

BUNDLES = ("cyclonedx", "manifest", "oms", "provenance", "spdx")


@pytest.fixture
def evidence(desk: Path, shelf: Path) -> Path:
    """`dist/` on the desk with the three releases; the folder of the desk's model."""
    shutil.copytree(shelf, desk / "dist")
    return desk / "dist/minilm-1.0.0"


def bundle(folder: Path, name: str) -> Path:
    """One bundle of a release."""
    return folder / "evidence" / f"{name}.sigstore.json"


def signed(desk: Path, predicate_type: str, source: Path) -> bytes:
    """A bundle by the release key over the subjects of another bundle, with another predicate."""
    envelope = json.loads(source.read_bytes())["dsseEnvelope"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement |= {"predicateType": predicate_type, "predicate": {"reason": "compromised"}}
    key = load_private_key((desk / "release.key").read_bytes(), lambda: b"")
    [made] = key.sign([Statement("x", predicate_type, json.dumps(statement).encode())])
    return made.data


def test_another_key_is_not_the_expected_signer(evidence: Path, verify: Cli) -> None:
    """One line for all bundles; the signer that was found is marked as not trusted."""
    outcome = verify("--key", "other.pub")

    outcome.failed(10, "signature.invalid", "not trusted", "cyclonedx.sigstore.json, manifest.sigstore.json")
    assert outcome.out.count("signature.invalid") == 1


def test_the_private_key_does_not_verify(evidence: Path, verify: Cli) -> None:
    """A verifier has no business with it."""
    verify("--key", "release.key").refused(2, "key.malformed", "public half", "NAME.pub")


@pytest.mark.parametrize("name", BUNDLES)
def test_one_bundle_missing_is_missing_evidence(name: str, evidence: Path, verify: Cli) -> None:
    """Exit status 12, whichever it is."""
    bundle(evidence, name).unlink()

    verify().failed(12, "evidence.missing")


@pytest.mark.parametrize("name", BUNDLES)
def test_one_bundle_of_another_model_does_not_belong(name: str, evidence: Path, desk: Path, verify: Cli) -> None:
    """The same signer signed it, for another model; among others the SBOM of one release with the provenance of another."""
    shutil.copy(bundle(desk / "dist/other-1.0.0", name), bundle(evidence, name))

    outcome = verify()
    assert outcome.status in (10, 11, 12), outcome
    assert outcome.out.startswith("FAIL")
    assert "set." in outcome.out or "subject" in outcome.out


@pytest.mark.parametrize("name", BUNDLES)
def test_one_bundle_of_an_older_version_does_not_belong(name: str, evidence: Path, desk: Path, verify: Cli) -> None:
    """A fixed SBOM or a harmless list of files cannot be replayed."""
    shutil.copy(bundle(desk / "dist/minilm-0.9.0", name), bundle(evidence, name))

    assert verify().status in (10, 11, 12)


def test_evidence_of_an_older_version_is_another_version(evidence: Path, verify: Cli) -> None:
    """Whole and well signed, and still not what was asked for."""
    verify("--evidence", "dist/minilm-0.9.0").failed(11, "expect.version", "0.9.0", "1.0.0")


def test_evidence_of_another_model_is_another_model(evidence: Path, verify: Cli) -> None:
    """All differences at once."""
    outcome = verify("--evidence", "dist/other-1.0.0")

    outcome.failed(11, "expect.name", "other", "minilm", "files.missing", "vocab.txt")


def test_a_rename_that_keeps_the_model_digest_is_seen(evidence: Path, desk: Path, verify: Cli) -> None:
    """The OMS root does not cover names: the same bytes under other names in the same order have the same root."""
    (desk / "model/config.json").rename(desk / "model/config_.json")

    verify().failed(11, "files.missing", "config.json", "config_.json", "files.extra")


@pytest.mark.parametrize(
    "predicate_type",
    [
        "https://model-provenance.dev/revocation/v1",
        "https://model-provenance.dev/approval/v1",
        "https://slsa.dev/verification_summary/v1",
    ],
)
def test_a_signed_statement_of_another_kind_is_no_release(
    predicate_type: str, evidence: Path, desk: Path, verify: Cli, cli: Cli
) -> None:
    """A revocation by the right key is the opposite of a release: alone, as a bundle, and in place of a statement."""
    data = signed(desk, predicate_type, bundle(evidence, "manifest"))
    (desk / "alone").mkdir()
    (desk / "alone/x.sigstore.json").write_bytes(data)

    verify("--evidence", "alone").failed(12, "evidence.missing")
    alone = cli("verify", "model", "--bundle", "alone/x.sigstore.json", "--key", "release.pub")
    alone.failed(12, "bundle.predicate", "does not speak for a release", predicate_type)
    bundle(evidence, "manifest").write_bytes(data)
    verify().failed(12, "evidence.missing")


def test_an_sbom_alone_is_no_release(evidence: Path, desk: Path, verify: Cli) -> None:
    """Well signed, about this model, and nothing that says what the model is."""
    (desk / "alone").mkdir()
    shutil.copy(bundle(evidence, "spdx"), desk / "alone")

    verify("--evidence", "alone").failed(12, "evidence.missing", "provenance")


@pytest.mark.parametrize("name", BUNDLES)
def test_one_bundle_says_only_what_it_says(name: str, evidence: Path, cli: Cli) -> None:
    """`--bundle` passes with the scope `bundle` and lists what was not checked."""
    outcome = cli("verify", "model", "--bundle", bundle(evidence, name), "--key", "release.pub", "--format", "json")

    report = json.loads(outcome.out)
    assert (outcome.status, report["result"], report["scope"]) == (0, "PASS", "bundle")
    assert any("one release" in item for item in report["not_checked"])


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_of_another_model_is_about_something_else(name: str, evidence: Path, cli: Cli) -> None:
    """By the right signer."""
    outcome = cli("verify", "model", "--bundle", bundle(Path("dist/other-1.0.0"), name), "--key", "release.pub")

    assert outcome.status == 11, outcome
    assert outcome.out.startswith("FAIL")


@pytest.mark.parametrize(
    ("spoil", "status", "code"),
    [
        (lambda path: path.write_bytes(b""), 10, "bundle.malformed"),
        (lambda path: path.write_bytes(b"{}"), 10, "bundle.malformed"),
        (lambda path: path.write_bytes(b"\xff\xfe"), 10, "bundle.malformed"),
        (lambda path: path.write_bytes(b"[" * 100_000), 10, "bundle.malformed"),
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), 10, "bundle.malformed"),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b"{", b'{"mediaType":"x",', 1)),
            10,
            "bundle.malformed",
        ),
    ],
)
def test_a_broken_bundle_is_refused(
    spoil: Callable[[Path], object], status: int, code: str, evidence: Path, verify: Cli
) -> None:
    """Empty, cut off, nested without end, not text, with one key twice."""
    spoil(bundle(evidence, "oms"))

    verify().failed(status, code, "oms.sigstore.json")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: (path.unlink(), os.mkfifo(path)),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to(path.name)),
        lambda path: os.truncate(path, 1 << 28),
    ],
    ids=["fifo", "folder", "loop", "256 MB"],
)
def test_evidence_that_cannot_be_read_is_no_verdict(
    spoil: Callable[[Path], object], evidence: Path, verify: Cli
) -> None:
    """Exit status 15, never a smaller set of evidence; a FIFO is not waited for."""
    spoil(bundle(evidence, "spdx"))

    verify().refused(15, "evidence.unreadable", "spdx.sigstore.json")


def test_no_evidence_is_no_pass(evidence: Path, desk: Path, verify: Cli, cli: Cli) -> None:
    """No folder, an empty one, one bundle in place of a folder, no option at all."""
    (desk / "empty").mkdir()
    verify("--evidence", "empty").refused(12, "evidence.missing", "empty")
    verify("--evidence", "nowhere").refused(12, "evidence.missing", "nowhere")
    verify("--evidence", bundle(evidence, "oms")).refused(12, "evidence.missing", "--bundle")
    cli("verify", "model", "--key", "release.pub").refused(2, "usage.invalid", "--evidence")


def test_nobody_expected_is_a_usage_error_with_the_signer_that_was_found(evidence: Path, cli: Cli) -> None:
    """The ready option is printed, marked as found and not trusted."""
    outcome = cli("verify", "model", "--evidence", evidence)

    outcome.refused(2, "usage.invalid", "who must have signed", "--key release.pub", "not trusted")


@pytest.mark.parametrize("name", ["model-manifest.json", "sbom.spdx.json", "sbom.cdx.json"])
def test_a_changed_document_beside_the_evidence_is_seen(name: str, evidence: Path, verify: Cli) -> None:
    """People read these files, so they must be the signed ones."""
    (evidence / name).write_text((evidence / name).read_text().replace("minilm", "minilm2"))

    verify().failed(11, "evidence.differs", name)


def test_evidence_inside_the_model_hides_no_file(evidence: Path, desk: Path, verify: Cli) -> None:
    """A release folder may lie in the model that it is about; what is not evidence there is an unsigned file."""
    shutil.copytree(evidence, desk / "model/release")
    assert verify("--evidence", "model/release").status == 0

    (desk / "model/release/modeling_minilm.py").write_text("import os")

    verify("--evidence", "model/release").failed(11, "files.extra", "release/modeling_minilm.py")


def test_the_model_is_not_its_own_evidence(evidence: Path, desk: Path, verify: Cli) -> None:
    """A model folder that brings bundles along is not left out of what they are about."""
    shutil.copytree(evidence / "evidence", desk / "model", dirs_exist_ok=True)
    (desk / "model/config.json").write_text("changed")

    assert verify("--evidence", "model").status not in (0, 1)
