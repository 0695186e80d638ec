"""YAML that people copy is valid where they put it, and names only inputs and hooks that exist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .markdown import ROOT, pages

_SNIPPETS = [
    pytest.param(fence.text, id=f"{page.name}-{number}")
    for page in pages()
    if not page.name.startswith("spec/")
    for number, fence in enumerate(page.fences("yaml"))
]


@pytest.mark.parametrize("text", _SNIPPETS)
def test_a_snippet_is_valid_for_the_program_that_reads_it(text: str, tmp_path: Path) -> None:
    """A workflow for GitHub, an include for GitLab, a configuration for pre-commit; nothing else is shown."""
    value: dict[Any, Any] = yaml.safe_load(text)
    if "jobs" in value:
        _validate(text, "vendor.github-workflows", tmp_path / "workflow.yml")
        _check_action_inputs(value)
    elif "include" in value:
        _validate(text, "vendor.gitlab-ci", tmp_path / ".gitlab-ci.yml")
        _check_component_inputs(value)
    else:
        _check_hooks(text, value, tmp_path / ".pre-commit-config.yaml")


def test_there_are_snippets_for_each_surface() -> None:
    """README and docs/ci.md show GitHub, GitLab and pre-commit."""
    for name in ("README.md", "docs/ci.md"):
        page = next(page for page in pages() if page.name == name)
        text = "\n".join(fence.text for fence in page.fences("yaml"))
        assert all(word in text for word in ("uses: org/model-provenance@", "component:", "id: model-manifest"))


def test_the_job_that_signs_has_the_permission_and_nothing_more() -> None:
    """Workflows give `id-token: write` and `contents: read` to the job, and nothing to the others."""
    for page in pages():
        for fence in page.fences("yaml"):
            value = yaml.safe_load(fence.text)
            for job in (value.get("jobs") or {}).values():
                assert value["permissions"] == {}
                assert job["permissions"] == {"contents": "read", "id-token": "write"}


def _validate(text: str, schema: str, path: Path) -> None:
    path.write_text(text)
    command = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", schema, path]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def _check_action_inputs(workflow: dict[Any, Any]) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if step["uses"].startswith("org/model-provenance"):
                assert set(step["with"]) <= set(action["inputs"])


def _check_component_inputs(pipeline: dict[Any, Any]) -> None:
    template = next(yaml.safe_load_all((ROOT / "templates" / "release" / "template.yml").read_text()))
    for include in pipeline["include"]:
        assert set(include["inputs"]) <= set(template["spec"]["inputs"])
        assert (ROOT / include.get("file", "templates/release/template.yml")).is_file()


def _check_hooks(text: str, value: dict[Any, Any], path: Path) -> None:
    path.write_text(text)
    command = [sys.executable, "-m", "pre_commit", "validate-config", path]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    offered = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {hook["id"] for repository in value["repos"] for hook in repository["hooks"]} <= offered
