"""What a GitLab pipeline is, with all inputs in their places, and what it reports, against a file that people read."""

from __future__ import annotations

import difflib
import json
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from tests.ci_surface.gitlab_project import Done, Project

GOLDEN = Path(__file__).parent / "golden"
_WRITE = os.environ.get("MODEL_PROVENANCE_GOLDEN") == "write"
#: Digests of what is signed anew in each run, times, ports and folders.
_CHANGING = [
    (r"sha256:[0-9a-f]{64}", "sha256:…"),
    (r"\b[0-9a-f]{40,64}\b", "…"),
    (r"127\.0\.0\.1:[0-9]+", "HOST"),
    (r'time="[0-9.]+"', 'time="…"'),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z", "TIME"),
    (r"(?i)(log_?index)=[0-9]+", r"\1=…"),
    (r"index [0-9]+", "index …"),
    (r"entry [0-9]+", "entry …"),
    (r"[0-9]+ s ago", "… s ago"),
]


def expanded(project: Project) -> str:
    """The pipeline as it is when every include and input has been put in."""
    done = project.run("--preview")
    # How long it took, and that this machine's git has no user, is no part of the pipeline.
    text = "".join(re.findall(r"^(?:---|[ ]+\S.*|[\w.-]+:.*)\n", done.out, re.MULTILINE))
    return text.replace(str(project.tool), "/opt/model-provenance")


def matches(name: str, text: str) -> None:
    """Compare with tests/ci_surface/golden; MODEL_PROVENANCE_GOLDEN=write renews the files, for the diff to be read."""
    golden = GOLDEN / name
    if _WRITE:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text(), f"{name} differs: read it, then renew with MODEL_PROVENANCE_GOLDEN=write"


def scenario(name: str, job: str, project: Project, done: Done) -> None:
    """Where the pipeline differs from the plain one of this job (golden/JOB.yml), and everything that it reported."""
    plain = (GOLDEN / f"{job}.yml").read_text().splitlines()
    difference = list(difflib.unified_diff(plain, expanded(project).splitlines(), lineterm="", n=0))[2:]
    lines = ["--- pipeline", *(line for line in difference if not line.startswith("@@"))]
    lines += ["--- test cases", *_cases(done), "--- issues"]
    lines += [
        f"{i['severity']} {i['location']['path']}:{i['location']['lines']['begin']} {i['description']}"
        for i in done.issues()
    ]
    lines += ["--- outputs", *(f"{key}={value}" for key, value in done.outputs.items()), "--- links", *_links(done)]
    matches(f"gitlab/{name}.txt", steady("\n".join(lines) + "\n", project))


def steady(text: str, project: Project) -> str:
    """Without what changes from run to run."""
    for place, stands_for in ((project.folder, "PROJECT"), (project.scratch, "SCRATCH")):
        text = text.replace(str(place), stands_for)
    for pattern, stands_for in _CHANGING:
        text = re.sub(pattern, stands_for, text)
    return text


def _cases(done: Done) -> list[str]:
    """Each case that did not pass, with its message; of the others only how many."""
    states = done.cases()
    root = ET.parse(done.report("model-provenance-junit.xml")).getroot()
    lines = [f"passed: {sum(1 for state in states.values() if state == 'passed')}"]
    for case in root.iter("testcase"):
        state = states[case.attrib["name"]]
        found: Any = case.find(state)
        if found is not None:
            lines.append(f"{state} {case.attrib['name']}: {found.attrib['message']}")
    return lines


def _links(done: Done) -> list[str]:
    """Where the links of the job page lead; none where nothing was signed."""
    try:
        report = done.report("model-provenance-annotations.json")
    except StopIteration:
        return []
    links = json.loads(report.read_text()).get("model-provenance", [])
    return [f"{link['external_link']['label']} -> {link['external_link']['url']}" for link in links]
