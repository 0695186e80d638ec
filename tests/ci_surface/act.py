"""act, GitHub's runner in host mode: workflows run as they are, with local folders in the place of remote actions."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .conftest import BIN, copy_of_the_tool

#: Stands for the artifact service: a folder beside the job. With TAMPER set, a byte of every file flips on the way.
UPLOAD = """\
name: upload
inputs: {name: {required: true}, path: {required: true}, include-hidden-files: {}, if-no-files-found: {}, retention-days: {}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {NAME: "${{ inputs.name }}", FOLDER: "${{ inputs.path }}"}
      run: |
        mkdir -p "$KEEP/store" && cp -r "$FOLDER" "$KEEP/store/$NAME"
        if [ -n "${TAMPER:-}" ]; then echo "# added on the way" >>"$KEEP/store/$NAME/README.md"; fi
"""
DOWNLOAD = """\
name: download
inputs: {name: {required: true}, path: {required: true}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {NAME: "${{ inputs.name }}", FOLDER: "${{ inputs.path }}"}
      run: cp -r "$KEEP/store/$NAME" "$FOLDER"
"""
#: The runner sets these; act does not, or only to values of its own.
_FROM_RUNNER = (
    *("GITHUB_WORKFLOW_REF", "GITHUB_WORKFLOW_SHA", "GITHUB_REPOSITORY_ID", "GITHUB_RUN_ID", "GITHUB_REF"),
    *("GITHUB_REPOSITORY", "GITHUB_REPOSITORY_OWNER", "RUNNER_ENVIRONMENT", "GITHUB_SHA", "GITHUB_API_URL"),
    *("GITHUB_SERVER_URL", "GITHUB_RUN_ATTEMPT", "GITHUB_ARTIFACTS"),
)


@dataclass
class Job:
    """What one run of act did."""

    status: int
    log: str
    summary: str = ""
    #: `error title=…,file=…,line=…: message`, in order.
    annotations: list[str] = field(default_factory=list)
    #: Exit statuses of the steps that failed, in order.
    failed: list[int] = field(default_factory=list)


def act(
    repository: Path,
    env: Mapping[str, str],
    keep: Path,
    tool: Path,
    *,
    event: str = "push",
    token: str = "",
    **more: str,
) -> Job:
    """Run the workflows of the repository for an event, with `org/model-provenance@v1` served from `tool`.

    `more` are variables of every job; KEEP names the folder that outlives it.
    """
    served = [f"org/model-provenance@v1={tool}"]
    for name, text in (("upload", UPLOAD), ("download", DOWNLOAD)):
        stub = keep / f"{name}-artifact"
        stub.mkdir(parents=True, exist_ok=True)
        (stub / "action.yml").write_text(text)
        pins = {
            "upload": "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a",
            "download": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
        }
        served.append(f"actions/{name}-artifact@{pins[name]}={stub}")
    runners = [word for name in ("ubuntu-latest", "ubuntu-24.04") for word in ("-P", f"{name}=-self-hosted")]
    command = [str(BIN / "act"), event, "--json", *runners, "--no-cache-server", "--pull=false"]
    command += [
        "--artifact-server-addr",
        "127.0.0.1",
        "--action-offline-mode",
        "--action-cache-path",
        str(keep / "cache"),
    ]
    command += [word for each in served for word in ("--local-repository", each)]
    command += ["-s", f"GITHUB_TOKEN={token or 'not-a-token-but-long-enough'}", "-e", env["GITHUB_EVENT_PATH"]]
    for name in _FROM_RUNNER:
        if name in env:
            command += ["--env", f"{name}={env[name]}"]
    own = {
        **{key: value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_", "SSL_", "REQUESTS_"))},
        **{key: value for key, value in env.items() if key.startswith("ACTIONS_")},
        "HOME": str(keep / "home"),
        "PATH": os.environ["PATH"],
        "KEEP": str(keep),
        "XDG_CACHE_HOME": str(keep / "cache"),
        **more,
    }
    (keep / "home").mkdir(exist_ok=True)
    answer = subprocess.run(command, cwd=repository, env=own, capture_output=True, text=True, timeout=300, check=False)
    job = Job(answer.returncode, answer.stdout + answer.stderr)
    last = ""
    for line in answer.stdout.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if said.get("command") == "summary":
            # Told once for the step of the action and again for the step that uses it.
            job.summary += said.get("content", "") if said.get("content") != last else ""
            last = said.get("content", "")
        elif said.get("command") in ("error", "warning", "notice"):
            where = ",".join(f"{key}={value}" for key, value in sorted((said.get("kvPairs") or {}).items()))
            job.annotations.append(f"{said['command']} {where}: {said.get('arg') or ''}")
        elif status := re.fullmatch(r"exit status ([0-9]+)", said.get("msg", "")):
            # A step of an action has the step that uses it before its own.
            job.failed += [int(status[1])] if len(said.get("stepID") or ()) == 1 else []
    return job


def fetched(target: Path, *, without: tuple[str, ...] = ()) -> Path:
    """What a runner fetches for `uses: org/model-provenance@v1`. act has no `$/`, which means this repository.

    Without what no action reads, since act copies all of it for each step; `without` names more, for jobs that install nothing.
    """
    tool = copy_of_the_tool(target, without=("tests", "docs", "bench", "spec", "examples", *without))
    workflow = tool / ".github/workflows/release-model.yml"
    workflow.write_text(re.sub(r"uses: \$/(\w+)", r"uses: org/model-provenance/\1@v1", workflow.read_text()))
    return tool


def with_defaults(checkout: Path, tool: Path, trust_config: str) -> Path:
    """The same with other defaults: a Sigstore on loopback, and the installed tool instead of an installation a job."""
    tool.mkdir()
    trust = tool / "trust-config.json"
    trust.write_text(trust_config)
    for name in ("tools", ".github"):
        (tool / name).symlink_to(checkout / name)
    defaults = {"install": "never", "tool-path": str(BIN / "model-provenance"), "sbom-engine": "native"}
    for name in ("action.yml", "release/action.yml", "verify/action.yml", "measure/action.yml"):
        action = yaml.safe_load((checkout / name).read_text())
        for key, value in {**defaults, "trust-config": str(trust)}.items():
            if key in action["inputs"]:
                action["inputs"][key]["default"] = value
        (tool / name).parent.mkdir(exist_ok=True)
        # The reusable workflow hands its own empty input over, which is "not given" to the tool and to the default here.
        text = yaml.safe_dump(action, sort_keys=False)
        (tool / name).write_text(
            text.replace("${{ inputs.trust-config }}", f"${{{{ inputs.trust-config || '{trust}' }}}}")
        )
    return tool
