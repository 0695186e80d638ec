"""YAML that people copy is valid where they put it, and names only inputs and hooks that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft7Validator
from pre_commit.clientlib import load_config

from model_provenance.formats.manifest import check_source

from .markdown import ROOT, pages

_SNIPPETS = [
    pytest.param(fence.text, id=f"{page.name}-{number}")
    for page in pages()
    if not page.name.startswith("spec/")
    for number, fence in enumerate(page.fences("yaml"))
]


@pytest.mark.parametrize("text", _SNIPPETS)
def test_a_snippet_is_valid_for_the_program_that_reads_it(text: str, tmp_path: Path) -> None:
    """A workflow for GitHub, an include for GitLab, a source manifest, a configuration for pre-commit; nothing else is shown."""
    value: dict[Any, Any] = yaml.safe_load(text)
    if "jobs" in value:
        _validate(value, "vendor.github-workflows")
        _check_action_inputs(value)
    elif "include" in value:
        _validate(value, "vendor.gitlab-ci")
        _check_component_inputs(value)
    elif "tests" in value:
        assert check_source(text.encode(), "model.yaml") == ()
    else:
        _check_hooks(text, value, tmp_path / ".pre-commit-config.yaml")


def test_there_are_snippets_for_each_surface() -> None:
    """README and docs/ci.md show GitHub, GitLab and pre-commit."""
    for name in ("README.md", "docs/ci.md"):
        page = next(page for page in pages() if page.name == name)
        text = "\n".join(fence.text for fence in page.fences("yaml"))
        assert all(word in text for word in ("uses: org/model-provenance@", "component:", "id: model-manifest"))


def test_the_job_that_signs_has_the_permission_and_nothing_more() -> None:
    """Workflows give nothing at the top; `id-token: write` only to the job that releases."""
    for page in pages():
        for fence in page.fences("yaml"):
            value = yaml.safe_load(fence.text)
            for job in (value.get("jobs") or {}).values():
                assert value["permissions"] == {}
                used = [job.get("uses", ""), *(step.get("uses", "") for step in job.get("steps", ()))]
                releases = any(re.match(r"org/model-provenance(/\S*release-model\.yml)?@", name) for name in used)
                assert ("id-token" in job["permissions"]) == releases
                assert set(job["permissions"]) <= {"contents", "id-token", "packages"}


def _validate(value: dict[Any, Any], schema: str) -> None:
    # YAML 1.1 reads the key `on` as true; GitHub does not.
    named = {"on" if key is True else key: child for key, child in value.items()}
    errors = [error.message for error in Draft7Validator(get_builtin_schema(schema)).iter_errors(named)]
    assert errors == []


def _check_action_inputs(workflow: dict[Any, Any]) -> None:
    for job in workflow["jobs"].values():
        for step in job.get("steps", ()):
            name, _, _ = step.get("uses", "").partition("@")
            if name.startswith("org/model-provenance"):
                action = yaml.safe_load(
                    (ROOT / name.removeprefix("org/model-provenance").strip("/") / "action.yml").read_text()
                )
                assert set(step["with"]) <= set(action["inputs"])
                assert {key for key, each in action["inputs"].items() if each.get("required")} <= set(step["with"])


def _check_component_inputs(pipeline: dict[Any, Any]) -> None:
    template = next(yaml.safe_load_all((ROOT / "templates" / "release" / "template.yml").read_text()))
    for include in pipeline["include"]:
        assert set(include["inputs"]) <= set(template["spec"]["inputs"])
        assert (ROOT / include.get("file", "templates/release/template.yml")).is_file()


def _check_hooks(text: str, value: dict[Any, Any], path: Path) -> None:
    path.write_text(text)
    assert [repository["repo"] for repository in load_config(path)["repos"]]
    offered = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {hook["id"] for repository in value["repos"] for hook in repository["hooks"]} <= offered
