"""The actions, the reusable workflow and the examples, run as they are by act in host mode against a loopback Sigstore."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.policy.engine import needs_cel

from model_provenance.cli.main import run as model_provenance
from model_provenance.domain.evidence import SignerIdentity
from model_provenance.formats import certificate
from model_provenance.formats.bundle import parse_bundle
from model_provenance.formats.slsa_level import ReviewedBuilder, slsa_level
from model_provenance.testing.github_api import GitHubApi
from model_provenance.testing.registry_sim import RegistrySim
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

from .act import Job, act, fetched, with_defaults
from .conftest import ROOT, commit

pytestmark = pytest.mark.ci_surface

EXAMPLES = ROOT / "examples" / "github"
BUILDER = "org/model-provenance/.github/workflows/release-model.yml"
WORKFLOW = """\
on: [push, pull_request]
permissions: {id-token: write, contents: read}
jobs:
  release:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v7
      - id: model
        uses: org/model-provenance@v1
        with:
          model: model
      - if: always()
        run: cp -r dist "$KEEP"/ || true
      - if: always()
        env:
          RESULT: ${{ steps.model.outputs.result }}
          DIGEST: ${{ steps.model.outputs.digest }}
          BUNDLE: ${{ steps.model.outputs.bundle-path }}
        run: echo "result=$RESULT digest=$DIGEST bundle=$BUNDLE"
"""


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a runner fetches for `uses: org/model-provenance@v1`. act has no `$/`, which means this repository."""
    return fetched(tmp_path_factory.mktemp("checkout") / "tool")


@pytest.fixture(scope="session")
def prepared(checkout: Path, sim: SigstoreSim, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with other defaults: the loopback Sigstore, and the installed tool instead of an installation a job."""
    return with_defaults(checkout, tmp_path_factory.mktemp("prepared") / "tool", sim.trust_config)


def repository_with(repository: Path, workflow: str, *, name: str = "release.yml") -> str:
    """Commit a workflow; the commit."""
    path = repository / ".github/workflows" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(workflow)
    return commit(repository)


def example(name: str, registry: RegistrySim) -> str:
    """An example as it stands, but for the registry that it pushes to."""
    text: str = (EXAMPLES / name).read_text()
    return text.replace("ghcr.io/", f"{registry.host}/")


def outputs_of(job: Job) -> Mapping[str, str]:
    """Lines `name=value` that the workflow printed."""
    return dict(
        re.findall(r"\b([a-z]+)=(\S*)", next(iter(re.findall(r"result=\w* digest=\S* bundle=\S*", job.log)), ""))
    )


def test_three_lines_of_yaml_make_a_release_that_verifies(
    repository: Path, sim: SigstoreSim, checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A push installs the tool fresh and by hash, and releases keyless; `verify` accepts what comes out."""
    inputs = "model: model\n          trust-config: trust-config.json\n          sbom-engine: native\n"
    (repository / "trust-config.json").write_text(sim.trust_config)
    sha = repository_with(repository, WORKFLOW.replace("model: model\n", inputs))
    env = RunnerEnv.github(sim, directory=tmp_path / "runner", sha=sha)

    job = act(repository, env, tmp_path, checkout)

    assert job.status == 0, job.log
    assert outputs_of(job)["result"] == "SIGNED"
    assert "SIGNED: minilm" in job.summary
    root = tmp_path / "trusted-root.json"
    root.write_text(sim.trusted_root)
    release = tmp_path / "dist" / f"minilm-0.0.0-{sha[:12]}"
    signer = "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main"
    status = model_provenance(
        [
            *("verify", str(repository / "model"), "--evidence", str(release), "--signer", signer),
            *("--name", "minilm", "--version", f"0.0.0-{sha[:12]}", "--trusted-root", str(root)),
        ]
    )
    assert status == 0, capsys.readouterr()


def test_without_permission_the_job_fails_and_shows_the_lines_to_add(
    repository: Path, sim: SigstoreSim, prepared: Path, tmp_path: Path
) -> None:
    """No `id-token: write`: the job is red, `result` stays ERROR, and the summary shows the exact permission."""
    sha = repository_with(repository, WORKFLOW)
    env = RunnerEnv.github(sim, directory=tmp_path / "runner", sha=sha, id_token=False)

    job = act(repository, env, tmp_path, prepared)

    assert job.status != 0
    assert "result=ERROR digest= bundle=" in job.log
    assert "id-token: write" in job.summary
    assert not (tmp_path / "dist").exists()


def test_a_pull_request_of_a_fork_is_an_unsigned_dry_run(
    repository: Path, sim: SigstoreSim, prepared: Path, tmp_path: Path
) -> None:
    """A fork's pull request stays green, says UNSIGNED, and leaves the digest output empty."""
    sha = repository_with(repository, WORKFLOW)
    run = {"event_name": "pull_request", "head_repository": "stranger/minilm"}
    env = RunnerEnv.github(sim, directory=tmp_path / "runner", sha=sha, **run)

    job = act(repository, env, tmp_path, prepared, event="pull_request")

    assert job.status == 0, job.log
    assert "result=UNSIGNED digest= " in job.log
    assert "UNSIGNED, a dry run: minilm" in job.summary


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ("install: never", "install: never needs tool-path"),
        ("install: never\n          tool-path: model-provenance", "tool-path is not absolute"),
        ("install: never\n          tool-path: /does/not/exist", "tool-path names nothing"),
        ("install: maybe", "install is neither"),
    ],
)
def test_a_tool_is_named_by_its_place_or_installed(
    inputs: str, words: str, repository: Path, sim: SigstoreSim, checkout: Path, tmp_path: Path
) -> None:
    """Nothing is looked up in PATH, where an earlier step may have put something else."""
    sha = repository_with(repository, WORKFLOW.replace("model: model\n", f"model: model\n          {inputs}\n"))

    job = act(repository, RunnerEnv.github(sim, directory=tmp_path / "runner", sha=sha), tmp_path, checkout)

    assert job.status != 0
    assert "result=ERROR" in job.log
    assert words in job.log


# --- the examples -----------------------------------------------------------------------------------------------------


def test_example_release(repository: Path, sim: SigstoreSim, prepared: Path, tmp_path: Path) -> None:
    """examples/github/release.yml: a tag is signed, pushed under its version, and a check stands at the commit."""
    (repository / "model.yaml").write_text("license: Apache-2.0\n")
    with RegistrySim() as registry, GitHubApi() as api:
        sha = repository_with(repository, example("release.yml", registry))
        run = {"ref": "refs/tags/v1.0.0", "variables": {"GITHUB_API_URL": api.url}}
        env = RunnerEnv.github(sim, directory=tmp_path / "runner", sha=sha, **run)
        job = act(repository, env, tmp_path, prepared, token=api.token)

    assert job.status == 0, job.log
    assert "SIGNED: minilm 1.0.0" in job.summary
    assert f"{registry.host}/acme/minilm" in job.summary
    assert [check["name"] for check in api.checks] == ["model-provenance / minilm"]
    assert api.token not in job.log + job.summary


def test_example_gate(repository: Path, sim: SigstoreSim, prepared: Path, tmp_path: Path) -> None:
    """examples/github/gate.yml: the second job verifies the first one's `reference` and deploys by digest."""
    with RegistrySim() as registry:
        sha = repository_with(repository, example("gate.yml", registry), name="gate.yml")
        run = {"ref": "refs/tags/v1.0.0", "workflow": ".github/workflows/gate.yml"}
        job = act(repository, RunnerEnv.github(sim, directory=tmp_path / "runner", sha=sha, **run), tmp_path, prepared)

    assert job.status == 0, job.log
    assert re.search(rf"deploying {re.escape(registry.host)}/acme/minilm@sha256:[0-9a-f]{{64}}", job.log)
    assert "SIGNED: minilm 1.0.0" in job.summary
    assert "PASS: " in job.summary
    assert "expect.unpinned" not in job.log


@needs_cel
def test_a_gate_with_a_policy_needs_no_signer(
    repository: Path, sim: SigstoreSim, prepared: Path, tmp_path: Path
) -> None:
    """The policy lies in the checkout of the deploying repository; its decision stands in the summary."""
    policy = """apiVersion: model-provenance/v1
kind: Policy
metadata: {name: deploy}
spec:
  signers: [{signer: "github:acme/minilm#718293041/.github/workflows/gate.yml@refs/tags/v1.0.0"}]
  sbom: {formats: [spdx, cyclonedx]}
  rules: [{id: small, expr: "files.all(f, f.size < 1000000000)", message: a file is larger than 1 GB}]
"""
    (repository / "policy.yaml").write_text(policy)
    with RegistrySim() as registry:
        text = example("gate.yml", registry)
        signer = "signer: github:acme/minilm#718293041/.github/workflows/gate.yml"
        assert signer in text
        text = text.replace(signer, "policy: policy.yaml")
        text = text.replace("      - id: gate\n", "      - uses: actions/checkout@v7\n      - id: gate\n")
        sha = repository_with(repository, text, name="gate.yml")
        run = {"ref": "refs/tags/v1.0.0", "workflow": ".github/workflows/gate.yml"}
        job = act(repository, RunnerEnv.github(sim, directory=tmp_path / "runner", sha=sha, **run), tmp_path, prepared)

    assert job.status == 0, job.log
    assert "deploying " in job.log
    assert "Policy deploy: PASS" in job.summary
    assert "rules/small" in job.summary


def test_example_pull_request(repository: Path, sim: SigstoreSim, prepared: Path, tmp_path: Path) -> None:
    """examples/github/pull-request.yml: the check says what changed since the highest version in the registry."""
    (repository / "model.yaml").write_text("license: Apache-2.0\n")
    with RegistrySim() as registry, GitHubApi() as api:
        given = f"model: model\n          version: 1.0.0\n          push: {registry.host}/acme/minilm\n"
        sha = repository_with(repository, WORKFLOW.replace("model: model\n", given))
        first = act(repository, RunnerEnv.github(sim, directory=tmp_path / "first", sha=sha), tmp_path, prepared)
        assert first.status == 0, first.log
        (repository / "model/tokenizer.json").write_text('{"model": {"type": "WordPiece", "vocab": {"a": 0}}}')
        sha = repository_with(repository, example("pull-request.yml", registry))
        run = {"event_name": "pull_request", "variables": {"GITHUB_API_URL": api.url}}
        env = RunnerEnv.github(sim, directory=tmp_path / "runner", sha=sha, **run)
        job = act(repository, env, tmp_path, prepared, event="pull_request", token=api.token)

    assert job.status == 0, job.log
    (check,) = api.checks
    assert "Changes since minilm 1.0.0" in check["output"]["summary"]
    assert "tokenizer.json" in check["output"]["summary"]


# --- the reusable workflow --------------------------------------------------------------------------------------------


def signer_of(bundle: Path) -> SignerIdentity:
    """Whom the certificate of a bundle names."""
    return certificate.identity(certificate.load(parse_bundle(bundle.read_bytes()).material.certificates[0]))


DATASET = "snli@sha256:" + "d" * 64


def train_and_release(
    repository: Path, sim: SigstoreSim, prepared: Path, tmp_path: Path, registry: RegistrySim, **more: str
) -> Job:
    """examples/github/train-and-release.yml, with a training that writes one more file."""
    (repository / "model.yaml").write_text("license: Apache-2.0\n")
    (repository / "train.py").write_text('open("model/trained.txt", "w").write("trained")\n')
    text = example("train-and-release.yml", registry).replace(
        "model: model/", f'model: model/\n      dataset: "{DATASET}"', 1
    )
    sha = repository_with(repository, text, name="train-and-release.yml")
    env = RunnerEnv.github(
        sim,
        directory=tmp_path / "runner",
        sha=sha,
        ref="refs/tags/v1.0.0",
        workflow=".github/workflows/train-and-release.yml",
        job_workflow_ref=f"{BUILDER}@refs/tags/v1",
        job_workflow_sha="c" * 40,
    )
    return act(repository, env, tmp_path, prepared, **more)


def test_the_isolated_job_signs_what_the_build_job_measured(
    repository: Path, sim: SigstoreSim, prepared: Path, tmp_path: Path
) -> None:
    """Built in one job, signed in another by the reusable workflow, let through by the gate that names it as builder."""
    with RegistrySim() as registry:
        job = train_and_release(repository, sim, prepared, tmp_path, registry)

    assert job.status == 0, job.log
    assert "SIGNED: minilm 1.0.0" in job.summary
    assert re.search(r"deploying \S+/acme/minilm@sha256:[0-9a-f]{64}", job.log)
    release = tmp_path / "store/model-provenance-release/minilm-1.0.0"
    assert "trained.txt" in (release / "MODEL.SHA256SUMS").read_text()
    assert "d" * 64 in (release / "model-manifest.json").read_text()
    signer = signer_of(release / "evidence/provenance.sigstore.json")
    reviewed = ReviewedBuilder(f"https://github.com/{BUILDER}", frozenset({"c" * 40}))
    assert slsa_level(signer, has_provenance=True)[0] == 2
    assert slsa_level(signer, has_provenance=True, reviewed=(reviewed,))[0] == 3


def test_files_that_were_changed_between_the_jobs_are_not_signed(
    repository: Path, sim: SigstoreSim, prepared: Path, tmp_path: Path
) -> None:
    """Whoever can write to the artifact store cannot write a job output: the signing job refuses."""
    with RegistrySim() as registry:
        job = train_and_release(repository, sim, prepared, tmp_path, registry, TAMPER="yes")

    assert job.status != 0
    assert "ERROR: release.files" in job.summary
    assert "deploying" not in job.log
