"""Everything that `verify` can be pointed at, and what it says as JSON."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from .command import Cli

EXPECTED = ("--key", "release.pub", "--name", "minilm", "--version", "1.0.0")
FIELDS = {"result", "scope", "exit_status", "signer", "predicate_types", "not_checked", "findings"}
PREDICATES = {
    "https://model_signing/signature/v1.0",
    "https://model-provenance.dev/manifest/v1",
    "https://slsa.dev/provenance/v1",
    "https://spdx.dev/Document",
    "https://cyclonedx.org/bom",
}


@pytest.fixture
def evidence(desk: Path, shelf: Path) -> Path:
    """`dist/minilm-1.0.0` of the desk's model."""
    shutil.copytree(shelf, desk / "dist")
    return desk / "dist/minilm-1.0.0"


def gguf(path: Path) -> Path:
    """The smallest GGUF file: version 3, no tensor, no metadata."""
    path.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes(16))
    return path


def report(cli: Cli, *words: str | Path) -> dict[str, Any]:
    """The JSON of `verify`, whose exit status is the program's."""
    outcome = cli("verify", *words, "--format", "json")
    value: dict[str, Any] = json.loads(outcome.out)
    assert value["exit_status"] == outcome.status
    for finding in value["findings"]:
        assert set(finding) >= {"id", "severity", "status", "message", "remedy", "location"}
        assert finding["remedy"] or finding["severity"] != "error", finding
    return value


@pytest.mark.parametrize("target", ["model", "model/", "./model", "../{desk}/model"])
@pytest.mark.parametrize("where", ["dist/minilm-1.0.0", "dist/minilm-1.0.0/evidence"])
def test_a_model_folder_with_its_release_or_the_evidence_alone(
    target: str, where: str, evidence: Path, desk: Path, cli: Cli
) -> None:
    """Both folders hold what is needed; how the path is written does not matter."""
    assert cli("verify", target.format(desk=desk.name), "--evidence", where, *EXPECTED).status == 0


def test_the_working_directory_is_a_target(
    evidence: Path, desk: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`verify .` inside the model."""
    monkeypatch.chdir(desk / "model")
    words = ("--evidence", "../dist/minilm-1.0.0", "--key", "../release.pub", *EXPECTED[2:])

    assert cli("verify", ".", *words).status == 0
    assert cli("verify", os.path.join("..", "model"), *words).status == 0  # noqa: PTH118 - as typed


@pytest.mark.parametrize("layout", ["tar", "tar.gz", "tar.zst"])
def test_a_release_folder_with_its_archive_and_the_archive_itself(layout: str, release: Cli, cli: Cli) -> None:
    """The folder is enough; the archive finds the evidence that lies beside it, or is given some."""
    assert release("--layout", layout).status == 0
    archive = f"dist/minilm-1.0.0/minilm-1.0.0.{layout}"

    assert cli("verify", "dist/minilm-1.0.0", *EXPECTED).status == 0
    assert cli("verify", archive, *EXPECTED).status == 0
    shutil.copy(archive, f"copy.{layout}")
    assert cli("verify", f"copy.{layout}", "--evidence", "dist/minilm-1.0.0", *EXPECTED).status == 0
    assert cli("verify", "model", "--evidence", "dist/minilm-1.0.0", *EXPECTED).status == 0
    data = bytearray(Path(archive).read_bytes())
    data[len(data) // 2] ^= 1
    Path(archive).write_bytes(data)
    assert cli("verify", "dist/minilm-1.0.0", *EXPECTED).status in (11, 15)


def test_a_release_folder_without_an_archive_says_how_to_verify(evidence: Path, cli: Cli) -> None:
    """Its weights lie elsewhere."""
    cli("verify", evidence, *EXPECTED).refused(2, "usage.invalid", "model-provenance verify MODEL_DIR --evidence")


@pytest.mark.parametrize("layout", ["layers", "raw"])
def test_an_oci_layout_carries_its_evidence(layout: str, desk: Path, release: Cli, cli: Cli) -> None:
    """Nothing but the folder is needed; a changed blob is refused."""
    assert release("--layout", layout, "--oci-layout", "layout").status == 0

    assert cli("verify", "layout", *EXPECTED).status == 0
    weights = next(path for path in (desk / "layout/blobs/sha256").iterdir() if bytes(range(16)) in path.read_bytes())
    weights.write_bytes(weights.read_bytes().replace(bytes(range(16)), bytes(16)))
    assert cli("verify", "layout", *EXPECTED).status == 11


def test_one_file_with_one_bundle(desk: Path, cli: Cli) -> None:
    """A GGUF file is a model."""
    gguf(desk / "model.gguf")
    assert cli("sign", "model.gguf", "--bundle", "model.sig", "--key", "release.key").status == 0

    passed = report(cli, "model.gguf", "--bundle", "model.sig", "--key", "release.pub")
    assert (passed["result"], passed["scope"]) == ("PASS", "bundle")
    assert passed["predicate_types"] == ["https://model_signing/signature/v1.0"]
    (desk / "model.gguf").write_bytes(b"GGUF")
    cli("verify", "model.gguf", "--bundle", "model.sig", "--key", "release.pub").failed(
        11, "files.changed", "model.gguf"
    )


def test_a_bundle_inside_the_model_is_not_a_file_of_it(desk: Path, cli: Cli) -> None:
    """As model_signing does it: the signature lies beside the weights."""
    assert cli("sign", "model", "--bundle", "model/model.sig", "--key", "release.key").status == 0
    assert cli("verify", "model", "--bundle", "model/model.sig", "--key", "release.pub").status == 0
    assert cli("sign", "model", "--bundle", "model/model.sig", "--key", "release.key").status == 0
    (desk / "model/extra.py").write_text("x")
    words = ("verify", "model", "--bundle", "model/model.sig", "--key", "release.pub")
    cli(*words).failed(11, "files.extra", "extra.py", "--ignore-path")
    assert cli(*words, "--ignore-path", "extra.py").status == 0
    assert cli(*words, "--ignore-unsigned-files").status == 0


def test_json_of_a_pass(evidence: Path, cli: Cli) -> None:
    """All fields; a passing finding for every check; what was not checked is said."""
    value = report(cli, "model", "--evidence", evidence, *EXPECTED)

    assert value.keys() >= FIELDS
    assert (value["result"], value["scope"], value["exit_status"]) == ("PASS", "release", 0)
    assert set(value["predicate_types"]) == PREDICATES
    assert value["signer"]["method"] == "key"
    assert any("transparency log" in item for item in value["not_checked"])
    assert {"signature", "set", "files", "package", "manifest", "sbom"} <= {f["id"] for f in value["findings"]}


def test_json_of_a_failure(evidence: Path, desk: Path, cli: Cli) -> None:
    """Every failure with its place and its remedy."""
    (desk / "model/config.json").write_text("{}")

    value = report(cli, "model", "--evidence", evidence, *EXPECTED)

    assert value.keys() >= FIELDS
    assert (value["result"], value["exit_status"]) == ("FAIL", 11)
    changed = next(finding for finding in value["findings"] if finding["id"] == "files.changed")
    assert (changed["severity"], changed["status"], changed["location"]) == ("error", "fail", "config.json")


def test_json_of_what_could_not_be_decided(evidence: Path, cli: Cli) -> None:
    """Never PASS, never without a finding."""
    words = ("--bundle", evidence / "evidence/spdx.sigstore.json", *EXPECTED)
    value = report(cli, "model", *words)
    assert (value["result"], value["exit_status"]) == ("ERROR", 15)
    assert "expect.unverifiable" in {finding["id"] for finding in value["findings"]}

    (evidence / "evidence/spdx.sigstore.json").unlink()
    (evidence / "evidence/spdx.sigstore.json").mkdir()
    unreadable = report(cli, "model", "--evidence", evidence, *EXPECTED)
    assert (unreadable["result"], unreadable["exit_status"]) == ("ERROR", 15)
    assert unreadable.keys() >= FIELDS


@pytest.mark.parametrize(
    "words",
    [
        ("model", "--evidence", "dist/minilm-1.0.0"),
        ("model", "--key", "release.pub"),
        ("nowhere", "--key", "release.pub", "--evidence", "dist/minilm-1.0.0"),
        ("model", "--nonsense"),
        (),
        ("model", "--evidence", "dist/minilm-1.0.0", "--key", "release.pub", "--digest", "x"),
        ("model", "--evidence", "dist/minilm-1.0.0", "--key", "release.pub", "--signer", "github:a/b"),
        ("model", "--evidence", "dist/minilm-1.0.0", "--signer", "github:a"),
        ("model", "--evidence", "dist/minilm-1.0.0", "--certificate-identity", "x"),
        ("model", "--evidence", "dist/minilm-1.0.0", "--bundle", "x", "--key", "release.pub"),
    ],
)
def test_json_of_wrong_usage(words: tuple[str, ...], evidence: Path, cli: Cli) -> None:
    """The same object, so that a script which reads it needs no second way."""
    value = report(cli, *words)

    assert value.keys() >= FIELDS
    assert (value["result"], value["exit_status"]) == ("ERROR", 2)
    [finding] = value["findings"]
    assert finding["message"]
    assert finding["remedy"]
