"""Every gate over its case folders: `policy.yaml`, and in `case.yaml` what was verified and the expected answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from model_provenance.domain.policy import Answer, Verdict
from model_provenance.domain.verification import Verified
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import document
from model_provenance.formats.report import report_value
from model_provenance.formats.schema_check import load_schema
from model_provenance.policy.document import parse
from model_provenance.policy.evaluate import evaluate
from model_provenance.policy.gates import GATES
from model_provenance.policy.outside import Outside, Programs

from .engine import needs_cel
from .opa import RECORDING, stand_in
from .release import NOW, RESOURCE, ancestor, report, status, summary, verified, waiver

CASES = Path(__file__).parents[1] / "cases/policy"
FOLDERS = sorted(path.parent for path in CASES.glob("*/*/case.yaml"))
#: In a policy a case may say `waived` or `warn` of the two gates that can be neither: that it is refused, or stays a FAIL.
KINDS = ("pass", "fail", "warn", "missing", "unreadable", "wrong_type", "hostile", "unknown", "waived")


def files_of(folder: Path) -> Any:
    """Files that a policy names lie beside it."""
    return lambda name: (folder / name).read_bytes()


def marks(folder: Path) -> tuple[pytest.MarkDecorator, ...]:
    """What a case needs: only a policy that is read and asked comes to an engine of CEL."""
    asked = folder.parent.name == "rules" and "." not in yaml.safe_load((folder / "case.yaml").read_text())["expect"]
    return (needs_cel,) if asked else ()


def outside(folder: Path, scratch: Path, found: Verified) -> Outside:
    """What rules look at, and an `opa` that answers as the real one has answered about this case."""
    recorded = folder / RECORDING
    return Outside(report(found), Programs(given=stand_in(scratch, recorded) if recorded.exists() else None))


@pytest.mark.parametrize("folder", [pytest.param(f, marks=marks(f), id=f"{f.parent.name}-{f.name}") for f in FOLDERS])
def test_the_gate_answers_as_the_case_says(folder: Path, tmp_path: Path) -> None:
    """The verdict, and in words what was found; a policy that cannot be used is refused with a code."""
    case = yaml.safe_load((folder / "case.yaml").read_text("utf-8"))
    data = (folder / "policy.yaml").read_bytes()
    if "." in case["expect"]:
        with pytest.raises(ModelProvenanceError) as caught:
            parse(data, "policy.yaml", files_of(folder))
        assert caught.value.code == case["expect"]
        assert case["says"] in caught.value.message
        assert (caught.value.location or "").startswith("policy.yaml:")
        return
    found = verified(case.get("verified"))
    decision = evaluate(
        found,
        parse(data, "policy.yaml", files_of(folder)),
        now=NOW,
        waivers=[waiver({"gate": folder.parent.name, **given}) for given in case.get("waivers", [])],
        lineage=tuple(ancestor(given) for given in case.get("lineage", [{}])),
        summaries=[summary(given) for given in case.get("summaries", [{}])],
        resource=case.get("resource", RESOURCE),
        status=status(case.get("status")),
        outside=outside(folder, tmp_path, found),
    )
    [answer] = [answer for answer in decision.answers if answer.gate.partition("/")[0] == folder.parent.name]
    assert answer.verdict is Verdict(case["expect"]), answer
    assert case["says"] in f"{answer.what}: {answer.why}", answer
    assert is_complete(answer), answer


def is_complete(answer: Answer) -> bool:
    """Whoever is refused reads what, why and what to do, in characters that can be shown."""
    words = answer.what + answer.why + answer.fix
    told = answer.verdict in (Verdict.PASS, Verdict.SKIPPED) or bool(answer.why and answer.fix)
    return bool(answer.what) and told and words.isprintable()


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.id)
def test_every_gate_has_cases_of_every_kind(gate: Any) -> None:
    """At least eight, of every kind one: also evidence that is missing, unreadable, of a wrong type, hostile, and a waiver."""
    names = [folder.name for folder in FOLDERS if folder.parent.name == gate.id]
    assert len(names) >= 8
    assert [kind for kind in KINDS if not any(name.startswith(kind) for name in names)] == []


def test_the_gates_are_listed_once() -> None:
    """One id, one title and one section each."""
    assert len({gate.id for gate in GATES}) == len({gate.title for gate in GATES}) == len(GATES)
    assert {folder.parent.name for folder in FOLDERS} == {gate.id for gate in GATES}


@pytest.mark.parametrize(
    "folder",
    [f for f in FOLDERS if "." not in (f / "case.yaml").read_text()[:14]],
    ids=lambda p: f"{p.parent.name}-{p.name}",
)
def test_what_rules_look_at_is_as_the_schema_says(folder: Path) -> None:
    """Of every release that a gate is asked about."""
    case = yaml.safe_load((folder / "case.yaml").read_text("utf-8"))
    value = json.loads(document(report_value(report(verified(case.get("verified"))))))
    found = jsonschema.Draft202012Validator(load_schema("verification.v1")).iter_errors(value)
    assert [error.message for error in found] == []
