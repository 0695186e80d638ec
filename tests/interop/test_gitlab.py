"""GitLab jobs on the real servers: released and let through by our components, pushed to a registry that asks for a login."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from tests.ci_surface.conftest import commit, git
from tests.ci_surface.gitlab_project import GATE, RELEASE, Project
from tests.interop.conftest import ROOT, missing
from tests.interop.registries import start
from tests.interop.releasing import write_model
from tests.interop.stack import Stack

#: bcrypt of `secret`, made for these tests.
_USERS = """\
users: {gitlab-ci-token: {cred: "$2b$05$modelprovenancetests.ug3XSqVDzsZRHo/bdiV6Zy.FlJuW0cj6"}}
acls:
  - {repo: "*", members: ["gitlab-ci-token"], access: ["read", "write", "delete"]}
  - {repo: "", members: ["gitlab-ci-token"], access: ["read"]}
"""


@pytest.fixture
def project(stack: Stack, tmp_path: Path) -> Project:
    """A project whose jobs get their tokens, certificates, entries and timestamps from the servers."""
    spec = importlib.util.spec_from_file_location("ci_tools", ROOT / "tools" / "ci_tools.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tools: Path = module.cache()
    if not (tools / "done").exists():
        missing("gitlab-ci-local is not installed")
    folder = tmp_path / "minilm"
    write_model(folder / "model")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", "https://gitlab.com/acme/minilm.git")
    commit(folder)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Project(folder, stack, tools, scratch)


@pytest.mark.matrix("runs", "GitLab components: release with CI_JOB_TOKEN, then the gate", "servers, olareg")
def test_components_release_and_let_through(project: Project, tools: ModuleType, tmp_path: Path) -> None:
    """SIGNED and pushed with the job's token; the gate passes by reference, and refuses another version."""
    (tmp_path / "users.yaml").write_text(_USERS)
    words = ("--auth-basic", str(tmp_path / "users.yaml"), "--external-url", "http://127.0.0.1:PORT")
    registry = start("olareg", tmp_path / "registry", tools, *words)
    assert registry is not None
    try:
        login = {"CI_REGISTRY": registry.host, "CI_JOB_TOKEN": "secret"}
        project.write(("release", {**RELEASE, "push": f"{registry.host}/acme/minilm"}))
        done = project.run(env=login)
        assert done.status == 0, done.log
        reference = done.outputs["MODEL_PROVENANCE_REFERENCE"]
        assert reference.startswith(f"{registry.host}/acme/minilm@sha256:")
        shutil.rmtree(project.folder / ".gitlab-ci-local", ignore_errors=True)
        gate = {key: value for key, value in GATE.items() if key not in ("model", "evidence")}
        for version, passes in (("1.0.0", True), ("1.0.1", False)):
            project.write(("verify", {**gate, "reference": reference, "version": version}))
            done = project.run(env=login)
            assert (done.status == 0) is passes, done.log
            assert done.outputs["MODEL_PROVENANCE_RESULT"] == ("PASS" if passes else "FAIL"), done.log
    finally:
        registry.stop()
