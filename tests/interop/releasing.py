"""A repository with a small model, the jobs that release it, and the commands as a shell runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model_provenance.testing.identities import ENTERPRISE
from model_provenance.testing.runner_env import RunnerEnv

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GITLAB_ISSUER = "https://gitlab.com"
GITHUB_IDENTITY = "https://github.com/acme/minilm/.github/workflows/release.yml@refs/heads/main"


@dataclass(frozen=True)
class Job:
    """One CI job; `signer` is what somebody who knows it would say when verifying."""

    name: str
    provider: str
    signer: str
    run: Mapping[str, Any] = field(default_factory=dict)
    #: More options of `verify`.
    expected: tuple[str, ...] = ()
    level: int = 2


PUSH = Job("GitHub push", "github", "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main")
TAG = Job(
    "GitHub tag",
    "github",
    "github:acme/minilm#718293041/.github/workflows/release.yml@refs/tags/v1.0.0",
    {"ref": "refs/tags/v1.0.0"},
)
REUSABLE = Job(
    "GitHub reusable workflow",
    "github",
    "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main",
    {"job_workflow_ref": "trusted/builders/.github/workflows/model.yml@refs/tags/v2"},
    ("--builder", "trusted/builders/.github/workflows/model.yml@refs/tags/v2"),
)
ENVIRONMENT = Job(
    "GitHub environment", "github", PUSH.signer, {"environment": "production"}, ("--environment", "production")
)
SELF_HOSTED = Job("GitHub self-hosted", "github", PUSH.signer, {"runner_environment": "self-hosted"}, level=1)
BRANCH = Job("GitLab branch", "gitlab", "gitlab:acme/models/minilm#48151623//.gitlab-ci.yml@refs/heads/main")
GITLAB_TAG = Job(
    "GitLab tag",
    "gitlab",
    "gitlab:acme/models/minilm#48151623//.gitlab-ci.yml@refs/tags/v1.0.0",
    {"ref": "v1.0.0", "ref_type": "tag"},
)
GITLAB_SELF_HOSTED = Job("GitLab self-hosted", "gitlab", BRANCH.signer, {"runner_environment": "self-hosted"}, level=1)
ENTERPRISE_SERVER = Job(
    "GitHub Enterprise Server",
    "github",
    PUSH.signer,
    {"server_url": ENTERPRISE, "runner_environment": "self-hosted"},
    ("--certificate-oidc-issuer", f"{ENTERPRISE}/_services/token"),
    level=1,
)
JOBS = (PUSH, TAG, REUSABLE, ENVIRONMENT, SELF_HOSTED, ENTERPRISE_SERVER, BRANCH, GITLAB_TAG, GITLAB_SELF_HOSTED)
#: Names an evaluation, so that a release has a test result.
MANIFEST = "model-manifest.yaml"


@dataclass(frozen=True)
class Released:
    """A release on disk, with the files that verify it."""

    folder: Path
    model: Path
    root: Path
    job: Job
    env: RunnerEnv

    def bundle(self, name: str) -> Path:
        """One of its Sigstore bundles."""
        return self.folder / "evidence" / f"{name}.sigstore.json"

    @property
    def receipt(self) -> dict[str, Any]:
        """What `release` wrote about itself."""
        return json.loads((self.folder / "receipt.json").read_text())

    @property
    def model_digest(self) -> str:
        """Hex of the OMS root digest."""
        return str(self.receipt["model_digest"]).removeprefix("sha256:")

    def verify(self, *more: str, signer: str | None = None) -> dict[str, Any]:
        """`verify` as the job is known; its JSON answer."""
        words = ["verify", str(self.model), "--evidence", str(self.folder), "--trusted-root", str(self.root)]
        words += ["--signer", signer or self.job.signer, *self.job.expected, "--name", "minilm", "--version", "1.0.0"]
        return answer(words, *more)


def release(
    sigstore: Any, folder: Path, job: Job, *, trust_config: str | None = None, more: tuple[str, ...] = ()
) -> Released:
    """Make a repository in `folder`, run the job there, and have it release."""
    commit = repository(folder)
    env = getattr(RunnerEnv, job.provider)(sigstore, directory=folder / "runner", sha=commit, **job.run)
    (folder / "trust-config.json").write_text(trust_config or sigstore.trust_config)
    (folder / "trusted-root.json").write_text(sigstore.trusted_root)
    words = ["release", "model", "--name", "minilm", "--version", "1.0.0", "--sbom-engine", "native", *more]
    words += ["--manifest", MANIFEST]
    done = command([*words, "--trust-config", str(folder / "trust-config.json")], cwd=folder / "minilm", env=env)
    assert done.returncode == 0, done.stderr
    place = folder / "minilm"
    return Released(place / "dist" / "minilm-1.0.0", place / "model", folder / "trusted-root.json", job, env)


def repository(folder: Path) -> str:
    """`minilm/`, committed, with `model/` in it, and beside it the source manifest; returns the commit."""
    place = folder / "minilm"
    write_model(place / "model")
    (place / ".gitignore").write_text("dist/\n")
    (place / MANIFEST).write_text("tests: [{name: sts-b, metric: spearman, value: 0.82, min: 0.8}]\n")
    git(place, "init", "-q", "-b", "main")
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "A model")
    return git(place, "rev-parse", "HEAD")


def write_model(folder: Path) -> None:
    """Four files in two folders, one of them weights."""
    folder.mkdir(parents=True)
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    (folder / "config.json").write_text('{"architectures": ["BertModel"], "model_type": "bert"}')
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# MiniLM\n")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")


def command(
    words: list[str], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`model-provenance WORDS`, outside any CI job unless `env` is one."""
    # What is remembered of the logs of one stack is of no use to anybody later.
    home = {"HOME": os.environ.get("HOME", "/nonexistent"), "XDG_STATE_HOME": os.environ["XDG_STATE_HOME"]}
    own = {"PATH": os.environ["PATH"], **home}
    program = [sys.executable, "-I", "-m", "model_provenance", *words]
    return subprocess.run(
        program, cwd=cwd, env=dict(own if env is None else env), capture_output=True, text=True, check=False
    )


def answer(words: list[str], *more: str) -> dict[str, Any]:
    """The JSON answer of a command; its status is among it."""
    done = command([*words, *more, "--format", "json"])
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout))


def git(folder: Path, *words: str) -> str:
    """Run git as nobody in particular."""
    who = {
        f"GIT_{role}_{part}": "dev@example.invalid" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
    }
    env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()
