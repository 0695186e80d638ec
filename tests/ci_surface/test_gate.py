"""The gate: PASS is written last and only for the release that was pinned."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.keys import write_pair
from tests.policy.engine import needs_cel

from model_provenance.cli.main import run
from model_provenance.domain.digest import Digest
from model_provenance.testing.registry_sim import RegistrySim
from model_provenance.testing.sigstore_sim import SigstoreSim

from .conftest import commit
from .jobs import Step, github, matches_golden, run_step

pytestmark = pytest.mark.ci_surface

SIGNER = "github:acme/minilm#718293041/.github/workflows/release.yml@refs/tags/v1.0.0"


@dataclass
class Deployment:
    """A release, in a folder and in a registry, and the job that is to deploy it."""

    repository: Path
    trust: Path
    env: dict[str, str]
    reference: str
    digest: str
    registry: RegistrySim

    def gate(self, **inputs: str) -> Step:
        """`ci verify` with the inputs of a careful job, and `inputs` over them."""
        given = {
            "model": "model",
            "evidence": "dist/minilm-1.0.0",
            "name": "minilm",
            "version": "1.0.0",
            "signer": SIGNER,
            "trust_config": str(self.trust),
        }
        given = {name: value for name, value in {**given, **inputs}.items() if value}
        return run_step("verify", self.repository, self.env, **given)


@pytest.fixture
def deployment(repository: Path, sim: SigstoreSim, tmp_path: Path) -> Iterator[Deployment]:
    """Version 1.0.0 of minilm, released by a tag."""
    trust = tmp_path / "trust-config.json"
    trust.write_text(sim.trust_config)
    env = github(sim, tmp_path, repository, commit(repository), ref="refs/tags/v1.0.0")
    with RegistrySim() as registry:
        step = run_step(
            "release",
            repository,
            env,
            model="model",
            trust_config=str(trust),
            sbom_engine="native",
            push=f"{registry.host}/acme/minilm",
            check_run="never",
        )
        assert step.status == 0, step.log
        yield Deployment(repository, trust, env, step.outputs["reference"], step.outputs["digest"], registry)


Gate = Callable[..., Step]


def test_the_pinned_release_passes(deployment: Deployment) -> None:
    """A model with its evidence: PASS, digests, and the golden summary."""
    step = deployment.gate()

    assert step.status == 0, step.log
    assert step.outputs["result"] == "PASS"
    assert step.outputs["digest"] == deployment.digest
    assert step.outputs["reference"] == ""
    matches_golden("gate.summary.md", step.summary)


def test_the_reference_output_of_the_release_passes_and_comes_out_pinned(deployment: Deployment) -> None:
    """`reference: HOST/REPO@sha256:…` with a name is enough: the digest says which release."""
    step = deployment.gate(model="", evidence="", version="", reference=deployment.reference)

    assert step.status == 0, step.log
    assert step.outputs["reference"] == deployment.reference


def test_a_tag_is_resolved_once_and_comes_out_as_a_digest(deployment: Deployment) -> None:
    """Whoever moves the tag afterwards moves nothing that was verified."""
    tag = deployment.reference.partition("@")[0] + ":1.0.0"

    step = deployment.gate(model="", evidence="", reference=tag)

    assert step.status == 0, step.log
    assert step.outputs["reference"] == deployment.reference


@pytest.mark.parametrize(
    ("inputs", "status"),
    [
        ({"name": ""}, 2),
        ({"version": ""}, 2),
        ({"model": "", "evidence": ""}, 2),
        ({"reference": "127.0.0.1:1/acme/minilm:1.0.0"}, 2),
        ({"signer": ""}, 2),
        ({"version": "2.0.0"}, None),
        ({"name": "other"}, None),
        ({"digest": "sha256:" + "0" * 64}, None),
        ({"signer": "github:mallory/minilm"}, 10),
        ({"certificate_oidc_issuer": "https://github.acme.example/_services/token"}, 10),
        ({"certificate_oidc_issuer": "https://github.acme.example"}, 2),
        ({"signer": SIGNER.replace("v1.0.0", "v2.0.0")}, 10),
        ({"evidence": "nowhere"}, 12),
    ],
)
def test_anything_else_does_not(inputs: dict[str, str], status: int | None, deployment: Deployment) -> None:
    """Not PASS, not 0, no reference and no digest to use by mistake."""
    step = deployment.gate(**inputs)

    assert step.status != 0
    assert status in (None, step.status), step.log
    assert step.outputs["result"] in ("FAIL", "ERROR")
    assert step.outputs.keys() == {"result"}


def test_a_changed_byte_is_refused_with_its_file(deployment: Deployment) -> None:
    """11, FAIL, and the file is named in the summary and in an annotation."""
    weights = deployment.repository / "model/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")

    step = deployment.gate()

    assert step.status == 11
    assert step.outputs == {"result": "FAIL"}
    assert "model.safetensors" in step.summary
    assert step.annotations


def test_a_release_of_a_pull_request_needs_a_word(
    repository: Path, sim: SigstoreSim, tmp_path: Path, deployment: Deployment
) -> None:
    """The certificate says `pull_request`: refused by default, taken with `allow-event`."""
    env = github(sim, tmp_path, repository, commit(repository), event_name="pull_request")
    made = run_step(
        "release",
        repository,
        env,
        model="model",
        version="1.0.0",
        output="dist/pr",
        dry_run="false",
        trust_config=str(deployment.trust),
        sbom_engine="native",
    )
    signer = "github:acme/minilm#718293041/.github/workflows/release.yml"
    by_default = deployment.gate(evidence="dist/pr", signer=signer)
    allowed = deployment.gate(evidence="dist/pr", signer=signer, allow_event="pull_request")

    assert made.status == 0, made.log
    assert by_default.status == 10, by_default.log
    assert allowed.status == 0, allowed.log


def test_a_tampered_tag_is_refused(deployment: Deployment, repository: Path, sim: SigstoreSim, tmp_path: Path) -> None:
    """Another model under the expected tag has other evidence: the signed version is compared, not the tag."""
    (repository / "model/config.json").write_text('{"model_type": "gpt2"}')
    env = github(sim, tmp_path, repository, commit(repository), ref="refs/heads/attack")
    tag = deployment.reference.partition("@")[0]
    made = run_step(
        "release",
        repository,
        env,
        model="model",
        version="1.0.0",
        output="dist/attack",
        push=tag,
        allow_tag_move="true",
        trust_config=str(deployment.trust),
        sbom_engine="native",
        check_run="never",
    )
    assert made.status == 0, made.log

    step = deployment.gate(model="", evidence="", reference=f"{tag}:1.0.0")

    assert step.status != 0
    assert step.outputs == {"result": step.outputs["result"]}
    assert step.outputs["result"] in ("FAIL", "ERROR")


POLICY = f"""apiVersion: model-provenance/v1
kind: Policy
metadata: {{name: production-llm}}
spec:
  signers: [{{signer: "{SIGNER}"}}]
  sbom: {{formats: [spdx]}}
  licenses: {{allow: [Apache-2.0, MIT]}}
"""


def written(deployment: Deployment, text: str = POLICY, path: str = "policy.yaml") -> str:
    """A policy in the checkout of the deploying repository."""
    (deployment.repository / path).write_text(text)
    return path


def test_a_policy_names_who_must_have_signed_and_the_summary_shows_each_gate(deployment: Deployment) -> None:
    """`signer` may then be empty; without either the gate refuses."""
    step = deployment.gate(signer="", policy=written(deployment))
    assert (step.status, step.outputs["result"]) == (0, "PASS"), step.log
    assert "Policy production-llm: PASS" in step.summary
    assert "one of the named signers signed" in step.summary or "signer" in step.summary
    assert deployment.gate(signer="").status == 2


def test_a_policy_that_denies_stops_the_deployment(deployment: Deployment) -> None:
    """13 and FAIL, with what was found in the summary; no output that a later step could deploy."""
    step = deployment.gate(signer="", policy=written(deployment, POLICY.replace("Apache-2.0, MIT", "BSD-3-Clause")))
    assert (step.status, step.outputs["result"]) == (13, "FAIL"), step.log
    assert "Policy production-llm: FAIL" in step.summary
    assert "model-digest" not in step.outputs
    other = deployment.gate(signer="", policy=written(deployment, POLICY.replace("acme/minilm", "acme/other")))
    assert (other.status, other.outputs["result"]) == (10, "FAIL"), other.log


def test_a_waiver_and_its_approver_are_named_in_the_deploying_repository(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the policy denies passes with a waiver of its approver, and stays a warning; a waiver of somebody else is an ERROR."""
    folder = deployment.repository
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    text = POLICY.replace("Apache-2.0, MIT", "BSD-3-Clause") + "  waivers: {approvers: [{key: officer.pub}]}\n"
    digest = json.loads((folder / "dist/minilm-1.0.0/receipt.json").read_text())["model_digest"]
    words = ("--gate", "licenses", "--reason", "pilot", "--approver", "R", "--ticket", "T-1", "--expires", "2099-12-31")
    for name in ("officer", "other"):
        write_pair(folder / name)
        output = ("--key", str(folder / f"{name}.key"), "--output", str(folder / f"{name}.waiver"))
        assert run(["policy", "waive", digest, *words, *output]) == 0
    step = deployment.gate(signer="", policy=written(deployment, text), waiver="officer.waiver")
    assert (step.status, step.outputs["result"]) == (0, "PASS"), step.log
    assert "WAIVED" in step.summary
    step = deployment.gate(signer="", policy=written(deployment, text), waiver="officer.waiver\nother.waiver")
    assert (step.status, step.outputs["result"]) == (2, "ERROR"), step.log


@pytest.mark.parametrize(
    "path", ["model/policy.yaml", "dist/minilm-1.0.0/policy.yaml", "dist/minilm-1.0.0/evidence/p.yaml"]
)
def test_a_policy_that_came_with_the_model_is_refused(path: str, deployment: Deployment) -> None:
    """Whoever made the model wrote it: nothing is verified, and the result stays ERROR."""
    step = deployment.gate(signer="", policy=written(deployment, path=path))
    assert (step.status, step.outputs["result"]) == (2, "ERROR")
    assert "policy.place" in step.log


@needs_cel
def test_a_rule_that_cannot_be_answered_stops_the_deployment(deployment: Deployment) -> None:
    """In CEL and in Rego: 15 and ERROR. An `opa` that an earlier step has put on the PATH is not run."""
    undefined = POLICY + '  rules: [{id: eval, expr: "manifest.nothing > 1", message: no}]\n'
    step = deployment.gate(signer="", policy=written(deployment, undefined))
    assert (step.status, step.outputs["result"]) == (15, "ERROR"), step.log
    assert "rules/eval" in step.summary
    folder = deployment.repository.parent / "planted"
    folder.mkdir()
    (folder / "opa").write_text("#!/bin/sh\ntouch ran\n")
    (folder / "opa").chmod(0o755)
    source = b"package model_provenance\n"
    written(deployment, source.decode(), "rules.rego")
    pinned = f"  rego: [{{id: ours, file: rules.rego, digest: '{Digest.of(source)}', rules: [a]}}]\n"
    deployment.env["PATH"] = f"{folder}:{deployment.env['PATH']}"
    step = deployment.gate(signer="", policy=written(deployment, POLICY + pinned))
    assert (step.status, step.outputs["result"]) == (15, "ERROR"), step.log
    assert "is not run in CI" in step.summary
    assert not list(deployment.repository.rglob("ran"))


def test_a_memory_of_logs_that_was_written_to_stops_the_deployment(deployment: Deployment) -> None:
    """A runner that lives on remembers what logs have signed; a file that is not what was written there is looked at first."""
    deployment.env["XDG_STATE_HOME"] = str(deployment.repository.parent / "state")
    assert deployment.gate().status == 0
    [kept] = (deployment.repository.parent / "state/model-provenance/log-heads").iterdir()
    assert deployment.gate().status == 0
    kept.write_text("{}")
    step = deployment.gate()
    assert (step.status, step.outputs["result"]) == (15, "ERROR"), step.log
    assert str(kept) in step.log


def test_a_revoked_model_is_stopped_by_the_status_list(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy names who may revoke, the input where: 14 for a revoked model, 15 for a list that is not there."""
    folder = deployment.repository
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder.parent / "state"))
    write_pair(folder / "revoker")
    place = ("--status-list", str(folder / "status"), "--key", str(folder / "revoker.key"))
    assert run(["status", "publish", *place, "--list", "acme"]) == 0
    section = "  revocation: {revokers: [{key: revoker.pub}], maxStaleness: 24h}\n"
    given = {"signer": "", "policy": written(deployment, POLICY + section)}
    step = deployment.gate(**given, status_list="status")
    assert (step.status, step.outputs["result"]) == (0, "PASS"), step.log
    assert deployment.gate(**given, status_list="nowhere").status == 15
    assert deployment.gate(**given).status == 15
    digest = json.loads((folder / "dist/minilm-1.0.0/receipt.json").read_text())["model_digest"]
    assert run(["revoke", digest, *place, "--reason", "backdoor"]) == 0
    step = deployment.gate(**given, status_list="status")
    assert (step.status, step.outputs["result"]) == (14, "FAIL"), step.log
    assert "backdoor" in step.summary
