"""`verify --vsa` and `--accept-vsa`: the decision of one is the evidence of another, and of nobody else's model or policy."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.keys import write_pair

from model_provenance.domain.evidence import Predicate, Statement
from model_provenance.formats.canonical import canonical
from model_provenance.sign.keys import load_private_key

from .command import Cli, Outcome

NAMED = ("--name", "minilm", "--version", "1.0.0")
RELEASE = ("--evidence", "dist/minilm-1.0.0", *NAMED)
HEAD = "apiVersion: model-provenance/v1\nkind: Policy\n"
ID = "https://acme.example/gate"
OURS = HEAD + "metadata: {name: ours}\nspec: {signers: [{key: release.pub}], sbom: {formats: [spdx]}}\n"
VERIFIER = f"{{id: '{ID}', key: gate.pub}}"


Call = Callable[..., Outcome]


@pytest.fixture
def vsa(desk: Path) -> Path:
    """Where summaries go: beside the desk, which a run that ends with a failure must leave as it was."""
    folder = desk.with_name(f"{desk.name}-summaries")
    folder.mkdir()
    return folder / "v.json"


@pytest.fixture(scope="module")
def gate_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the key pair of a verifier."""
    folder = tmp_path_factory.mktemp("gate")
    write_pair(folder / "gate")
    return folder


@pytest.fixture
def gate(desk: Path, shelf: Path, gate_keys: Path, vsa: Path, cli: Cli) -> Call:
    """Verify under `ours.yaml` and vouch for it as `gate.key`; more words may follow and override."""
    shutil.copytree(shelf, desk / "dist")
    (desk / "ours.yaml").write_text(OURS)
    shutil.copytree(gate_keys, desk, dirs_exist_ok=True)

    def call(*words: str, model: str = "model", release: tuple[str, ...] = RELEASE) -> Outcome:
        own = ("--policy", "ours.yaml", "--vsa", str(vsa), "--vsa-key", "gate.key", "--verifier-id", ID)
        return cli("verify", model, *release, *own, *words)

    return call


def consumer(vsa: str = "", *, more: str = "", verifiers: str = VERIFIER) -> str:
    """A policy that asks for a summary."""
    text = f"{HEAD}metadata: {{name: consumer}}\nspec:\n  vsa: {{verifiers: [{verifiers}]{vsa}}}\n{more}"
    Path("consumer.yaml").write_text(text)
    return "consumer.yaml"


@pytest.fixture
def relies(vsa: Path, cli: Cli) -> Call:
    """Verify without any evidence but the summary."""

    def call(policy: str, *words: str, model: str = "model", named: tuple[str, ...] = NAMED) -> Outcome:
        return cli("verify", model, *named, "--policy", policy, "--accept-vsa", str(vsa), *words)

    return call


def said(path: Path) -> Any:
    """The statement of a summary."""
    return json.loads(base64.b64decode(json.loads(path.read_text())["dsseEnvelope"]["payload"]))


# --- writing one


def test_a_pass_is_vouched_for_with_every_field_of_the_specification(gate: Call, cli: Cli, vsa: Path) -> None:
    """Verifier, time, resource, policy, all that was looked at, levels: SLSA v1.2, about the model and its package."""
    outcome = gate()
    assert (outcome.status, f"Summary: PASSED, written to {vsa}" in outcome.out) == (0, True)
    statement, found = (
        said(vsa),
        json.loads(cli("verify", "model", *RELEASE, "--key", "release.pub", "--format", "json").out),
    )
    predicate = statement["predicate"]
    assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert {"oms-root", "oci-manifest"} == {subject["name"] for subject in statement["subject"]}
    assert found["model_digest"].removeprefix("sha256:") in {s["digest"]["sha256"] for s in statement["subject"]}
    assert (predicate["verifier"]["id"], predicate["resourceUri"]) == (ID, "pkg:generic/model/minilm@1.0.0")
    assert predicate["policy"]["uri"] == "urn:model-provenance:policy:ours"
    assert len(predicate["inputAttestations"]) == 5
    assert predicate["verifiedLevels"] == [
        "SLSA_BUILD_LEVEL_1", "MODELPROV_INTEGRITY_PASS", "MODELPROV_SIGNER_PASS", "MODELPROV_SBOM_PASS"
    ]  # fmt: skip
    assert (predicate["verificationResult"], predicate["slsaVersion"]) == ("PASSED", "1.2")
    assert predicate["dependencyLevels"] == {"MODELPROV_DATASET_NAME": 1}


def test_what_the_policy_denies_is_vouched_for_as_failed(gate: Call, relies: Call, vsa: Path) -> None:
    """The status is 13, and who relies on the summary refuses, too."""
    outcome = gate("--policy", "production", "--key", "release.pub")
    outcome.failed(13, "policy.denied", "Summary: FAILED")
    assert (said(vsa)["predicate"]["verificationResult"], said(vsa)["predicate"]["verifiedLevels"]) == (
        "FAILED",
        ["FAILED"],
    )
    relies(consumer()).failed(13, "policy.denied", "says FAILED")


def test_waivers_and_base_models_are_among_what_was_looked_at(gate: Call, cli: Cli, vsa: Path) -> None:
    """SLSA wants all attestations that were used, or none."""
    digest = json.loads(cli("verify", "model", *RELEASE, "--key", "release.pub", "--format", "json").out)[
        "model_digest"
    ]
    words = ("--reason", "r", "--approver", "a", "--ticket", "t", "--expires", "2099-12-31", "--key", "other.key")
    assert cli("policy", "waive", digest, "--gate", "slsa", *words, "--output", "w.json").status == 0
    text = OURS.replace("sbom:", "slsa: {build: 2}, waivers: {approvers: [{key: other.pub}]}, sbom:")
    Path("ours.yaml").write_text(text)
    assert gate("--waiver", "w.json").status == 0
    assert "waiver of slsa" in {each["name"] for each in said(vsa)["predicate"]["inputAttestations"]}
    assert "MODELPROV_SLSA_WAIVED" in said(vsa)["predicate"]["verifiedLevels"]


@pytest.mark.parametrize("how", ["error of the policy", "other signer", "broken policy", "changed file"])
def test_a_summary_of_an_earlier_run_does_not_outlive_an_error(how: str, gate: Call, vsa: Path) -> None:
    """The stale one is gone before anything else is done; what was not decided has none."""
    assert gate().status == 0
    if how == "error of the policy":
        Path("ours.yaml").write_text(OURS.replace("{name: ours}", "{name: ours, expires: 2020-01-01}"))
    elif how == "broken policy":
        Path("ours.yaml").write_text("nothing")
    elif how == "changed file":
        Path("model/config.json").write_text("{}")
    outcome = gate(*(("--key", "other.pub") if how == "other signer" else ()))
    assert (
        outcome.status == {"error of the policy": 15, "other signer": 10, "broken policy": 2, "changed file": 11}[how]
    )
    assert list(vsa.parent.iterdir()) == []


def test_a_file_that_is_no_summary_is_never_removed(gate: Call) -> None:
    """A mistyped path costs nothing; nor does a link, or a place inside the model or its evidence."""
    gate("--vsa", "ours.yaml").refused(2, "policy.vsa_output", "something else")
    assert Path("ours.yaml").read_text() == OURS
    gate("--vsa", "dist/minilm-1.0.0/evidence/oms.sigstore.json").refused(2, "policy.vsa_output", "evidence")
    for place in ("model/v.json", "dist/minilm-1.0.0/v.json"):
        gate("--vsa", place).refused(2, "policy.vsa_output", "in the model or its evidence")
    Path("link.json").symlink_to("release.pub")
    gate("--vsa", "link.json").refused(2, "policy.vsa_output")
    assert Path("release.pub").exists()


def test_a_path_that_cannot_be_written_is_said_with_a_code(gate: Call) -> None:
    """Too long, below a file, a folder: nothing of it is a defect of ours."""
    assert gate("--vsa", "a" * 5000).status == 20
    assert gate("--vsa", "ours.yaml/v.json").status == 20
    gate("--vsa", "dist").refused(2, "policy.vsa_output")


def test_who_released_the_model_does_not_vouch_for_it(gate: Call, vsa: Path) -> None:
    """Neither with the key of the release, nor where the policy would have it so."""
    gate("--vsa-key", "release.key").refused(2, "policy.vsa", "who released")
    assert not vsa.exists()


def test_a_summary_needs_a_policy_and_a_name_of_its_verifier(gate: Call, cli: Cli, vsa: Path) -> None:
    """And options that only --vsa makes use of are refused without it."""
    key = ("--key", "release.pub")
    words = ("verify", "model", *RELEASE, *key)
    cli(*words, "--vsa", str(vsa), "--vsa-key", "gate.key", "--verifier-id", ID).refused(2, "usage.invalid", "--policy")
    cli(*words, "--policy", "integrity", "--vsa", str(vsa), "--vsa-key", "gate.key").refused(
        2, "usage.invalid", "--verifier-id"
    )
    gate("--verifier-id", "our gate").refused(2, "usage.invalid", "not a URI")
    for option in (
        ("--vsa-key", "gate.key"),
        ("--verifier-id", ID),
        ("--allow-public-log",),
        ("--identity-token", "x"),
    ):
        cli(*words, "--policy", "integrity", *option).refused(2, "usage.invalid", "without --vsa")
    for option in (("--accept-vsa", str(vsa)), ("--base-evidence", "dist"), ("--resource-uri", "x:y")):
        cli(*words, *option).refused(2, "usage.invalid", "without --policy")


def test_one_bundle_alone_is_not_vouched_for(gate: Call) -> None:
    """What cannot be decided has no summary."""
    words = ("--bundle", "dist/minilm-1.0.0/evidence/oms.sigstore.json", "--key", "release.pub")
    gate(*words, release=()).failed(15, "policy.undecided", "Summary: none")


# --- relying on one


def test_a_summary_stands_for_the_evidence(gate: Call, relies: Call) -> None:
    """The files are read and compared with its digests; the report says that another one has looked at the evidence."""
    assert gate().status == 0
    shutil.rmtree("dist")
    outcome = relies(consumer(", maxAge: 30d, levels: [MODELPROV_SBOM_PASS]"))
    assert outcome.status == 0
    assert "scope summary" in outcome.out
    assert "verifier  key:" in outcome.out
    assert "another verifier has looked at it" in outcome.out
    found = json.loads(relies("consumer.yaml", "--format", "json").out)
    assert (found["scope"], found["slsa_level"], found["predicate_types"]) == (
        "summary", None, ["https://slsa.dev/verification_summary/v1"]
    )  # fmt: skip


def test_a_summary_may_be_required_beside_the_evidence(gate: Call, cli: Cli, vsa: Path) -> None:
    """Then everything is verified again, and the verifier must have said so, too."""
    assert gate().status == 0
    words = ("verify", "model", *RELEASE, "--key", "release.pub", "--policy", consumer())
    assert cli(*words, "--accept-vsa", str(vsa)).status == 0
    cli(*words).failed(13, "policy.denied", "no summary")


def test_files_that_differ_are_not_those_of_the_summary(gate: Call, relies: Call) -> None:
    """A changed byte, another file, and a new name of the same content, which keeps the digest of the model."""
    assert gate().status == 0
    consumer()
    config, model = Path("model/config.json"), Path("model")
    was = config.read_text()
    config.write_text("{}")
    relies("consumer.yaml").failed(11, "summary.differs", "no summary names these files")
    config.write_text(was)
    (model / "new.bin").write_bytes(b"x")
    relies("consumer.yaml").failed(11, "summary.differs")
    (model / "new.bin").unlink()
    config.rename(model / "confih.json")
    relies("consumer.yaml").failed(11, "summary.differs")
    (model / "confih.json").rename(config)
    assert relies("consumer.yaml").status == 0


def test_a_summary_alone_answers_no_other_gate(gate: Call, relies: Call) -> None:
    """What the consumer asks beyond it cannot be decided: the verifier's word is asked for under `levels`."""
    assert gate().status == 0
    for section in ("slsa: {build: 1}", "formats: {deny: [pickle]}", "licenses: {deny: [MIT]}", "age: {max: 90d}"):
        relies(consumer(more=f"  {section}\n")).failed(15, "policy.undecided", "only a summary")


# --- attacks


def test_a_vsa_of_another_digest_is_refused(gate: Call, cli: Cli, relies: Call, vsa: Path) -> None:
    """An older version of the same model, vouched for by the right verifier."""
    shutil.copytree("model", "older")
    Path("older/config.json").write_text("{}")
    release = ("--evidence", "dist/minilm-0.9.0", "--name", "minilm", "--version", "0.9.0")
    assert gate(model="older", release=release).status == 0
    relies(consumer()).failed(11, "summary.differs")
    words = ("verify", "model", *RELEASE, "--key", "release.pub", "--policy", "consumer.yaml", "--accept-vsa", str(vsa))
    cli(*words).failed(13, "policy.denied", "about another model")
    relies("consumer.yaml", model="older").failed(13, "policy.denied", "@0.9.0")


def test_a_vsa_under_another_policy_is_refused(gate: Call, relies: Call, vsa: Path) -> None:
    """The consumer pins the policy by its digest."""
    assert gate().status == 0
    digest = said(vsa)["predicate"]["policy"]["digest"]["sha256"]
    assert relies(consumer(f", policyDigests: ['sha256:{digest}']")).status == 0
    Path("ours.yaml").write_text(OURS.replace(", sbom: {formats: [spdx]}", ""))
    assert gate().status == 0
    relies("consumer.yaml").failed(13, "policy.denied", "under another policy")


def test_a_vsa_of_another_verifier_is_refused(gate: Call, relies: Call) -> None:
    """Another key under the right name, and the right key under another name."""
    assert gate("--vsa-key", "other.key").status == 0
    relies(consumer()).refused(2, "policy.vsa")
    assert gate("--verifier-id", "https://acme.example/other").status == 0
    relies("consumer.yaml").failed(13, "policy.denied", "no verifier of the policy")


def test_a_vsa_by_the_release_signer_is_refused(gate: Call, cli: Cli, desk: Path, relies: Call, vsa: Path) -> None:
    """Also where it does not come from this program, and whatever the consumer's policy names."""
    assert gate().status == 0
    forged = Statement("vsa", Predicate.VSA, canonical(said(vsa)))
    [bundle] = load_private_key((desk / "release.key").read_bytes(), lambda: b"").sign([forged])
    vsa.write_bytes(bundle.data)
    relies(consumer()).refused(2, "policy.vsa")
    own = consumer(verifiers=f"{{id: '{ID}', key: release.pub}}")
    words = ("verify", "model", *RELEASE, "--key", "release.pub", "--policy", own, "--accept-vsa", str(vsa))
    cli(*words).failed(13, "policy.denied", "who released the model")
    relies(own).failed(13, "policy.denied", "who released the model")


def test_an_old_vsa_is_refused(gate: Call, monkeypatch: pytest.MonkeyPatch, relies: Call) -> None:
    """Replayed after its time, or dated into the future."""
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: 1_700_000_000)
        assert gate().status == 0
    relies(consumer(", maxAge: 30d")).failed(13, "policy.denied", "days old")
    assert relies(consumer()).status == 0
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: 4_000_000_000)
        assert gate().status == 0
    relies("consumer.yaml").failed(13, "policy.denied", "future")


def test_a_changed_vsa_is_refused(gate: Call, relies: Call, vsa: Path) -> None:
    """FAILED does not become PASSED."""
    gate("--policy", "production", "--key", "release.pub")
    bundle = json.loads(vsa.read_text())
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"]).replace(b'"FAILED"', b'"PASSED"')
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    vsa.write_text(json.dumps(bundle))
    relies(consumer()).refused(2, "policy.vsa")


def test_evidence_of_a_release_is_no_vsa_and_a_vsa_is_no_evidence(gate: Call, cli: Cli, vsa: Path) -> None:
    """Another predicate type by a verifier does not count, and a summary beside the evidence is not counted."""
    assert gate().status == 0
    words = ("verify", "model", *NAMED, "--policy", consumer(verifiers=f"{{id: '{ID}', key: release.pub}}"))
    cli(*words, "--accept-vsa", "dist/minilm-1.0.0/evidence/manifest.sigstore.json").refused(
        2, "policy.vsa", "no statement"
    )
    cli("verify", "model", "--bundle", str(vsa), "--key", "gate.pub").failed(12, "bundle.predicate")
    shutil.copytree("dist/minilm-1.0.0", "copy")
    for bundle in Path("copy/evidence").iterdir():
        bundle.unlink()
    shutil.copy(vsa, "copy/evidence/vsa.sigstore.json")
    cli("verify", "model", "--evidence", "copy", "--key", "gate.pub").failed(12, "evidence.missing")


def test_without_a_name_no_summary_stands_for_a_model(gate: Call, relies: Call) -> None:
    """Any model that the verifier ever passed would do."""
    assert gate().status == 0
    relies(consumer(), named=()).refused(2, "usage.invalid", "--resource-uri")
    relies("consumer.yaml", named=("--name", "other", "--version", "1.0.0")).failed(13, "policy.denied", "not `pkg")


@pytest.mark.parametrize(
    "words", [("--key", "release.pub"), ("--require", "weights"), ("--signer", "github:acme/minilm")]
)
def test_without_evidence_an_expectation_of_the_release_is_refused(
    gate: Call, relies: Call, words: tuple[str, ...]
) -> None:
    """Ignored in silence it would give a false feeling: a summary does not show who released the model."""
    assert gate().status == 0
    relies(consumer(), *words).refused(2, "usage.invalid", "--evidence")


@pytest.mark.parametrize("wrong", ["another name", "another verifier"])
def test_without_evidence_a_summary_that_does_not_count_is_never_only_warned_of(
    gate: Call, relies: Call, wrong: str
) -> None:
    """It is all that there is: let through with a warning, nobody at all would have verified these files for us."""
    assert gate().status == 0
    named = ("--name", "other", "--version", "1.0.0") if wrong == "another name" else NAMED
    known = VERIFIER if wrong == "another name" else f"{{id: '{ID}/2', key: gate.pub}}"
    assert relies(consumer(", effect: warn", verifiers=known), named=named).status == 13
    assert relies(consumer(", effect: warn")).status == 0


def test_without_evidence_no_waiver_makes_a_summary_count(gate: Call, relies: Call, cli: Cli, vsa: Path) -> None:
    """Nobody knows who released the model, so nobody can tell that the approver is somebody else."""
    assert gate().status == 0
    assert cli("keygen", "--output", "officer").status == 0
    root = next(each for each in said(vsa)["subject"] if each["name"] == "oms-root")["digest"]["sha256"]
    about = ("--gate", "vsa", "--reason", "r", "--approver", "a", "--ticket", "T-1", "--expires", "2099-01-01")
    signed = ("--key", "officer.key", "--output", "vsa.waiver")
    assert cli("policy", "waive", f"sha256:{root}", *about, *signed).status == 0
    policy = consumer(more="  waivers: {approvers: [{key: officer.pub}]}\n")
    other = ("--name", "other", "--version", "1.0.0")
    relies(policy, "--waiver", "vsa.waiver", named=other).failed(13, "policy.denied", "no evidence was verified")
    assert cli("verify", "model", *RELEASE, "--key", "release.pub", "--policy", policy,
               "--waiver", "vsa.waiver").status == 0  # fmt: skip
