"""The GitLab component and the plain include, run by gitlab-ci-local in its shell executor."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from model_provenance.cli.main import run as model_provenance
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

from .conftest import commit, copy_of_the_tool, git

pytestmark = pytest.mark.ci_surface

PIPELINE = """\
include:
  - {include}
    inputs:
      model: model
      name: minilm
      version: 1.0.0
      trust-config: trust-config.json
      sbom-engine: native
      tool-repository: {tool}
      tool-ref: main
"""


def gitlab(repository: Path, sim: SigstoreSim, tools: Path, tmp_path: Path, **overrides: str) -> tuple[int, str]:
    """Run the pipeline of the repository with a GitLab-shaped token; its status and log."""
    sha = git(repository, "rev-parse", "HEAD")
    env = RunnerEnv.gitlab(sim, directory=tmp_path / "runner", sha=sha, project_path="acme/minilm")
    variables = {k: v for k, v in env.items() if k.startswith("CI_") and k not in ("CI_PROJECT_DIR", "CI_BUILDS_DIR")}
    variables |= {"GITLAB_CI": "true", "CI": "true", "SIGSTORE_ID_TOKEN": env["SIGSTORE_ID_TOKEN"], **overrides}
    command = [str(tools / "node_modules/.bin/gitlab-ci-local"), "--force-shell-executor", "--no-color"]
    command += ["--ignore-predefined-vars", ",".join(variables)]
    for name, value in variables.items():
        command += ["--variable", f"{name}={value}"]
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    path = f"{tools / 'node/bin'}{os.pathsep}{os.environ['PATH']}"
    pip = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_", "SSL_", "REQUESTS_"))}
    answer = subprocess.run(
        command,
        cwd=repository,
        env={**pip, "PATH": path, "HOME": str(home), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return answer.returncode, answer.stdout + answer.stderr


def repository_of_the_tool(folder: Path) -> Path:
    """This checkout as a repository that a job can fetch from."""
    copy_of_the_tool(folder)
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    return folder


@pytest.mark.parametrize("way", ["component", "include"])
def test_the_component_and_the_include_release_a_model_that_verifies(
    way: str, repository: Path, sim: SigstoreSim, tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both ways of including the job give a keyless release that `verify` accepts for the project, and a dotenv report."""
    tool = repository_of_the_tool(tmp_path / "tool")
    if way == "component":
        body = (tool / "templates/release/template.yml").read_text()
        (repository / "templates/release").mkdir(parents=True)
        (repository / "templates/release/template.yml").write_text(body)
        include = "component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/release@$CI_COMMIT_SHA"
    else:
        body = (tool / "gitlab/model-provenance.gitlab-ci.yml").read_text()
        (repository / "model-provenance.gitlab-ci.yml").write_text(body)
        include = "local: /model-provenance.gitlab-ci.yml"
    (repository / ".gitlab-ci.yml").write_text(PIPELINE.format(include=include, tool=tool))
    (repository / "trust-config.json").write_text(sim.trust_config)
    git(repository, "remote", "set-url", "origin", "https://gitlab.com/acme/minilm.git")
    commit(repository)

    status, log = gitlab(repository, sim, tools, tmp_path)

    assert status == 0, log
    assert "SIGNED minilm 1.0.0" in log
    release = next(repository.rglob("dist/minilm-1.0.0"))
    root = tmp_path / "trusted-root.json"
    root.write_text(sim.trusted_root)
    status = model_provenance(
        [
            *("verify", str(repository / "model"), "--evidence", str(release), "--name", "minilm"),
            *("--version", "1.0.0", "--signer", "gitlab:acme/minilm", "--trusted-root", str(root)),
        ]
    )
    assert status == 0, capsys.readouterr()


def test_without_a_token_the_job_shows_the_lines_to_add(
    repository: Path, sim: SigstoreSim, tools: Path, tmp_path: Path
) -> None:
    """No `id_tokens`: the job fails and its log has the exact lines."""
    tool = repository_of_the_tool(tmp_path / "tool")
    (repository / "model-provenance.gitlab-ci.yml").write_text(
        (tool / "gitlab/model-provenance.gitlab-ci.yml").read_text()
    )
    include = "local: /model-provenance.gitlab-ci.yml"
    (repository / ".gitlab-ci.yml").write_text(PIPELINE.format(include=include, tool=tool))
    (repository / "trust-config.json").write_text(sim.trust_config)
    commit(repository)

    status, log = gitlab(repository, sim, tools, tmp_path, SIGSTORE_ID_TOKEN="")

    assert status != 0
    assert "SIGSTORE_ID_TOKEN" in log
    assert "aud: sigstore" in log
    assert not list(repository.rglob("dist"))
