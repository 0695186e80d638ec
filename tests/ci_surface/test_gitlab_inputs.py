"""Inputs of the GitLab jobs are what the pipeline's file says, whoever sets variables of the same names."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from model_provenance.cli.catalogue import ci_names
from model_provenance.testing.registry_sim import RegistrySim
from model_provenance.testing.sigstore_sim import SigstoreSim

from .conftest import ROOT, commit, git
from .gitlab_project import GATE, RELEASE, Project, released

pytestmark = pytest.mark.ci_surface
#: What would let the release through that the gate's inputs refuse, and bring a program of somebody else.
WISHES = {
    "MODEL_PROVENANCE_SIGNER": "gitlab:acme/minilm",
    "MODEL_PROVENANCE_VERSION": "1.0.0",
    "MODEL_PROVENANCE_NAME": "minilm",
    "MODEL_PROVENANCE_MODEL": "model",
    "MODEL_PROVENANCE_INSTALL": "never",
}


@pytest.fixture
def project(repository: Path, sim: SigstoreSim, tools: Path, tmp_path: Path) -> Project:
    """A project with a release of its own."""
    project = Project(repository, sim, tools, tmp_path)
    released(project)
    return project


def gate(project: Project, *before: dict[str, Any], **inputs: str) -> None:
    """The gate, after further jobs, in a pipeline whose project holds the release."""
    project.write(("verify", {**GATE, **inputs}))
    path = project.folder / ".gitlab-ci.yml"
    jobs = {f"job {number}": job for number, job in enumerate(before)}
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **jobs}))
    subprocess.run(["git", "add", "-f", "dist"], cwd=project.folder, check=True)
    commit(project.folder)


def evil(project: Project) -> Path:
    """A program in the project that says PASS, and that it ran."""
    path = project.scratch / "evil"
    path.write_text(
        f"#!/bin/sh\ntouch {project.scratch}/ran\necho MODEL_PROVENANCE_RESULT=PASS >model-provenance.env\n"
    )
    path.chmod(0o755)
    return path


def test_a_variable_outranks_what_a_job_says_of_itself(project: Project) -> None:
    """The order of GitLab, which the runner of these tests has, too; without it they would show nothing."""
    job = {"stage": "test", "variables": {"SAID": "by the job"}, "script": ['echo "it is $SAID"']}
    (project.folder / ".gitlab-ci.yml").write_text(yaml.safe_dump({"job": job}))
    commit(project.folder)

    assert "it is by the project" in project.run(env={"SAID": "by the project"}).log


@pytest.mark.parametrize("wrong", [{"signer": "gitlab:acme/other"}, {"version": "1.0.1"}, {"name": "other"}], ids=str)
def test_variables_do_not_let_another_release_through(wrong: dict[str, str], project: Project) -> None:
    """A pipeline, project or group variable with the name of an input changes neither expectation nor program."""
    gate(project, **wrong)

    done = project.run(env={**WISHES, "MODEL_PROVENANCE_TOOL_PATH": str(evil(project))})

    assert done.status != 0
    assert done.outputs == {"MODEL_PROVENANCE_RESULT": "FAIL"}, done.log
    assert not (project.scratch / "ran").exists()


def test_variables_do_not_stop_the_right_release(project: Project) -> None:
    """The same the other way round: a variable that is left over somewhere breaks no deployment."""
    gate(project)

    done = project.run(
        env={"MODEL_PROVENANCE_SIGNER": "gitlab:acme/other", "MODEL_PROVENANCE_DIGEST": "sha256:" + "0" * 64}
    )

    assert done.status == 0, done.log
    assert done.outputs["MODEL_PROVENANCE_RESULT"] == "PASS"


def test_a_dotenv_report_of_an_earlier_job_changes_no_input(project: Project) -> None:
    """Whatever runs in the job that built the model can write one, and it outranks variables of the job, too."""
    lines = {**WISHES, "MODEL_PROVENANCE_TOOL_PATH": str(evil(project))}
    write = [f"echo {name}={value} >>build.env" for name, value in lines.items()]
    build = {"stage": "build", "script": write, "artifacts": {"reports": {"dotenv": "build.env"}}}
    gate(project, build, signer="gitlab:acme/other")

    done = project.run()

    assert done.outputs == {"MODEL_PROVENANCE_RESULT": "FAIL"}, done.log
    assert not (project.scratch / "ran").exists()


@pytest.mark.parametrize(
    ("env", "result"),
    [({"WANTED": "1.0.0"}, "PASS"), ({"WANTED": "1.0.1"}, "FAIL"), ({"WANTED": ""}, "ERROR"), ({}, "ERROR")],
    ids=["right", "wrong", "empty", "unset"],
)
def test_an_input_that_names_a_variable_is_that_variable(env: dict[str, str], result: str, project: Project) -> None:
    """By the wish of who wrote it; one that is not there is an error, although the digest alone would be a pin."""
    gate(project, version="$WANTED", digest=project_digest(project))

    done = project.run(env=env)

    assert done.outputs["MODEL_PROVENANCE_RESULT"] == result, done.log
    assert result != "ERROR" or "names the variable WANTED" in done.log


def project_digest(project: Project) -> str:
    """The model digest of the release in the project."""
    manifest = (project.folder / "dist/minilm-1.0.0/model-manifest.json").read_text()
    return str(yaml.safe_load(manifest)["model_digest"])


def test_a_gate_takes_the_reference_that_the_release_gave(project: Project) -> None:
    """In one pipeline: release, push, and a gate over HOST/REPO@sha256:… from the dotenv report of the release."""
    with RegistrySim() as registry:
        release = {**RELEASE, "push": f"{registry.host}/acme/minilm", "stage": "build"}
        reference = {"model": "", "evidence": "", "reference": "$MODEL_PROVENANCE_REFERENCE"}
        project.write(("release", release), ("verify", {**GATE, **reference}))

        done = project.run()

    assert done.status == 0, done.log
    assert f"PASS {registry.host}/acme/minilm@sha256:" in done.log


HOSTILE = [
    "END OF INPUTS",
    "x\u00a0END OF INPUTS",
    "'; touch pwned; '",
    "$(touch pwned)",
    "`touch pwned`",
    "${IFS}; touch pwned #",
    "<<'END OF INPUTS'",
    "-x & | > < * ? ~ ! # % ^ ( ) [ ] { }",
    "$[[ inputs.name ]]",
    " leading and trailing ",
    "- a: b # c",
    "é ü 模型 \U0001f980",
]


@pytest.mark.parametrize("shell", ["bash", "dash"])
@pytest.mark.parametrize("way", ["before the YAML is parsed", "after it"])
@pytest.mark.parametrize("job", ["release", "verify"])
def test_the_file_of_inputs_holds_every_input_to_the_letter(job: str, way: str, shell: str, tmp_path: Path) -> None:
    """Whatever `regex` lets through, put in by either way of GitLab: no command, no line more or less."""
    tool = tmp_path / "tool"
    tool.write_text(f'#!/bin/sh\ncat "$4" >{tmp_path}/seen\n')
    tool.chmod(0o755)
    own = {
        "stage": "test",
        "job-name": "gate",
        "image": "x",
        "tool-ref": "v1",
        "install": "never",
        "tool-path": str(tool),
    }
    for hostile in HOSTILE:
        given = {**dict.fromkeys((*ci_names(job), "tool-repository"), hostile), **own}

        script = _script(job, given, before=way.startswith("before"))
        done = subprocess.run([shell, "-e", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stderr
        assert (tmp_path / "seen").read_text() == "".join(f"{name}={hostile}\n" for name in ci_names(job))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["model-provenance.env", "seen", "tool"]
        assert done.stderr == ""


def _script(job: str, given: dict[str, str], *, before: bool) -> str:
    text = (ROOT / "templates" / job / "template.yml").read_text().split("\n---\n")[1]
    if before:
        for name, value in given.items():
            text = text.replace(f"$[[ inputs.{name} ]]", value.replace("$[[", "$\0[["))
    ((_, definition),) = yaml.safe_load(text.replace("\0", "\ue000")).items()
    script = "\n".join(definition["script"]).replace("\ue000", "")
    if not before:
        for name, value in given.items():
            script = script.replace(f"$[[ inputs.{name} ]]", value.replace("$[[", "$\0[["))
    return script.replace("\0", "")


@pytest.mark.parametrize("path", ["evil", "./evil", ""])
def test_a_tool_path_that_is_not_absolute_is_refused(path: str, tmp_path: Path) -> None:
    """A name would be looked up in PATH, which variables may have changed."""
    (tmp_path / "evil").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "evil").chmod(0o755)
    given = dict.fromkeys((*ci_names("verify"), "tool-repository"), "")
    given |= {"stage": "t", "job-name": "g", "image": "x", "tool-ref": "v1", "install": "never", "tool-path": path}

    done = subprocess.run(
        ["sh", "-e", "-c", _script("verify", given, before=True)],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "needs tool-path, the absolute path" in done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("repository", "runs"), [("{base}/mine", "mine"), ("$TOOLS/mine", "other")], ids=["written out", "by a variable"]
)
def test_the_tool_comes_from_the_repository_that_is_written_down(repository: str, runs: str, tmp_path: Path) -> None:
    """Variables change it only where it names one; they change neither how it is installed nor by which Python."""
    for name in ("mine", "other"):
        folder = tmp_path / name
        (folder / "tools").mkdir(parents=True)
        told = f"{name} $MODEL_PROVENANCE_INSTALL $MODEL_PROVENANCE_PYTHON $*"
        (folder / "tools" / "ci.sh").write_text(f'echo "{told}"\nexit 10\n')
        git(folder, "init", "-q", "-b", "main")
        commit(folder)
    given = dict.fromkeys(ci_names("verify"), "")
    given |= {"stage": "t", "job-name": "g", "image": "x", "tool-ref": "main", "install": "fresh", "tool-path": ""}
    script = _script("verify", {**given, "tool-repository": repository.format(base=tmp_path)}, before=False)
    env = {"MODEL_PROVENANCE_TOOL_REPOSITORY": str(tmp_path / "other"), "MODEL_PROVENANCE_TOOL_REF": "evil"}
    env |= {
        "MODEL_PROVENANCE_INSTALL": "never",
        "MODEL_PROVENANCE_TOOL_PATH": "/evil",
        "MODEL_PROVENANCE_PYTHON": "/evil",
    }

    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path), **env},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 10, done.stderr
    assert done.stdout.startswith(f"{runs} fresh python3 verify --inputs {tmp_path}")
    # Whatever the verdict is, nothing of the job stays behind.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "model-provenance.env", "other"]
