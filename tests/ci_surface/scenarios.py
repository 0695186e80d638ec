"""One scenario: a folder with `job.yml`, which says what a repository, a runner and its services are like, and `golden.md`.

A scenario holds one or more runs, one after the other in the same repository; `job.yml` says what all have, and an entry of
`runs` what that one has instead. Every run is a workflow with one job of one or more `steps`, run by act as it is.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from model_provenance.testing.github_api import GitHubApi
from model_provenance.testing.registry_sim import RegistrySim
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

from .act import Job, act
from .conftest import BIN, commit
from .jobs import placeholders
from .models import PREPARATIONS

FOLDER = Path(__file__).parent / "scenarios"
RELEASE = "org/model-provenance@v1"
_KEYS = {
    *("says", "telling", "prepare", "run", "id-token", "claims", "env", "steps", "with", "public", "sigstore"),
    *("registry", "login", "api", "runs", "artifacts"),
}


@dataclass
class World:
    """What the runs of one scenario share: the repository and the services."""

    repository: Path
    sim: SigstoreSim
    checkout: Path
    scratch: Path
    stack: ExitStack
    registry: RegistrySim | None = None
    api: GitHubApi | None = None
    trust: Path = field(init=False)

    def __post_init__(self) -> None:
        self.trust = self.scratch / "trust-config.json"
        self.trust.write_text(self.sim.trust_config)


def loaded(name: str) -> dict[str, Any]:
    """`job.yml` of a scenario; an unknown key is a mistake."""
    job: dict[str, Any] = yaml.safe_load((FOLDER / name / "job.yml").read_text())
    for part in (job, *job.get("runs", ())):
        assert part.keys() <= _KEYS, part.keys() - _KEYS
    return job


def names() -> list[str]:
    """Every scenario."""
    return sorted(path.parent.name for path in FOLDER.glob("*/job.yml"))


def play(world: World, job: Mapping[str, Any]) -> Iterator[str]:
    """Run the scenario; what its golden file holds, a part for each run."""
    for number, own in enumerate(job.get("runs", [{}]), 1):
        one = {**job, **own}
        for name in one.get("prepare", ()):
            PREPARATIONS[name](world.repository)
        _services(world, one)
        text = _golden(world, one, _run(world, one, number), number)
        yield f"# Run {number}\n\n{text}" if "runs" in job else text
        world.sim.behave()


def _services(world: World, job: Mapping[str, Any]) -> None:
    world.sim.behave()
    for service, fault in (job.get("sigstore") or {}).items():
        world.sim.misbehave(service, **({"fault": fault} if isinstance(fault, str) else fault))
    if "registry" in job:
        if world.registry is None:
            world.registry = world.stack.enter_context(RegistrySim())
        world.registry.become(**job["registry"])
        world.registry.storm = world.registry.quirks.storm
        if job.get("login"):
            _log_in(world.scratch / "keep/home/.docker/config.json", world.registry.host)
    if "api" in job:
        api = dict(job["api"])
        fault = api.pop("fault", None)
        world.api = world.stack.enter_context(GitHubApi(**api))
        if fault is not None:
            world.api.misbehave(fault)


def _log_in(config: Path, host: str) -> None:
    """What a login action leaves behind."""
    secret = base64.b64encode(f"{RegistrySim.USER}:{RegistrySim.PASSWORD}".encode()).decode()
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"auths": {host: {"auth": secret}}}))


def _run(world: World, job: Mapping[str, Any], number: int) -> Job:
    env = job.get("env") or {}
    event = job.get("run", {}).get("event_name", "push")
    steps = job.get("steps") or [{"uses": RELEASE, "with": {}}]
    path = world.repository / ".github/workflows/release.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_workflow(world, job, event, steps))
    sha = commit(world.repository)
    variables = {**env, **({"GITHUB_API_URL": world.api.url} if world.api else {})}
    if job.get("artifacts"):
        variables["GITHUB_ARTIFACTS"] = str(world.scratch / "artifacts")
    runner = RunnerEnv.github(
        world.sim,
        directory=world.scratch / f"runner-{number}",
        id_token=job.get("id-token", True),
        claims=job.get("claims"),
        variables=variables,
        **{"sha": sha, **job.get("run", {})},
    )
    keep = world.scratch / "keep"
    keep.mkdir(exist_ok=True)
    token = world.api.token if world.api else ""
    return act(world.repository, runner, keep, world.checkout, event=event, token=token)


def _workflow(world: World, job: Mapping[str, Any], event: str, steps: list[dict[str, Any]]) -> str:
    """The workflow of one run. act tells nothing of outputs that later steps read, so a last step writes them down."""
    listed: list[dict[str, Any]] = [{"uses": "actions/checkout@v7"}]
    for number, step in enumerate(steps):
        inputs = _inputs(world, job, step) if "uses" in step else {}
        listed.append({"id": f"s{number}", **step, **({"with": inputs} if inputs else {})})
    outputs = "\n".join(f"${{{{ toJSON(steps.s{number}.outputs) }}}}" for number in range(len(steps)))
    listed.append({"if": "always()", "env": {"OUTPUTS": outputs}, "run": 'printf %s "$OUTPUTS" >"$KEEP/outputs"'})
    jobs = {"release": {"runs-on": "ubuntu-latest", "env": job.get("env") or {}, "steps": listed}}
    return yaml.safe_dump({"on": {event: {}}, "permissions": {}, "jobs": jobs}, sort_keys=False, allow_unicode=True)


def _inputs(world: World, job: Mapping[str, Any], step: Mapping[str, Any]) -> dict[str, str]:
    """What the scenario gives, and what keeps it fast and on loopback: the installed tool, the simulated Sigstore."""
    inputs = {"install": "never", "tool-path": str(BIN / "model-provenance")}
    if not job.get("public") and "/measure@" not in step["uses"]:
        inputs["trust-config"] = str(world.trust)
    if step["uses"] == RELEASE:
        inputs |= {"model": "model", "sbom-engine": "native", "check-run": "auto" if world.api else "never"}
    inputs |= job.get("with") or {} if step["uses"] == RELEASE else {}
    inputs |= step.get("with") or {}
    host = world.registry.host if world.registry else ""
    return {name: str(value).replace("REGISTRY", host) for name, value in inputs.items() if value is not None}


def _golden(world: World, job: Mapping[str, Any], done: Job, number: int) -> str:
    """Everything that a run tells its runner, with words for what differs from run to run."""
    path = world.scratch / "keep/outputs"
    outputs = [json.loads(text) for text in re.split(r"(?<=})\n(?={)", path.read_text())] if path.exists() else []
    path.unlink(missing_ok=True)
    assert outputs, done.log[-4000:]
    assert done.status == 0 or done.failed, done.log[-4000:]
    lines = [f"status {' '.join(map(str, done.failed)) or 0}", ""]
    for given in outputs:
        lines += ["## Outputs", "", *(f"{name}={_output(name, value)}" for name, value in sorted(given.items())), ""]
    lines += ["## Annotations", "", *done.annotations, ""]
    for check in world.api.checks if world.api else ():
        output = check["output"]
        lines += [
            f"## Check: {check['name']} · {check['conclusion']} · {check['external_id']}",
            "",
            output["title"],
            "",
        ]
        lines += [
            f"{a['path']}:{a['start_line']} {a['annotation_level']} {a['message']}" for a in output["annotations"]
        ]
        lines += ["", output["summary"]]
    artifacts = world.scratch / "artifacts"
    if artifacts.exists():
        lines += ["## Artifacts", "", artifacts.read_text()]
    text = "\n".join([*lines, "## Summary", "", done.summary])
    text = re.sub(rf"{re.escape(str(world.scratch))}/keep/cache/[0-9a-f]+/hostexecutor", "WORKSPACE", text)
    # The scratch folder is a part of commands and of escaped text.
    text = re.sub(r"/[^\s`'|<]*/scratch\b", "SCRATCH", text)
    text = re.sub(r"/[^\s`'|<]*/hostexecutor\b", "WORKSPACE", text)
    text = placeholders(text, commit=commit_of(world.repository))
    return re.sub(r"\b[0-9a-f]{12}\b", "HEX12", text)


def _output(name: str, value: str) -> str:
    """Numbers of log entries differ; how many there are does not."""
    if name == "log-entries":
        return f"{len(json.loads(value))} entries" if value else ""
    if name == "log-index":
        return "N" if value else ""
    return re.sub("logIndex=[0-9]+", "logIndex=N", value)


def commit_of(repository: Path) -> str:
    """The commit at the head."""
    from .conftest import git

    return git(repository, "rev-parse", "HEAD")
