"""One step of a GitHub job as a process of its own: the environment of the runner, the files it reads afterwards."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

SOURCE = Path(__file__).parents[2] / "src"
GOLDEN = Path(__file__).parent / "golden"
_DELIMITED = re.compile(
    r"(?m)^(?P<name>[a-z-]+)<<(?P<mark>ghadelimiter_[0-9a-f-]+)\n(?P<value>.*?)\n(?P=mark)$", re.DOTALL
)


@dataclass(frozen=True)
class Step:
    """What one step left behind."""

    status: int
    log: str
    summary: str
    outputs: Mapping[str, str]

    def __post_init__(self) -> None:
        assert self.status != 1, self.log
        assert "Traceback" not in self.log, self.log

    @property
    def annotations(self) -> list[str]:
        """Workflow commands of the log."""
        return [line for line in self.log.splitlines() if re.match(r"::(?:error|warning|notice)", line)]


def run_step(job: str, repository: Path, env: Mapping[str, str], **inputs: str) -> Step:
    """Run `ci JOB` in the work tree, as `tools/ci.sh` does; inputs with `_` for `-`."""
    variables = {f"MODEL_PROVENANCE_{name.upper()}": value for name, value in inputs.items()}
    # What tools/ci.sh does before it starts Python.
    Path(env["GITHUB_OUTPUT"]).write_text("result=ERROR\n")
    Path(env["GITHUB_STEP_SUMMARY"]).write_text("")
    command = [sys.executable, "-m", "model_provenance", "ci", job]
    environment = {**env, **variables, "PYTHONPATH": str(SOURCE)}
    answer = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, timeout=120)
    return Step(
        answer.returncode,
        answer.stdout + answer.stderr,
        Path(env["GITHUB_STEP_SUMMARY"]).read_text(),
        _outputs(Path(env["GITHUB_OUTPUT"]).read_text()),
    )


def github(sim: SigstoreSim, tmp_path: Path, repository: Path, sha: str, **run: Any) -> dict[str, str]:
    """The environment of a job of this repository, whose checkout is the workspace."""
    variables = {"GITHUB_WORKSPACE": str(repository), **run.pop("variables", {})}
    return dict(RunnerEnv.github(sim, directory=tmp_path / "runner", sha=sha, variables=variables, **run))


def matches_golden(name: str, text: str, *, commit: str = "") -> None:
    """Compare with tests/ci_surface/golden; MODEL_PROVENANCE_GOLDEN=write renews the files, for the diff to be read."""
    text = placeholders(text, commit=commit)
    path = GOLDEN / name
    if os.environ.get("MODEL_PROVENANCE_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text(), f"{name} differs: read it, then renew with MODEL_PROVENANCE_GOLDEN=write"


def placeholders(text: str, *, commit: str = "") -> str:
    """What differs from run to run, in words."""
    if commit:
        text = text.replace(commit, "COMMIT").replace(commit[:12], "COMMIT12")
    text = re.sub(r"sha256:[0-9a-f]{64}", "sha256:HEX", text)
    text = re.sub(r"sha256:[0-9a-f]{12}\b", "sha256:HEX12", text)
    text = re.sub(r"127\.0\.0\.1:[0-9]+", "HOST", text)
    text = re.sub(r"\[[0-9]+\]\((\S+?)logIndex=[0-9]+\)", r"[N](\1logIndex=N)", text)
    text = re.sub(r"/\S*/(trust-config\.json)", r"\1", text)
    text = re.sub(r"\b[0-9.]+ (?:ms|s)\b", "TIME", text)
    return re.sub(r"\b[0-9.]+ kB\b", "SIZE", text)


def _outputs(text: str) -> dict[str, str]:
    found = dict(re.findall(r"(?m)^([a-z-]+)=(.*)$", re.sub(_DELIMITED, "", text)))
    found |= {match["name"]: match["value"] for match in _DELIMITED.finditer(text)}
    return found
