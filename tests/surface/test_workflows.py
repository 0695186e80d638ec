"""Actions, workflows and examples as text: what must hold of every one of them, whoever edits them next."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from model_provenance.cli.catalogue import ci_inputs

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
ACTIONS = ("action.yml", "release/action.yml", "verify/action.yml", "measure/action.yml")
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
EXAMPLES = sorted((ROOT / "examples/github").glob("*.yml"))
HOSTED = {"ubuntu-24.04", "ubuntu-latest"}


def loaded(path: Path) -> dict[str, Any]:
    """A YAML file; GitHub's `on` is YAML's true."""
    value: dict[str, Any] = yaml.safe_load(path.read_text())
    return value


@pytest.mark.parametrize("path", [*WORKFLOWS, *EXAMPLES], ids=lambda path: path.name)
def test_every_job_is_hosted_and_says_what_it_may(path: Path) -> None:
    """No permission by default, explicit ones in each job, and no runner that somebody else administers."""
    workflow = loaded(path)

    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert "permissions" in job, name
        assert job.get("runs-on") in HOSTED or "uses" in job, name


def test_the_job_that_runs_the_users_code_has_no_identity() -> None:
    """The reusable workflow: `build` cannot ask for a token, `sign` runs no code of the caller and takes the digest."""
    jobs = loaded(ROOT / ".github/workflows/release-model.yml")["jobs"]

    assert jobs["build"]["permissions"] == {"contents": "read"}
    assert jobs["sign"]["permissions"]["id-token"] == "write"
    guard, room = [step["run"] for step in jobs["sign"]["steps"] if "run" in step]
    assert room == 'rm -rf -- "./$MODEL"'
    assert "${{" not in guard
    release = next(step for step in jobs["sign"]["steps"] if step.get("id") == "release")
    assert release["with"]["files-digest"] == "${{ needs.build.outputs.files-digest }}"
    assert all("env" not in job and "container" not in job and "services" not in job for job in jobs.values())


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 0),
        ({"MANIFEST": "model-manifest.yaml", "TRUST_CONFIG": "ci/trust.json"}, 0),
        ({"FILES_DIGEST": ""}, 11),
        ({"FILES_DIGEST": "sha256:" + "g" * 64}, 11),
        ({"MANIFEST": "model/model-manifest.yaml"}, 2),
        ({"TRUST_CONFIG": "./ci/../model//trust.json"}, 2),
        ({"TRUST_CONFIG": "model"}, 2),
        ({"DATASET": "snli@sha256:" + "a" * 64 + "\nwiki=data/wiki = 1\ndata/more.json\n"}, 0),
        ({"DATASET": "data/more.json\nwiki=model/wiki"}, 2),
        ({"DATASET": "./model/x.json"}, 2),
    ],
)
def test_the_signing_job_insists_on_a_digest_and_on_files_that_no_build_wrote(
    changed: dict[str, str], status: int, tmp_path: Path
) -> None:
    """A digest that got lost would leave the files unchecked; a trust config in the artifact would choose the signer's CA."""
    steps = loaded(ROOT / ".github/workflows/release-model.yml")["jobs"]["sign"]["steps"]
    guard = next(step["run"] for step in steps if "run" in step)
    inputs = {
        "FILES_DIGEST": "sha256:" + "a" * 64,
        "MODEL": "model/",
        "MANIFEST": "",
        "TRUST_CONFIG": "",
        "DATASET": "",
        **changed,
    }
    env = {"PATH": os.environ["PATH"], **inputs}

    answer = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", guard], cwd=tmp_path, env=env, capture_output=True, check=False
    )

    assert answer.returncode == status, answer.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_uses_is_pinned(path: Path) -> None:
    """By full commit, or as a part of this very commit (`$/`)."""
    for name in re.findall(r"uses: (\S+)", path.read_text().partition("\nname:")[2]):
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}|\$/\w+", name), name


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_uses_no_other_and_puts_no_input_into_a_script(name: str) -> None:
    """Composite and thin: one step, inputs only as variables, outputs only of that step."""
    action = loaded(ROOT / name)

    (step,) = action["runs"]["steps"]
    assert "uses" not in step
    assert "${{" not in step["run"]
    assert set(step["env"]) == {f"MODEL_PROVENANCE_{key.upper().replace('-', '_')}" for key in action["inputs"]}
    assert all(
        output["value"] == f"${{{{ steps.{step['id']}.outputs.{key} }}}}" for key, output in action["outputs"].items()
    )
    assert action["branding"] == {"icon": "shield", "color": "purple"}


@pytest.mark.parametrize(("job", "module"), [("release", "ci"), ("verify", "ci_verify")])
def test_every_input_is_read(job: str, module: str) -> None:
    """An input that the catalogue offers and nobody reads would be ignored in silence."""
    source = (ROOT / f"src/model_provenance/flows/{module}.py").read_text()
    words = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}

    assert {option.name for option in ci_inputs(job)} <= words


@pytest.mark.parametrize("system", ["Windows", "Linux"])
def test_the_script_says_what_is_missing(system: str, tmp_path: Path) -> None:
    """On Windows, and without Python, one line says what to do; `result` is ERROR before anything else."""
    output = tmp_path / "output"
    shell = shutil.which("sh") or "/bin/sh"
    environment = {"GITHUB_OUTPUT": str(output), "GITHUB_ACTIONS": "true", "RUNNER_OS": system}
    environment |= {"PATH": "/usr/bin:/bin", "MODEL_PROVENANCE_PYTHON": "no-such-python"}

    answer = subprocess.run(
        [shell, str(ROOT / "tools/ci.sh"), "release"], env=environment, capture_output=True, text=True
    )

    assert answer.returncode == 22
    assert output.read_text() == "result=ERROR\n"
    assert answer.stdout.startswith("::error title=model-provenance::")
    assert len(answer.stdout.splitlines()) == 1
    assert ("Windows" if system == "Windows" else "actions/setup-python") in answer.stdout


def test_linters_have_nothing_to_say(tmp_path: Path) -> None:
    """Zizmor as an auditor, actionlint, and GitHub's own schemas: no finding in actions, workflows and examples."""
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    for path in [*WORKFLOWS, *EXAMPLES]:
        shutil.copy(path, folder / path.name)
    files = sorted(map(str, folder.iterdir()))
    actions = [str(ROOT / name) for name in ACTIONS]
    commands = [
        [BIN / "zizmor", "--offline", "--quiet", "--persona=auditor", *actions, *map(str, WORKFLOWS)],
        [BIN / "actionlint", *files],
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files],
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-actions", *actions],
    ]
    for command in commands:
        answer = subprocess.run(list(map(str, command)), cwd=tmp_path, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stdout + answer.stderr
