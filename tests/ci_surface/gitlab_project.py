"""A GitLab project whose pipeline gitlab-ci-local runs in its shell executor, and what a pipeline leaves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.ci_surface.conftest import ROOT, commit, git
from tests.report.gitlab_reader import cases_of, issues

from model_provenance.testing.runner_env import RunnerEnv

RELEASE = {
    "model": "model",
    "name": "minilm",
    "version": "1.0.0",
    "trust-config": "trust-config.json",
    "sbom-engine": "native",
}
GATE = {
    "model": "model",
    "evidence": "dist/minilm-1.0.0",
    "name": "minilm",
    "version": "1.0.0",
    "signer": "gitlab:acme/minilm",
    "trust-config": "trust-config.json",
}
#: The plain include of each component, and the place of the component in a project that has copied both.
FILES = {"release": "model-provenance", "verify": "verify"}
LOCAL = {"local": "/templates/{job}/template.yml"}


@dataclass
class Done:
    """What a pipeline left."""

    status: int
    log: str
    folder: Path
    out: str = ""

    def report(self, name: str) -> Path:
        """A file that the job left in its folder."""
        return next(path for path in self.folder.rglob(name) if path.is_file())

    @property
    def outputs(self) -> dict[str, str]:
        """The dotenv report."""
        return dict(line.split("=", 1) for line in self.report("model-provenance.env").read_text().splitlines())

    def cases(self) -> dict[str, str]:
        """Test case -> passed, failure, error or skipped."""
        return cases_of(self.report("model-provenance-junit.xml").read_bytes())

    def issues(self) -> list[dict[str, Any]]:
        """The code quality report."""
        return issues(self.report("model-provenance-codequality.json").read_bytes())


class Project:
    """A GitLab project with a model, whose pipeline includes one of our templates."""

    def __init__(self, folder: Path, sim: Any, tools: Path, scratch: Path) -> None:
        self.folder, self.sim, self.tools, self.scratch = folder, sim, tools, scratch
        (folder / "trust-config.json").write_text(sim.trust_config)
        git(folder, "remote", "set-url", "origin", "https://gitlab.com/acme/minilm.git")
        git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
        self.tool = scratch / "model-provenance"
        self.tool.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT / "src"} exec {sys.executable} -m model_provenance "$@"\n')
        self.tool.chmod(0o755)

    def write(self, *jobs: tuple[str, Mapping[str, Any]], include: Mapping[str, Any] | None = None) -> None:
        """`.gitlab-ci.yml` with one include a job, and the templates vendored beside it."""
        for job in ("release", "verify"):
            place = self.folder / "templates" / job / "template.yml"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text((ROOT / "templates" / job / "template.yml").read_text())
        includes = [
            {
                **{k: v.format(job=job, file=FILES[job]) for k, v in (include or LOCAL).items()},
                "inputs": {"install": "never", "tool-path": str(self.tool), **inputs},
            }
            for job, inputs in jobs
        ]
        (self.folder / ".gitlab-ci.yml").write_text(yaml.safe_dump({"include": includes}))
        commit(self.folder)

    def run(self, *words: str, env: Mapping[str, str] | None = None, **run: Any) -> Done:
        """Run the pipeline with a token of this project, or with what `run` says."""
        sha = git(self.folder, "rev-parse", "HEAD")
        given = {"sha": sha, "project_path": "acme/minilm", **run}
        job = RunnerEnv.gitlab(self.sim, directory=self.scratch / "runner", **given)
        variables = {
            k: v for k, v in job.items() if k.startswith("CI_") and k not in ("CI_PROJECT_DIR", "CI_BUILDS_DIR")
        }
        variables |= {
            "GITLAB_CI": "true",
            "CI": "true",
            "SIGSTORE_ID_TOKEN": job.get("SIGSTORE_ID_TOKEN", ""),
            **(env or {}),
        }
        command = [str(self.tools / "node_modules/.bin/gitlab-ci-local"), "--force-shell-executor", "--no-color"]
        command += ["--ignore-predefined-vars", ",".join(variables)]
        for name, value in variables.items():
            command += ["--variable", f"{name}={value}"]
        home = self.scratch / "home"
        home.mkdir(exist_ok=True)
        # `include: project:` is cloned from the server; here the server of other projects is a folder.
        (home / ".gitconfig").write_text(
            f'[url "file://{self.scratch}/remotes/org/"]\n    insteadOf = https://gitlab.com/org/\n'
        )
        environment = {
            "PATH": f"{self.tools / 'node/bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "TMPDIR": str(self.scratch),
            "no_proxy": "127.0.0.1,localhost",
        }
        done = subprocess.run(
            [*command, *words],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout + done.stderr, self.folder, done.stdout)


def released(project: Project) -> None:
    """A release in the project's work tree, committed as an artifact of an earlier pipeline would lie there."""
    project.write(("release", RELEASE))
    done = project.run()
    assert done.status == 0, done.log
    found = next(path for path in project.folder.rglob("minilm-1.0.0") if path.is_dir())
    if found.parent != project.folder / "dist":
        (project.folder / "dist").mkdir(exist_ok=True)
        found.rename(project.folder / "dist" / "minilm-1.0.0")
    shutil.rmtree(project.folder / ".gitlab-ci-local")
    for left in project.folder.glob("model-provenance*"):
        left.unlink()
