"""`policy test`: folders with a `case.yaml` that say which decision a policy must come to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from model_provenance.domain.text import shown
from model_provenance.domain.verification import Report
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.expectation import SignerOptions
from model_provenance.flows.files import read_file
from model_provenance.flows.places import places
from model_provenance.flows.policy import load_policy
from model_provenance.flows.verify import VerifyRequest, verify
from model_provenance.policy.document import PROFILES
from model_provenance.policy.gates import GATES, HATCHES
from model_provenance.policy.reading import Node, root_of

_FILE = "case.yaml"
_LIMIT = 64 * 1024
_LISTS = ("waivers", "baseEvidence", "acceptVsa")
_RESULTS = ("PASS", "FAIL", "ERROR")
_VERDICTS = ("PASS", "FAIL", "WARN", "WAIVED", "SKIPPED", "ERROR")
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """One case; without differences it came out as expected."""

    case: str
    differences: tuple[str, ...]


def run_cases(folder: Path, *, env: Mapping[str, str], opa: Path | None = None) -> tuple[CaseOutcome, ...]:
    """Every case below `folder`. None at all is `policy.invalid`: a test that tests nothing must not pass."""
    found = sorted(path for path in folder.rglob(_FILE) if path.is_file())
    if not found:
        message = f"no {_FILE} lies below the folder"
        raise ModelProvenanceError("policy.invalid", message, location=shown(str(folder), 400))
    return tuple(_run(path, os.fspath(path.parent.relative_to(folder)), env, opa) for path in found)


def _run(file: Path, name: str, env: Mapping[str, str], opa: Path | None) -> CaseOutcome:
    root = root_of(read_file(file, option="DIR", limit=_LIMIT), f"{name}/{_FILE}")
    keys = root.mapping(
        "policy", "target", "evidence", "key", "signer", "trustedRoot", "name", "version", "on", "expect", "gates",
        "resourceUri", *_LISTS,
    )  # fmt: skip
    for needed in ("policy", "target", "expect"):
        if needed not in keys:
            root.fail(f"`{needed}` is missing")
    expected = keys["expect"].one_of(_RESULTS)
    gates = _gates(keys["gates"]) if "gates" in keys else {}
    verdicts = {gate: node.one_of(_VERDICTS) for gate, node in gates.items()}
    report = verify(replace(_request(file.parent, keys), env=env, opa=opa))
    return CaseOutcome(name, tuple(_differences(report, expected, verdicts)))


def _gates(node: Node) -> dict[str, Node]:
    """By gate; a rule or a module is named as `rules/ID` or `rego/ID`."""
    written = node.value if isinstance(node.value, dict) else {}
    parts = [key for key in written if isinstance(key, str) and key.partition("/")[0] in HATCHES]
    return node.mapping("policy", *(gate.id for gate in GATES), *parts)


def _request(folder: Path, keys: dict[str, Node]) -> VerifyRequest:
    paths = {key: folder / keys[key].text() for key in ("target", "evidence", "key", "trustedRoot") if key in keys}
    words = {key: keys[key].text() for key in ("signer", "name", "version", "resourceUri") if key in keys}
    lists = {key: tuple(folder / node.text() for node in keys[key].items()) if key in keys else () for key in _LISTS}
    evidence = paths.get("evidence")
    policy = keys["policy"].text()
    return VerifyRequest(
        target=paths["target"],
        signer=SignerOptions(key=paths.get("key"), signer=words.get("signer")),
        evidence=evidence,
        name=words.get("name"),
        version=words.get("version"),
        trusted_root=paths.get("trustedRoot"),
        policy=load_policy(
            policy if policy in PROFILES else os.fspath(folder / policy),
            decided_about=places(paths["target"], (evidence, *lists["baseEvidence"])),
        ),
        waivers=lists["waivers"],
        base_evidence=lists["baseEvidence"],
        summaries=lists["acceptVsa"],
        resource=words.get("resourceUri"),
        # A date names the whole day; a policy or waiver that ends on it is still in force.
        now=keys["on"].last_day() - _DAY if "on" in keys else None,
    )


def _differences(report: Report, expected: str, verdicts: dict[str, str]) -> Iterator[str]:
    if report.decision is None:
        codes = sorted({finding.id for finding in report.findings if finding.severity.value == "error"})
        yield f"the release did not verify, so nothing was decided: {', '.join(codes)}"
        return
    if report.decision.result.value != expected:
        yield f"the decision is {report.decision.result.value}, expected {expected}"
    found = {answer.gate: answer for answer in report.decision.answers}
    for gate, verdict in verdicts.items():
        answer = found.get(gate)
        said = "nothing" if answer is None else answer.verdict.value
        if said != verdict:
            yield f"{gate} says {said}, expected {verdict}" + (f": {answer.what}" if answer is not None else "")
