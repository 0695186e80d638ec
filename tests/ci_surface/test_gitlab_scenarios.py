"""Releases and gates as GitLab jobs, in gitlab-ci-local's shell executor, with the tool that is already there.

`install: never` spares each pipeline the installation; test_gitlab.py has the jobs that fetch and install.
"""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from tests.policy.engine import needs_cel

from model_provenance.testing.registry_sim import RegistrySim
from model_provenance.testing.sigstore_sim import SigstoreSim

from .conftest import ROOT, commit, git
from .gitlab_golden import expanded, matches, scenario, steady
from .gitlab_project import GATE, RELEASE, Project, released

pytestmark = pytest.mark.ci_surface
HOSTILE = [
    'x" && touch pwned',
    "x'; touch pwned; '",
    "$(touch pwned)",
    "`touch pwned`",
    "x\n    - touch pwned",
    'a\\" b',
    "-x; touch pwned",
]


@pytest.fixture
def project(repository: Path, sim: SigstoreSim, tools: Path, tmp_path: Path) -> Project:
    """A project of its own for each test."""
    return Project(repository, sim, tools, tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The templates on the web, as a raw file of a release is."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *words: Any) -> None:
            super().__init__(*words, directory=str(ROOT))

        def log_message(self, format: str, *words: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def _remote(folder: Path) -> None:
    """The project of the templates on the server, with a tag."""
    shutil.copytree(ROOT / "gitlab", folder / "gitlab")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "uploadpack.allowFilter", "true")
    commit(folder)
    git(folder, "tag", "v1.0.0")


@pytest.mark.parametrize("way", ["component", "project", "local", "remote"])
def test_every_way_of_including_releases_and_lets_through(way: str, project: Project, server: str) -> None:
    """All four ways of including are the same two jobs: SIGNED with its reports, pushed, and let through by the gate."""
    ways = {
        "component": {"component": "$CI_SERVER_FQDN/$CI_PROJECT_PATH/{job}@$CI_COMMIT_SHA"},
        "project": {"project": "org/tools", "ref": "v1.0.0", "file": "/gitlab/{file}.gitlab-ci.yml"},
        "local": {"local": "/templates/{job}/template.yml"},
        "remote": {"remote": server + "/gitlab/{file}.gitlab-ci.yml"},
    }
    _remote(project.scratch / "remotes" / "org" / "tools.git")
    with RegistrySim() as registry:
        release = {**RELEASE, "push": f"{registry.host}/acme/minilm", "stage": "build"}
        gate = {**GATE, "model": "", "evidence": "", "reference": "$MODEL_PROVENANCE_REFERENCE"}
        project.write(("release", release), ("verify", gate), include=ways[way])

        done = project.run()
        matches("gitlab/both.yml", steady(expanded(project), project))

    assert done.status == 0, done.log
    assert "SIGNED minilm 1.0.0" in done.log
    assert f"PASS {registry.host}/acme/minilm@sha256:" in done.log
    links = json.loads(done.report("model-provenance-annotations.json").read_text())
    assert set(links) == {"model-provenance"}
    assert json.loads(done.report("sbom.cdx.json").read_text())["bomFormat"] == "CycloneDX"


@pytest.mark.parametrize(
    ("change", "result", "status", "case"),
    [
        ({}, "PASS", 0, None),
        ({"version": "1.0.1"}, "FAIL", 11, "failure"),
        ({"signer": "gitlab:acme/other"}, "FAIL", 10, "failure"),
        ({"version": ""}, "ERROR", 2, "error"),
        ({"evidence": "nowhere"}, "ERROR", 12, "error"),
    ],
    ids=["the release", "another version", "another signer", "no pin", "no evidence"],
)
def test_the_gate(
    change: dict[str, str],
    result: str,
    status: int,
    case: str | None,
    project: Project,
    request: pytest.FixtureRequest,
) -> None:
    """The gate passes exactly the pinned release of the pinned signer; else it is red, with a failing test case."""
    released(project)
    project.write(("verify", {**GATE, **change}))
    subprocess.run(["git", "add", "-f", "dist"], cwd=project.folder, check=True)
    commit(project.folder)

    done = project.run()

    assert (done.status == 0) == (result == "PASS"), done.log
    assert done.outputs["MODEL_PROVENANCE_RESULT"] == result, done.log
    assert ("MODEL_PROVENANCE_DIGEST" in done.outputs) == (result == "PASS")
    scenario(f"gate {request.node.callspec.id}", "verify", project, done)
    states = set(done.cases().values())
    assert (case is None and not states & {"failure", "error"}) or case in states
    assert status == 0 or re.search(rf"FAIL {status}\b", done.log), done.log


POLICY = """apiVersion: model-provenance/v1
kind: Policy
metadata: {name: deploy}
spec:
  signers: [{signer: "gitlab:acme/minilm"}]
  sbom: {formats: [spdx]}
  rules: [{id: small, expr: "files.all(f, f.size < %s)", message: a file is too large}]
"""


@needs_cel
@pytest.mark.parametrize(
    ("limit", "place", "result", "status"),
    [
        ("1000000000", "policy.yaml", "PASS", 0),
        ("10", "policy.yaml", "FAIL", 13),
        ("nothing", "policy.yaml", "ERROR", 15),
        ("1000000000", "model/policy.yaml", "ERROR", 2),
    ],
    ids=["allows", "denies", "cannot decide", "came with the model"],
)
def test_the_gate_with_a_policy(limit: str, place: str, result: str, status: int, project: Project) -> None:
    """The signer stands in the policy; what it denies is a failing case, what it cannot decide never passes."""
    released(project)
    (project.folder / place).write_text(POLICY % limit)
    project.write(("verify", {**GATE, "signer": "", "policy": place}))
    subprocess.run(["git", "add", "-f", "dist"], cwd=project.folder, check=True)
    commit(project.folder)

    done = project.run()

    assert (done.status == 0) == (result == "PASS"), done.log
    assert done.outputs["MODEL_PROVENANCE_RESULT"] == result, done.log
    assert status == 0 or re.search(rf"FAIL {status}\b", done.log), done.log
    assert ("rules/small" in done.log) == (place == "policy.yaml")
    scenario(f"policy {result} {status}", "verify", project, done)


def test_the_gate_refuses_changed_bytes(project: Project) -> None:
    """One byte of the weights: FAIL, and nothing to use by mistake among the outputs."""
    released(project)
    weights = project.folder / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    project.write(("verify", GATE))
    subprocess.run(["git", "add", "-f", "dist"], cwd=project.folder, check=True)
    commit(project.folder)

    done = project.run()

    assert done.status != 0
    assert done.outputs == {"MODEL_PROVENANCE_RESULT": "FAIL"}
    scenario("gate changed bytes", "verify", project, done)


@pytest.mark.parametrize(
    ("run", "env", "says"),
    [
        ({"id_token": False}, {"SIGSTORE_ID_TOKEN": ""}, ["aud: sigstore", "SIGSTORE_ID_TOKEN"]),
        ({"claims": {"exp": 1}}, {}, ["expired"]),
        ({"claims": {"aud": "https://gitlab.com"}}, {}, ["aud"]),
        ({"claims": {"project_path": "acme/other", "project_id": "7"}}, {}, ["token"]),
        ({"config_path": None}, {}, ["ci_config_ref_uri", "child pipelines"]),
        ({"claims": {"sha": "0" * 40}}, {}, ["token"]),
        ({}, {"SIGSTORE_ID_TOKEN": "not.a.token"}, ["token"]),
        ({"visibility": "private"}, {}, ["acme/minilm"]),
    ],
    ids=[
        "no token",
        "expired",
        "other audience",
        "another project",
        "config elsewhere",
        "another commit",
        "no jwt",
        "private",
    ],
)
def test_a_token_that_cannot_sign_is_named_and_nothing_is_published(
    run: dict[str, Any], env: dict[str, str], says: list[str], project: Project, request: pytest.FixtureRequest
) -> None:
    """The job is red before anything is signed: no folder, no log entry, nothing in the registry, and the reason in the log."""
    with RegistrySim() as registry:
        inputs = {**RELEASE, "push": f"{registry.host}/acme/minilm"}
        if run.get("visibility") == "private":
            inputs.pop("trust-config")
        project.write(("release", inputs))
        done = project.run(env=env, **run)

    assert done.status != 0, done.log
    for words in says:
        assert words in done.log, done.log
    assert "Traceback" not in done.log
    assert done.outputs == {"MODEL_PROVENANCE_RESULT": "ERROR"}
    assert set(done.cases().values()) == {"error"}
    assert not list(project.folder.rglob("minilm-1.0.0"))
    scenario(f"token {request.node.callspec.id}", "release", project, done)


def test_a_fault_of_the_manifest_is_an_issue_on_its_line(project: Project) -> None:
    """The code quality report names file and line, in the form that GitLab reads."""
    (project.folder / "model-manifest.yaml").write_text("license: MIT\nlicence: MIT\n")
    project.write(("release", {**RELEASE, "manifest": "model-manifest.yaml"}))

    done = project.run()

    issues = done.issues()
    assert done.status != 0
    assert [(i["check_name"], i["severity"], i["location"]) for i in issues] == [
        ("manifest.unknown_key", "critical", {"path": "model-manifest.yaml", "lines": {"begin": 2}})
    ]
    assert all(len(i["fingerprint"]) == 64 and i["description"] for i in issues)
    scenario("faulty manifest", "release", project, done)


def test_datasets_come_from_a_variable_one_a_line(project: Project) -> None:
    """GitLab's inputs have no line breaks, so a list stands in a variable that the input names."""
    (project.folder / "data").mkdir()
    (project.folder / "data" / "a.csv").write_text("1\n")
    digest = "sha256:" + "ab" * 32
    project.write(("release", {**RELEASE, "dataset": "$DATASETS"}))

    done = project.run(env={"DATASETS": f"acme/tickets=data\nbooks@{digest}\n"})

    assert done.status == 0, done.log
    manifest = json.loads(done.report("model-manifest.json").read_text())
    assert [(d["name"], d.get("digest_known")) for d in manifest["datasets"][:2]] == [
        ("acme/tickets", "observed"),
        ("books", None),
    ]
    scenario("datasets", "release", project, done)


def _strings(job: str) -> list[str]:
    header = yaml.safe_load((ROOT / "templates" / job / "template.yml").read_text().split("\n---\n")[0])
    inputs = header["spec"]["inputs"]
    return [n for n, v in inputs.items() if v.get("type", "string") == "string" and "options" not in v]


#: Any text is the name of a folder, of an image, or of a place that `install: never` does not go to.
ANY_TEXT = {"output", "oci-layout", "ignore-path", "image", "tool-repository"}
OWN = {"stage", "job-name", "image", "install", "tool-path"}


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("job", ["release", "verify"])
def test_hostile_text_in_every_string_input_runs_nothing(job: str, hostile: str, project: Project) -> None:
    """All string inputs at once, but those that name the tool and the job: refused by `regex`, or only a strange value."""
    refuses(project, job, dict.fromkeys((name for name in _strings(job) if name not in OWN), hostile))


@pytest.mark.parametrize(("job", "name"), [(job, name) for job in ("release", "verify") for name in _strings(job)])
def test_hostile_text_in_one_input_runs_nothing(job: str, name: str, project: Project) -> None:
    """Each string input alone, beside good values of all others: no other input stops the job before it is read."""
    good = RELEASE if job == "release" else GATE
    refuses(project, job, {**good, name: "$(touch pwned)`touch pwned`'; touch pwned; '"}, harmless=name in ANY_TEXT)


def refuses(project: Project, job: str, inputs: dict[str, Any], *, harmless: bool = False) -> None:
    """The pipeline is red or not created, unless the text is a good value; no command of the text has run."""
    project.write((job, inputs))

    done = project.run()

    assert harmless or done.status != 0, done.log
    assert "Traceback" not in done.log
    assert not list(project.folder.rglob("pwned"))
    assert not list(project.scratch.rglob("pwned"))


@pytest.mark.parametrize(
    "inputs",
    [
        {"model": None},
        {"layout": "zip"},
        {"allow-symlinks": "perhaps"},
        {"name": 'a"b'},
        {"tool-ref": "--upload-pack=x"},
    ],
    ids=["no model", "no such layout", "no boolean", "quote", "option as ref"],
)
def test_wrong_inputs_fail_before_a_job_runs(inputs: dict[str, Any], project: Project) -> None:
    """Missing, of the wrong type, or outside of `options` and `regex`: the pipeline is not created."""
    wanted = {k: v for k, v in {**RELEASE, **inputs}.items() if v is not None}
    project.write(("release", wanted))

    assert project.run("--list").status != 0


@pytest.mark.parametrize("name", ["templates/release/template.yml", "templates/verify/template.yml"])
def test_header_and_body_fit_the_schema_of_gitlab(name: str) -> None:
    """Both documents of a template, each against GitLab's own schema of a CI file; only `spec` and one job."""
    header, body = yaml.safe_load_all((ROOT / name).read_text())
    validator = jsonschema.Draft7Validator(get_builtin_schema("vendor.gitlab-ci"))
    assert [error.message for error in validator.iter_errors(header)] == []
    assert [error.message for error in validator.iter_errors(body)] == []
    assert list(header) == ["spec"]
    assert list(body) == ["$[[ inputs.job-name ]]"]


@pytest.mark.parametrize("job", ["release", "verify"])
def test_every_input_is_used_and_the_include_is_the_component(job: str) -> None:
    """Nothing is asked for and ignored; tests/surface holds where inputs stand."""
    text = (ROOT / "templates" / job / "template.yml").read_text()
    header, _ = yaml.safe_load_all(text)
    assert all(f"$[[ inputs.{name} ]]" in text for name in header["spec"]["inputs"])
    include = {"release": "model-provenance", "verify": "verify"}[job]
    assert (ROOT / "gitlab" / f"{include}.gitlab-ci.yml").read_text() == text


@pytest.mark.parametrize("job", ["release", "verify"])
def test_the_expanded_pipeline_is_the_golden_one(job: str, project: Project) -> None:
    """What remains when inputs are put in: one job, no global keyword, inputs behind their names in here-documents."""
    project.write((job, RELEASE if job == "release" else GATE))

    matches(f"{job}.yml", expanded(project))


@pytest.mark.parametrize("kind", ["release", "gate", "refused"])
def test_the_reports_are_the_golden_ones(kind: str, project: Project) -> None:
    """JUnit, code quality, links and dotenv of a release, of a gate that passes, and of one that refuses changed bytes."""
    if kind == "release":
        project.write(("release", RELEASE))
    else:
        released(project)
        if kind == "refused":
            (project.folder / "model" / "config.json").write_text("{}")
        project.write(("verify", GATE))
        git(project.folder, "add", "-f", "dist")
        commit(project.folder)
    done = project.run()
    names = ("model-provenance-junit.xml", "model-provenance-codequality.json", "model-provenance.env")
    names += ("model-provenance-annotations.json",) if kind == "release" else ()
    text = "".join(f"--- {name}\n{done.report(name).read_text().strip()}\n" for name in names)
    matches(f"gitlab-{kind}.reports.txt", steady(text, project))


def test_the_registry_of_gitlab_is_logged_in_to_with_the_token_of_the_job(project: Project) -> None:
    """No login is configured: `CI_REGISTRY` names the registry, `CI_JOB_TOKEN` opens it, and stands in no log."""
    with RegistrySim(auth="token") as registry:
        registry.USER, registry.PASSWORD = "gitlab-ci-token", "glcbt-64_secret"  # type: ignore[misc]
        project.write(("release", {**RELEASE, "push": f"{registry.host}/acme/minilm"}))
        login = {"CI_REGISTRY": registry.host, "CI_JOB_TOKEN": "glcbt-64_secret"}
        done = project.run(env=login)
        assert done.status == 0, done.log
        assert done.outputs["MODEL_PROVENANCE_REFERENCE"].startswith(f"{registry.host}/acme/minilm@sha256:")
        refused = project.run(env={**login, "CI_JOB_TOKEN": "another"})

    assert "glcbt-64_secret" not in done.log
    assert refused.status != 0
    assert "registry.denied" in refused.log
    assert "CI_JOB_TOKEN" in refused.log
