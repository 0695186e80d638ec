"""`release --evaluation`: from a result file to what is signed, shown and verified, and what happens on the way."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from model_provenance.cli.main import run

HARNESS = {
    "results": {
        "hellaswag": {"alias": "hellaswag", "acc,none": 0.61, "acc_norm,none": 0.72, "acc_norm_stderr,none": 0.004},
        "crows_pairs_english": {"alias": "crows", "pct_stereotype,none": 0.63},
    },
    "configs": {"hellaswag": {"dataset_path": "Rowan/hellaswag"}},
    "n-shot": {"hellaswag": 10},
}
MANIFEST = """\
license: Apache-2.0
tests:
  - {name: hellaswag, metric: acc_norm, min: 0.7}
  - {name: crows_pairs_english, metric: pct_stereotype, max: 0.6}
"""


class Team:
    """A model, a key, and what was measured."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.model = folder, folder / "model"
        self.model.mkdir()
        header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
        (self.model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
        (self.model / "config.json").write_text('{"model_type": "bert"}')
        (self.model / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
        (folder / "results_1.json").write_text(json.dumps(HARNESS))
        (folder / "m.yaml").write_text(MANIFEST)
        assert run(["keygen", "--output", str(folder / "release")]) == 0

    def release(self, *more: str, version: str = "1.0.0", manifest: bool = True) -> int:
        """The command; its status."""
        words = ["release", str(self.model), "--name", "minilm", "--version", version, "--sbom-engine", "native"]
        words += ["--key", str(self.folder / "release.key"), "--output", str(self.folder / version)]
        words += ["--manifest", str(self.folder / "m.yaml")] if manifest else []
        return run([*words, *more])

    def verify(self, *more: str, version: str = "1.0.0") -> int:
        """The same."""
        words = ["verify", str(self.model), "--evidence", str(self.folder / version), "--version", version]
        return run([*words, "--key", str(self.folder / "release.pub"), "--name", "minilm", *more])

    def predicate(self, version: str = "1.0.0") -> dict[str, Any]:
        """Of the signed test result."""
        bundle = json.loads((self.folder / version / "evidence" / "test-result.sigstore.json").read_text())
        return dict(json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))["predicate"])

    @property
    def measured(self) -> tuple[str, str]:
        """The option for the result file."""
        return "--evaluation", str(self.folder / "results_1.json")

    def policy(self, section: str) -> str:
        """A policy that asks about evaluations."""
        path = self.folder / "policy.yaml"
        head = "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: evaluated}\n"
        path.write_text(f"{head}spec:\n  evaluations: {section}\n")
        return str(path)


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    """Outside of CI, with a key that has no password."""
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    monkeypatch.delenv("CI", raising=False)
    return Team(tmp_path)


def test_what_was_measured_is_signed_and_shown(team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    """A table with value, bound and outcome, what failed first; the statement is in evidence, receipt and report."""
    assert team.release(*team.measured) == 0
    shown = capsys.readouterr().out
    assert "Evaluations  FAILED: 1 failed, 1 passed, 1 measured\n" in shown
    lines = [line.split() for line in shown[shown.index("Evaluations") :].splitlines()[1:4]]
    assert lines == [
        ["crows_pairs_english:", "pct_stereotype", "·", "bias", "0.63", "≤", "0.6", "FAILED"],
        ["hellaswag:", "acc_norm", "(Rowan/hellaswag)", "0.72", "≥", "0.7", "passed"],
        ["hellaswag:", "acc", "(Rowan/hellaswag)", "0.61", "measured"],
    ]
    assert "evaluation.failed" in shown
    assert team.predicate()["result"] == "FAILED"
    receipt = json.loads((team.folder / "1.0.0" / "receipt.json").read_text())
    assert receipt["statements"][-2]["bundle"] == "evidence/test-result.sigstore.json"
    assert team.verify("--format", "json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert "https://in-toto.io/attestation/test-result/v0.1" in answer["predicate_types"]


def test_the_digest_of_each_result_file_is_signed(team: Team) -> None:
    """Beside the manifest, whose bounds it was held against."""
    from model_provenance.domain.digest import Digest

    assert team.release(*team.measured) == 0
    said = {entry["name"]: entry["digest"]["sha256"] for entry in team.predicate()["configuration"]}
    assert said == {
        "model-manifest.json": Digest.of((team.folder / "1.0.0" / "model-manifest.json").read_bytes()).hex,
        "results_1.json": Digest.of((team.folder / "results_1.json").read_bytes()).hex,
    }


def test_a_policy_denies_a_failure_and_can_ask_for_a_pass(team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    """By the signed statement: 13 for the failure, 0 once the model keeps its bounds."""
    assert team.release(*team.measured) == 0
    policy = team.policy("{testResult: passed}")
    assert team.verify("--policy", policy) == 13
    assert "the signed test result says FAILED" in capsys.readouterr().out
    (team.folder / "m.yaml").write_text(MANIFEST.replace("0.6}", "0.65}"))
    assert team.release(*team.measured, version="1.0.1") == 0
    assert team.predicate("1.0.1")["result"] == "PASSED"
    assert team.verify("--policy", policy, version="1.0.1") == 0
    strict = team.policy("{required: [{name: hellaswag, metric: acc_norm, min: 0.75}], testResult: passed}")
    assert team.verify("--policy", strict, version="1.0.1") == 13


def test_a_release_without_evaluations_has_no_statement_of_them(team: Team) -> None:
    """And a policy that asks for one denies it."""
    (team.folder / "m.yaml").write_text("license: Apache-2.0\n")
    assert team.release() == 0
    assert not (team.folder / "1.0.0" / "evidence" / "test-result.sigstore.json").exists()
    assert team.verify() == 0
    assert team.verify("--policy", team.policy("{testResult: made}")) == 13


@pytest.mark.parametrize(
    ("manifest", "options", "code"),
    [
        (MANIFEST, False, "evaluation.unmeasured"),
        ("tests: [{name: hellaswag, metric: acc_norm, value: 0.9}]\n", True, "evaluation.conflict"),
        ("tests: [{name: hellaswag, min: 0.1}]\n", True, "evaluation.ambiguous"),
        ("tests: [{name: hellaswag, metric: acc, min: 0.9, max: 0.1}]\n", True, "manifest.source_invalid"),
    ],
)
def test_what_does_not_fit_stops_before_anything_is_written(
    team: Team, capsys: pytest.CaptureFixture[str], manifest: str, options: bool, code: str
) -> None:
    """Status 2, the place, and what to do."""
    (team.folder / "m.yaml").write_text(manifest)
    assert team.release(*(team.measured if options else ())) == 2
    told = capsys.readouterr().err
    assert f"error {code} " in told
    assert "m.yaml" in told
    assert "fix " in told
    assert not (team.folder / "1.0.0").exists()


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b"\x89PNG", b'{"results": {"a": {"acc,none": NaN}}}'])
def test_a_file_that_is_no_result_file_is_named(team: Team, capsys: pytest.CaptureFixture[str], data: bytes) -> None:
    """Status 2, before the model is read."""
    path = team.folder / "odd.json"
    path.write_bytes(data)
    assert team.release("--evaluation", str(path)) == 2
    assert "error evaluation.malformed odd.json: " in capsys.readouterr().err
    assert team.release("--evaluation", str(team.folder / "none.json")) == 2


def test_sboms_have_the_evaluations(team: Team) -> None:
    """As metrics; a bias test says that it is one, a group is one of the fairness assessments, a bound stands beside."""
    own = {"tests": [{"name": "parity", "kind": "bias", "metric": "gap", "value": 0.04, "group": "women"}]}
    (team.folder / "own.json").write_text(json.dumps(own))
    formats = "spdx-json,spdx3-json,cyclonedx-json"
    assert team.release(*team.measured, "--evaluation", str(team.folder / "own.json"), "--sbom", formats) == 0
    release = team.folder / "1.0.0"
    bom = json.loads((release / "sbom.cdx.json").read_text())
    [model] = [c for c in [bom["metadata"]["component"], *bom["components"]] if "modelCard" in c]
    card = model["modelCard"]
    metrics = {metric["type"]: metric.get("value") for metric in card["quantitativeAnalysis"]["performanceMetrics"]}
    assert metrics["hellaswag: acc_norm"] == "0.72"
    assert metrics["bias: crows_pairs_english: pct_stereotype"] == "0.63"
    assert card["considerations"]["fairnessAssessments"] == [{"groupAtRisk": "women"}]
    bounds = [p["value"] for p in card["properties"] if p["name"].endswith(":evaluation:bound")]
    assert "hellaswag: acc_norm: at least 0.7: passed" in bounds
    graph = json.loads((release / "sbom.spdx3.json").read_text())["@graph"]
    [package] = [element for element in graph if element["type"] == "ai_AIPackage"]
    said = {entry["key"]: entry["value"] for entry in package["ai_metric"]}
    assert said["bias: crows_pairs_english: pct_stereotype"].startswith(
        "0.63; at most 0.6; failed; from results_1.json sha256:"
    )
    spdx = json.loads((release / "sbom.spdx.json").read_text())
    assert any("bias test parity: gap, 0.04" in p.get("comment", "") for p in spdx["packages"])


def test_an_sbom_is_verified_with_the_same_files(team: Team) -> None:
    """What was measured is derived again from manifest and results; without the results it is drift."""
    words = ["sbom", str(team.model), "--sbom", "cyclonedx-json", "--sbom-engine", "native", "--name", "minilm"]
    words += ["--version", "1.0.0", "--manifest", str(team.folder / "m.yaml"), *team.measured]
    assert run([*words, "--output", str(team.folder)]) == 0
    check = ["sbom", "verify", str(team.folder / "sbom.cdx.json"), str(team.model)]
    assert run([*check, "--manifest", str(team.folder / "m.yaml"), *team.measured]) == 0
    assert run(check) == 0
    (team.folder / "m.yaml").write_text("license: Apache-2.0\n")
    assert run([*check, "--manifest", str(team.folder / "m.yaml")]) == 11


def test_the_same_evaluations_give_the_same_bytes(team: Team) -> None:
    """Wherever the result file lies: its name and its bytes count."""
    other = team.folder / "elsewhere"
    other.mkdir()
    (other / "results_1.json").write_bytes((team.folder / "results_1.json").read_bytes())
    assert team.release(*team.measured) == 0
    assert team.release("--evaluation", str(other / "results_1.json"), "--output", str(team.folder / "again")) == 0
    for name in ("model-manifest.json", "sbom.spdx.json", "sbom.cdx.json"):
        assert (team.folder / "1.0.0" / name).read_bytes() == (team.folder / "again" / name).read_bytes()
    assert team.predicate() == team.predicate("again")
