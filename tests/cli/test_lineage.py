"""`lineage` in a policy: base models by their own signed evidence or by a summary, upwards, and never by their name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .command import Cli, Outcome, write_model

HEAD = "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: ours}\n"
Release = Callable[..., str]


@pytest.fixture
def make(desk: Path, cli: Cli) -> Release:
    """Release a model of this name with `base` (name, digest) in its manifest; gives the model digest."""

    def call(name: str, base: tuple[str, str] | None = None, *, key: str = "release.key", datasets: str = "[]") -> str:
        model = desk / "models" / name
        if not model.exists():
            write_model(model)
            (model / "vocab.txt").write_text(name)
        digest = "" if base is None or not base[1] else f", digest: '{base[1]}'"
        tuned = "" if base is None else f"fine_tuned_from: {{model: {base[0]}{digest}}}\n"
        (desk / f"{name}.yaml").write_text(
            f"model_name: {name}\nversion: 1.0.0\nlicense: MIT\ndatasets: {datasets}\n{tuned}"
        )
        words = (
            "--name",
            name,
            "--version",
            "1.0.0",
            "--manifest",
            f"{name}.yaml",
            "--key",
            key,
            "--sbom-engine",
            "native",
            "--output",
            f"dist/{name}",
        )
        shutil.rmtree(desk / "dist" / name, ignore_errors=True)
        outcome = cli("release", model, *words, "--format", "json")
        assert outcome.status == 0, outcome
        return str(json.loads(outcome.out)["model_digest"])

    return call


@pytest.fixture
def verify(desk: Path, cli: Cli) -> Callable[..., Outcome]:
    """Verify `child` under a policy that asks for its lineage, with the evidence of these base models."""

    def call(*bases: str, lineage: str = "baseModel: verified", more: str = "") -> Outcome:
        (desk / "ours.yaml").write_text(
            f"{HEAD}spec:\n  signers: [{{key: release.pub}}]\n  lineage: {{{lineage}}}\n{more}"
        )
        given = [word for base in bases for word in ("--base-evidence", f"dist/{base}")]
        return cli("verify", "models/child", "--evidence", "dist/child", "--policy", "ours.yaml", *given)

    return call


def test_a_base_model_is_backed_by_its_own_evidence(make: Release, verify: Callable[..., Outcome]) -> None:
    """Two generations, each signed; without the evidence of one it says for which."""
    make("child", ("parent", make("parent", ("root", make("root")))))
    outcome = verify("parent", "root")
    assert outcome.status == 0
    assert "PASS    lineage    2 base models, backed 2 by evidence" in outcome.out
    verify("parent").failed(13, "policy.denied", "root (generation 2)", "nothing that was given is about sha256:")
    verify().failed(13, "policy.denied", "parent (generation 1)", "--base-evidence")
    verify("root").failed(13, "policy.denied", "parent (generation 1)")


def test_the_bound_is_an_answer_of_its_own(make: Release, verify: Callable[..., Outcome]) -> None:
    """More generations than the policy looks at could not be decided, also where the gate only warns."""
    make("child", ("parent", make("parent", ("root", make("root")))))
    verify("parent", "root", lineage="baseModel: verified, maxDepth: 1").failed(15, "policy.undecided", "more than 1")
    verify("parent", "root", lineage="baseModel: verified, maxDepth: 1, effect: warn").failed(15, "policy.undecided")
    assert verify("parent", "root", lineage="baseModel: verified, maxDepth: 2").status == 0


def test_a_model_that_names_no_base_model_passes_only_where_that_is_allowed(
    make: Release, verify: Callable[..., Outcome]
) -> None:
    """Not said is not none."""
    make("child")
    verify().failed(13, "policy.denied", "names no base model", "not said is not none")
    assert verify(lineage="baseModel: verified, none: allow").status == 0


def test_a_package_digest_names_a_base_model_as_well(make: Release, verify: Callable[..., Outcome], desk: Path) -> None:
    """Whoever pulled it by digest names it so."""
    make("parent")
    package = json.loads((desk / "dist/parent/receipt.json").read_text())["package_digest"]
    make("child", ("parent", package))
    assert verify("parent").status == 0


def test_who_may_release_base_models_may_be_said(make: Release, verify: Callable[..., Outcome]) -> None:
    """Another key than that of the model itself: refused, unless the policy names it for base models."""
    make("child", ("parent", make("parent", key="other.key")))
    verify("parent").failed(13, "policy.denied", "does not hold")
    assert verify("parent", lineage="baseModel: verified, signers: [{key: other.pub}]").status == 0


def test_a_denied_dataset_of_a_base_model_denies(make: Release, verify: Callable[..., Outcome]) -> None:
    """What a model was made from, it was made with, too."""
    make("child", ("parent", make("parent", datasets="[{name: LAION-5B}]")))
    deny = "  datasets: {deny: [{name: 'laion*'}]}\n"
    verify("parent", more=deny).failed(13, "policy.denied", "parent (generation 1) was made with LAION-5B")
    assert verify("parent").status == 0


# --- attacks


def test_a_cycle_in_the_evidence_of_base_models_ends(make: Release, verify: Callable[..., Outcome]) -> None:
    """Two releases that name each other, and one that names itself: each signed well, and nobody's ancestor."""
    parent = make("parent")
    child = make("child", ("parent", parent))
    assert make("parent", ("child", child)) == parent
    verify("parent").failed(13, "policy.denied", "child (generation 2)", "its own ancestor")
    make("child", ("child", child))
    verify("child").failed(13, "policy.denied", "child (generation 1)", "its own ancestor")


def test_a_name_without_a_digest_is_no_base_model(make: Release, verify: Callable[..., Outcome]) -> None:
    """Evidence of a model of that name could be that of any."""
    make("parent")
    make("child", ("parent", ""))
    verify("parent").failed(13, "policy.denied", "named without a digest")


def test_evidence_of_another_model_under_the_same_name_does_not_count(
    make: Release, verify: Callable[..., Outcome]
) -> None:
    """The digest decides."""
    make("parent")
    make("child", ("parent", "sha256:" + "ab" * 32))
    verify("parent").failed(13, "policy.denied", f"nothing that was given is about sha256:{'ab' * 32}")


def test_changed_evidence_of_a_base_model_does_not_count(
    make: Release, verify: Callable[..., Outcome], desk: Path
) -> None:
    """One statement less, or one byte other."""
    make("child", ("parent", make("parent")))
    manifest = desk / "dist/parent/evidence/manifest.sigstore.json"
    data = manifest.read_bytes()
    manifest.unlink()
    verify("parent").failed(13, "policy.denied", "does not hold")
    manifest.write_bytes(data.replace(b'"payload":"eyJ', b'"payload":"eyK', 1))
    verify("parent").failed(13, "policy.denied", "does not hold")
    manifest.write_bytes(data)
    assert verify("parent").status == 0


def test_evidence_of_a_base_model_is_no_evidence_of_the_model(make: Release, cli: Cli) -> None:
    """And its folder is no place for a key."""
    make("child", ("parent", make("parent")))
    cli("verify", "models/child", "--evidence", "dist/parent", "--key", "release.pub").failed(11, "files.changed")
    shutil.copy("release.pub", "dist/parent/k.pub")
    Path("ours.yaml").write_text(HEAD + "spec: {lineage: {baseModel: verified}}\n")
    words = (
        "verify",
        "models/child",
        "--evidence",
        "dist/child",
        "--policy",
        "ours.yaml",
        "--base-evidence",
        "dist/parent",
    )
    cli(*words, "--key", "dist/parent/k.pub").refused(2, "trust.place")


# --- by a summary


def test_a_summary_backs_a_base_model_whose_evidence_is_elsewhere(make: Release, cli: Cli, desk: Path) -> None:
    """Only by a verifier whom the policy names for base models; a FAILED one backs nothing."""
    make("child", ("parent", make("parent")))
    assert cli("keygen", "--output", "gate").status == 0
    (desk / "any.yaml").write_text(HEAD + "spec: {signers: [{key: release.pub}]}\n")
    (desk / "no.yaml").write_text(HEAD + "spec: {signers: [{key: release.pub}], slsa: {build: 2}}\n")
    own = ("--vsa-key", "gate.key", "--verifier-id", "https://acme.example/gate")
    folder = desk.with_name(f"{desk.name}-summaries")
    folder.mkdir()
    for policy, name in (("any.yaml", "yes.json"), ("no.yaml", "no.json")):
        cli("verify", "models/parent", "--evidence", "dist/parent", "--policy", policy, "--vsa", folder / name, *own)
    verifier = "{id: 'https://acme.example/gate', key: gate.pub}"
    (desk / "ours.yaml").write_text(
        f"{HEAD}spec: {{signers: [{{key: release.pub}}], lineage: {{baseModel: verified, verifiers: [{verifier}]}}}}\n"
    )
    words = ("verify", "models/child", "--evidence", "dist/child", "--policy", "ours.yaml")
    outcome = cli(*words, "--accept-vsa", folder / "yes.json")
    assert outcome.status == 0
    assert "backed 0 by evidence, 1 by summaries" in outcome.out
    cli(*words, "--accept-vsa", folder / "no.json").failed(13, "policy.denied", "nothing that was given")
    text = (desk / "ours.yaml").read_text().replace("acme.example/gate", "acme.example/other")
    (desk / "ours.yaml").write_text(text)
    cli(*words, "--accept-vsa", folder / "yes.json").failed(13, "policy.denied", "nothing that was given")
