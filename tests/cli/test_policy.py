"""`verify --policy` and `policy`: as somebody types it, and as whoever made the model would like it to be answered."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest
from tests.policy.engine import needs_cel

from model_provenance.flows.signing import KeySigning, prepare
from model_provenance.formats.waiver import waiver_of, waiver_statement

from .command import Cli

NAMED = ("--name", "minilm", "--version", "1.0.0")
VERIFY = ("verify", "model", "--evidence", "dist/minilm-1.0.0", *NAMED)
HEAD = "apiVersion: model-provenance/v1\nkind: Policy\n"
ALLOWING = HEAD + "metadata: {name: ours}\nspec: {signers: [{key: release.pub}], sbom: {formats: [spdx]}}\n"


@pytest.fixture
def at_work(desk: Path, shelf: Path) -> Path:
    """The desk with releases in `dist`."""
    shutil.copytree(shelf, desk / "dist")
    return desk


def write(path: str, text: str = ALLOWING) -> str:
    """A policy file."""
    Path(path).write_text(text)
    return path


def test_a_policy_lets_a_release_through_and_says_by_which_gates(at_work: Path, cli: Cli) -> None:
    """The table has each gate that was asked; the JSON has every one."""
    outcome = cli(*VERIFY, "--policy", write("policy.yaml"))
    assert outcome.status == 0
    assert "Policy ours: PASS  sha256:" in outcome.out
    assert "PASS    sbom " in outcome.out
    assert "SKIPPED" not in outcome.out
    found = json.loads(cli(*VERIFY, "--policy", "policy.yaml", "--format", "json").out)
    assert (found["result"], found["decision"]["result"]) == ("PASS", "PASS")
    assert {gate["gate"]: gate["verdict"] for gate in found["decision"]["gates"]}["age"] == "SKIPPED"


def test_who_must_have_signed_may_stand_in_the_policy(at_work: Path, cli: Cli) -> None:
    """Without an option the policy's signer is expected; another one's release does not verify at all."""
    assert cli(*VERIFY, "--policy", write("policy.yaml")).status == 0
    write("policy.yaml", ALLOWING.replace("release.pub", "other.pub"))
    cli(*VERIFY, "--policy", "policy.yaml").failed(10, "signature.invalid")
    cli(*VERIFY, "--key", "release.pub", "--policy", "policy.yaml").failed(13, "policy.denied", "none of them")
    cli(*VERIFY, "--policy", "integrity").refused(2, "usage.invalid", "nobody said who")


def test_of_several_signers_the_one_that_signed_is_verified(at_work: Path, cli: Cli) -> None:
    """Whichever of them it was."""
    both = ALLOWING.replace("[{key: release.pub}]", "[{key: other.pub}, {key: release.pub}]")
    assert cli(*VERIFY, "--policy", write("policy.yaml", both)).status == 0


def test_a_policy_that_denies_ends_with_13(at_work: Path, cli: Cli) -> None:
    """Every gate that denies is a finding with something to do, and there is no PASS in the JSON."""
    cli(*VERIFY, "--key", "release.pub", "--policy", "production").failed(13, "policy.denied", "slsa", "time")
    found = json.loads(cli(*VERIFY, "--key", "release.pub", "--policy", "production", "--format", "json").out)
    assert (found["result"], found["exit_status"], found["model_digest"]) == ("FAIL", 13, None)


def test_what_did_not_verify_is_not_decided_about(at_work: Path, cli: Cli) -> None:
    """A changed file is 11, whatever the policy would say; no gate is asked."""
    (at_work / "model/config.json").write_text("{}")
    outcome = cli(*VERIFY, "--policy", write("policy.yaml"))
    outcome.failed(11, "files.changed")
    assert "Policy" not in outcome.out


def test_one_bundle_alone_is_not_enough_for_a_policy(at_work: Path, cli: Cli) -> None:
    """The bundle verifies, and what a policy asks about is not in it: 15."""
    words = ("verify", "model", "--bundle", "dist/minilm-1.0.0/evidence/oms.sigstore.json", "--key", "release.pub")
    assert cli(*words).status == 0
    cli(*words, "--policy", "integrity").failed(15, "policy.undecided", "`bundle`")


# --- attacks


@pytest.mark.parametrize(
    "place", ["model/policy.yaml", "dist/minilm-1.0.0/policy.yaml", "dist/minilm-1.0.0/evidence/p.yaml"]
)
def test_a_policy_file_from_the_model_directory_is_refused(place: str, at_work: Path, cli: Cli) -> None:
    """Whoever makes the model does not write the policy: not in the model, not beside its evidence."""
    cli(*VERIFY, "--policy", write(place)).refused(2, "policy.place", "whoever made the model")


def test_a_link_does_not_bring_a_policy_out_of_the_model(at_work: Path, cli: Cli) -> None:
    """Neither a link outside that leads in, nor one inside that leads out, nor a way with `..`."""
    write("model/policy.yaml")
    (at_work / "outside.yaml").symlink_to("model/policy.yaml")
    cli(*VERIFY, "--policy", "outside.yaml").refused(2, "policy.place")
    cli(*VERIFY, "--policy", "dist/../model/policy.yaml").refused(2, "policy.place")
    (at_work / "model/policy.yaml").unlink()
    (at_work / "model/policy.yaml").symlink_to(at_work / write("good.yaml"))
    cli(*VERIFY, "--policy", "model/policy.yaml").refused(2, "policy.place")


def test_a_key_that_a_policy_names_does_not_lie_in_the_model(at_work: Path, cli: Cli) -> None:
    """What the policy refers to is a part of it."""
    shutil.copy("release.pub", "model/k.pub")
    text = ALLOWING.replace("release.pub", "model/k.pub")
    cli(*VERIFY, "--policy", write("policy.yaml", text)).refused(2, "policy.place")


def test_an_expired_policy_is_no_policy(at_work: Path, cli: Cli) -> None:
    """It can say neither yes nor no."""
    expired = ALLOWING.replace("{name: ours}", "{name: ours, expires: 2020-01-01}")
    cli(*VERIFY, "--policy", write("policy.yaml", expired)).failed(15, "policy.undecided", "expired")


def test_a_misspelt_key_is_no_policy_that_asks_less(at_work: Path, cli: Cli) -> None:
    """`license` in place of `licenses` protects nothing, and says so."""
    text = ALLOWING.replace("sbom:", "license:")
    cli(*VERIFY, "--policy", write("policy.yaml", text)).refused(2, "policy.unknown_key", "licenses")
    cli("policy", "check", "policy.yaml").refused(2, "policy.unknown_key")


# --- the other commands


def test_policy_check_says_what_is_asked(at_work: Path, cli: Cli) -> None:
    """Every policy that it is given, profiles, too."""
    outcome = cli("policy", "check", "production", write("policy.yaml"))
    assert outcome.status == 0
    assert outcome.out.startswith(
        "production: integrity, source, time, slsa, sbom, formats, licenses, datasets  sha256:"
    )
    assert "\nours: integrity, signer, sbom  sha256:" in outcome.out


def test_policy_explain_is_a_table_that_fits_a_terminal(
    at_work: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement, answer, what was found, why and what to do; what denies first; nothing wider than the terminal."""
    words = ("model", "--evidence", "dist/minilm-1.0.0", "--key", "release.pub")
    monkeypatch.setenv("COLUMNS", "80")
    outcome = cli("policy", "explain", "baseline", *words)
    lines = outcome.out.splitlines()
    assert (outcome.status, lines[0]) == (13, "FAIL model")
    assert max(map(len, lines)) <= 80
    assert "Requirement           Answer   What was found" in lines
    row = next(
        n for n, line in enumerate(lines) if line.startswith("The build level is    FAIL     build level 1: the")
    )
    assert lines[row + 1] == "high enough (slsa)             To do: Release keylessly on a runner that the CI"
    assert row < next(n for n, line in enumerate(lines) if line.startswith("Every file is one     PASS"))
    assert "FAIL    does not hold: the model must not be used." in lines
    assert "The release is not too old (age)" in outcome.out
    assert cli("policy", "explain", "integrity", *words).status == 0
    (at_work / "model/config.json").write_text("{}")
    cli("policy", "explain", "integrity", *words).failed(11, "files.changed")


def test_policy_explain_writes_markdown_that_no_name_can_break(at_work: Path, cli: Cli) -> None:
    """A name of somebody else renders as itself in a document of ours."""
    card = "---\nlicense: apache-2.0\ndatasets: ['a|b<img src=x>']\n---\n"
    (at_work / "model/README.md").write_text(card)
    words = ("--key", "release.key", "--sbom-engine", "native", "--output", "odd")
    assert cli("release", "model", *NAMED, *words).status == 0
    outcome = cli(
        "policy", "explain", "production", "model", "--evidence", "odd", "--key", "release.pub", "--format", "markdown"
    )
    assert outcome.out.startswith("# Policy production: FAIL\n")
    [row] = [line for line in outcome.out.splitlines() if "(datasets)" in line]
    assert row.startswith("| ❌ **FAIL** | No denied dataset")
    assert (row.count("|"), "<img" in row) == (4, False)


def test_policy_test_compares_decisions(at_work: Path, cli: Cli) -> None:
    """As expected is 0, otherwise 13 with the difference; no case at all is no success."""
    write("policy.yaml")
    case = "policy: ../../policy.yaml\ntarget: ../../model\nevidence: ../../dist/minilm-1.0.0\nname: minilm\n"
    (at_work / "cases/good").mkdir(parents=True)
    cli("policy", "test", "cases").refused(2, "policy.invalid", "no case.yaml")
    (at_work / "cases/good/case.yaml").write_text(case + "expect: PASS\ngates: {sbom: PASS, age: SKIPPED}\n")
    outcome = cli("policy", "test", "cases")
    assert (outcome.status, outcome.out.splitlines()[-1]) == (0, "1 of 1 cases as expected")
    (at_work / "cases/bad").mkdir()
    (at_work / "cases/bad/case.yaml").write_text(
        case.replace("../../policy.yaml", "production") + "key: ../../release.pub\nexpect: PASS\ngates: {slsa: PASS}\n"
    )
    found = json.loads(cli("policy", "test", "cases", "--format", "json").out)
    assert [c["case"] for c in found["cases"]] == ["bad", "good"]
    assert found["cases"][0]["differences"] == [
        "the decision is FAIL, expected PASS",
        "slsa says FAIL, expected PASS: build level 1",
    ]
    assert cli("policy", "test", "cases").status == 13
    (at_work / "cases/bad/case.yaml").write_text(case + "expect: PERHAPS\n")
    cli("policy", "test", "cases").refused(2, "policy.invalid", "PERHAPS")


def test_policy_test_takes_waivers_as_of_a_day(at_work: Path, cli: Cli) -> None:
    """A case says what is given for the policy, as the options do; the day decides whether a waiver has ended."""
    write("policy.yaml", WAIVING)
    waive(cli, model_digest(cli), expires="2026-12-31")
    case = "policy: ../policy.yaml\ntarget: ../model\nevidence: ../dist/minilm-1.0.0\nwaivers: [../w.json]\n"
    Path("cases").mkdir()
    Path("cases/case.yaml").write_text(f"{case}on: 2026-12-31\nexpect: PASS\ngates: {{slsa: WAIVED}}\n")
    assert cli("policy", "test", "cases").status == 0
    Path("cases/case.yaml").write_text(f"{case}on: 2027-01-01\nexpect: FAIL\ngates: {{slsa: FAIL}}\n")
    assert cli("policy", "test", "cases").status == 0
    Path("cases/case.yaml").write_text(f"{case}baseEvidence: model\nexpect: FAIL\n")
    cli("policy", "test", "cases").refused(2, "policy.invalid", "baseEvidence")


@pytest.mark.parametrize("format", ["spdx-json", "spdx-json@2.2", "spdx3-json", "cyclonedx-json"])
def test_remote_code_that_only_a_configuration_names_is_denied(format: str, at_work: Path, cli: Cli) -> None:
    """What was found inside a file when it was released stands in each SBOM format, and counts at the gate."""
    config = '{"model_type": "bert", "auto_map": {"AutoModel": "evil/repo--modeling.Model"}}'
    (at_work / "model/config.json").write_text(config)
    assert (
        cli(
            "release",
            "model",
            *NAMED,
            "--key",
            "release.key",
            "--sbom",
            format,
            "--sbom-engine",
            "native",
            "--output",
            "risky",
        ).status
        == 0
    )
    write("policy.yaml", HEAD + "metadata: {name: ours}\nspec: {formats: {deny: [pickle]}}\n")
    outcome = cli("verify", "model", "--evidence", "risky", "--key", "release.pub", "--policy", "policy.yaml")
    outcome.failed(13, "policy.denied", "config.json (code)")


# --- waivers

WAIVING = HEAD + (
    "metadata: {name: ours}\nspec:\n  signers: [{key: release.pub}]\n  slsa: {build: 2}\n"
    "  waivers: {approvers: [{key: other.pub}, {key: release.pub}]}\n"
)
WORDS = ("--reason", "pilot", "--approver", "R. Officer", "--ticket", "T-1")


def model_digest(cli: Cli) -> str:
    """The digest that waivers name."""
    found = json.loads(cli(*VERIFY, "--key", "release.pub", "--format", "json").out)
    return str(found["model_digest"])


def waive(cli: Cli, digest: str, *, gate: str = "slsa", key: str = "other.key", expires: str = "2099-12-31") -> str:
    """A signed waiver."""
    outcome = cli(
        "policy", "waive", digest, "--gate", gate, *WORDS, "--expires", expires, "--key", key, "--output", "w.json"
    )
    assert outcome.status == 0, outcome
    return "w.json"


def test_a_waiver_shows_as_waived_with_reason_ticket_and_end(at_work: Path, cli: Cli) -> None:
    """Signed by an approver for this model: the decision passes, and nobody can overlook why."""
    words = (*VERIFY, "--policy", write("policy.yaml", WAIVING))
    cli(*words).failed(13, "policy.denied", "slsa")
    outcome = cli(*words, "--waiver", waive(cli, model_digest(cli)))
    assert outcome.status == 0
    assert "WAIVED  slsa" in outcome.out
    assert "policy.waived slsa: build level 1: pilot (T-1), accepted by R. Officer until 2099-12-31" in outcome.out


def test_a_waiver_for_another_digest_waives_nothing(at_work: Path, cli: Cli) -> None:
    """It is named, and the gate fails as before."""
    words = (*VERIFY, "--policy", write("policy.yaml", WAIVING), "--waiver", waive(cli, "sha256:" + "ab" * 32))
    cli(*words).failed(13, "policy.denied", "another model")


def test_an_expired_waiver_is_a_failure(at_work: Path, cli: Cli) -> None:
    """The day after its last."""
    waiver = waive(cli, model_digest(cli), expires="2020-01-01")
    cli(*VERIFY, "--policy", write("policy.yaml", WAIVING), "--waiver", waiver).failed(
        13, "policy.denied", "expired on"
    )


def test_nobody_waives_for_a_model_of_his_own(at_work: Path, cli: Cli) -> None:
    """Who released the model is no approver of it, whatever the policy says."""
    waiver = waive(cli, model_digest(cli), key="release.key")
    cli(*VERIFY, "--policy", write("policy.yaml", WAIVING), "--waiver", waiver).failed(
        13, "policy.denied", "who released"
    )


def test_a_waiver_by_a_stranger_is_refused(at_work: Path, cli: Cli) -> None:
    """Also one whose text was changed after it was signed, and one where the policy names no approver."""
    only_us = WAIVING.replace("{key: other.pub}, ", "")
    words = (*VERIFY, "--policy", write("policy.yaml", only_us), "--waiver", waive(cli, model_digest(cli)))
    cli(*words).refused(2, "policy.waiver")
    write("policy.yaml", ALLOWING)
    cli(*words).refused(2, "policy.waiver", "names nobody")
    write("policy.yaml", WAIVING)
    bundle = json.loads(Path("w.json").read_text())
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"]).replace(b"slsa", b"time")
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    Path("w.json").write_text(json.dumps(bundle))
    cli(*words).refused(2, "policy.waiver")
    cli(*VERIFY, "--key", "release.pub", "--waiver", "w.json").refused(2, "usage.invalid", "--policy")


def test_evidence_of_a_release_is_no_waiver(at_work: Path, cli: Cli) -> None:
    """Another predicate type by an approver does not count, and a waiver is no evidence of a release."""
    write("policy.yaml", WAIVING)
    waiver = waive(cli, model_digest(cli))
    cli(*VERIFY, "--policy", "policy.yaml", "--waiver", "dist/minilm-1.0.0/evidence/manifest.sigstore.json").refused(
        2, "policy.waiver", "no statement of the type"
    )
    cli("verify", "model", "--bundle", waiver, "--key", "other.pub").failed(12, "bundle.predicate")


@pytest.mark.parametrize("gate", ["integrity", "signer"])
def test_content_and_signer_are_not_waived(gate: str, at_work: Path, cli: Cli) -> None:
    """A waiver of the signer, which an approver has signed with a tool of his own, leaves the release denied."""
    words = {"reason": "r", "approver": "a", "ticket": "t", "expiry": "2099-01-01"}
    statement = waiver_statement(waiver_of({"gate": gate, "digest": model_digest(cli), **words}))
    [signed] = prepare(KeySigning(at_work / "other.key", lambda: b""), {}).signer.sign([statement])
    waiver = at_work / "w.json"
    waiver.write_bytes(signed.data)
    text = WAIVING.replace("signers: [{key: release.pub}]", "signers: [{key: other.pub}]").replace(
        "slsa: {build: 2}", "age: {max: 1d}"
    )
    outcome = cli(*VERIFY, "--key", "release.pub", "--policy", write("policy.yaml", text), "--waiver", waiver)
    assert outcome.status in (13, 15)
    assert "FAIL    signer" in outcome.out
    assert "WAIVED" not in outcome.out


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--gate", "slas"),
        ("--expires", "soon"),
        ("--expires", "2026-02-30"),
        ("--reason", ""),
        ("--ticket", "a\x1b[2J"),
    ],
)
def test_a_waiver_that_says_too_little_is_not_signed(option: str, value: str, at_work: Path, cli: Cli) -> None:
    """Reason, ticket, end: each is needed, and can be shown."""
    given = {
        "--gate": "slsa",
        "--reason": "r",
        "--approver": "a",
        "--ticket": "t",
        "--expires": "2099-12-31",
        option: value,
    }
    words = [word for pair in given.items() for word in pair]
    digest = "sha256:" + "ab" * 32
    outcome = cli("policy", "waive", digest, *words, "--key", "other.key", "--output", "w.json")
    outcome.refused(2, "policy.waiver")
    assert not Path("w.json").exists()


@pytest.mark.parametrize("controller", ["kyverno", "policy-controller"])
def test_an_export_says_on_standard_error_what_the_cluster_does_not_ask(
    controller: str, at_work: Path, cli: Cli
) -> None:
    """The policy alone goes to standard output; one that names no signer is refused."""
    signer = '{signer: "github:acme/minilm/.github/workflows/release.yml@refs/heads/main"}'
    text = HEAD + f"metadata: {{name: prod}}\nspec: {{extends: production, signers: [{signer}], age: {{max: 90d}}}}\n"
    words = ("--to", controller, "--images", "registry.example/models")
    outcome = cli("policy", "export", write("policy.yaml", text), *words)
    assert outcome.status == 0
    assert outcome.out.startswith("# Written by")
    assert "not asked by the cluster: age: " in outcome.err
    assert "not asked by the cluster: licenses: " in outcome.err
    cli("policy", "export", "production", *words).refused(2, "policy.export", "anybody has signed")
    cli("policy", "export", "policy.yaml", "--to", controller).refused(2, "usage.invalid", "--images")


@needs_cel
def test_a_rule_is_read_by_check_and_asked_by_verify(at_work: Path, cli: Cli) -> None:
    """`check` refuses an expression that cannot be read; `verify` and `test` have a row for each rule, `waive` takes its name."""
    rules = "  rules: [{id: small, expr: 'files.all(f, f.size < %s)', message: too large}]\n"
    head = HEAD + "metadata: {name: ours}\nspec:\n  signers: [{key: release.pub}]\n"
    cli("policy", "check", write("bad.yaml", head + rules % "")).refused(2, "policy.invalid", "small")
    assert "rules" in cli("policy", "check", write("policy.yaml", head + rules % "9000000")).out
    assert "PASS    rules/small" in cli(*VERIFY, "--policy", "policy.yaml").out
    write("policy.yaml", head + rules % "1")
    cli(*VERIFY, "--policy", "policy.yaml").failed(13, "policy.denied", "too large")
    assert "rules/small" in cli("policy", "explain", "policy.yaml", *VERIFY[1:]).out
    Path("cases").mkdir()
    case = "policy: ../policy.yaml\ntarget: ../model\nevidence: ../dist/minilm-1.0.0\nexpect: FAIL\n"
    Path("cases/case.yaml").write_text(case + "gates: {rules/small: FAIL}\n")
    assert cli("policy", "test", "cases").status == 0
    Path("cases/case.yaml").write_text(case + "gates: {rules/other: FAIL}\n")
    outcome = cli("policy", "test", "cases")
    assert (outcome.status, "rules/other says nothing" in outcome.out) == (13, True)


@pytest.mark.parametrize(
    "gate", ["rules", "rego", "rules/", "rules/../x", "rules/A", "rule/x", "integrity", "signer", "revocation"]
)
def test_a_waiver_that_could_never_count_is_not_signed(gate: str, at_work: Path, cli: Cli) -> None:
    """A rule is waived by its name, never all of them; what nobody may waive is said before anything is signed."""
    words = ("--reason", "r", "--approver", "a", "--ticket", "t", "--expires", "2099-01-01", "--key", "other.key")
    cli("policy", "waive", "sha256:" + "0" * 64, "--gate", gate, *words, "--output", "w").refused(
        2, "policy.waiver", "waived"
    )


def test_an_opa_is_for_policies_with_rego(at_work: Path, cli: Cli) -> None:
    """Elsewhere it would be ignored, and is refused."""
    cli(*VERIFY, "--policy", write("policy.yaml"), "--opa", "/bin/true").refused(2, "usage.invalid", "--opa")
    cli(*VERIFY, "--key", "release.pub", "--opa", "/bin/true").refused(2, "usage.invalid", "--opa")
