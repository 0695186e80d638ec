"""CEL rules and modules of Rego: what loops, bombs or does not answer is an ERROR, and which `opa` may be run is decided."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from model_provenance.disk.process import Limits
from model_provenance.domain.digest import Digest
from model_provenance.domain.policy import Answer, Verdict
from model_provenance.errors import ModelProvenanceError
from model_provenance.policy import cel
from model_provenance.policy.document import Policy, parse
from model_provenance.policy.evaluate import evaluate
from model_provenance.policy.outside import Outside, Programs

from .engine import HAS_CEL, needs_cel
from .opa import executable
from .release import NOW, report, verified

REGO = b"package model_provenance\n"


def policy(spec: dict[str, Any], files: dict[str, bytes] | None = None) -> Policy:
    """A policy with these sections."""
    head = {"apiVersion": "model-provenance/v1", "kind": "Policy", "metadata": {"name": "case"}, "spec": spec}
    return parse(json.dumps(head).encode(), "policy.yaml", lambda name: (files or {})[name])


def rules(*expressions: str) -> Policy:
    """A policy of CEL rules, called `r0`, `r1` and so on."""
    written = [{"id": f"r{n}", "expr": text, "message": "no"} for n, text in enumerate(expressions)]
    return policy({"rules": written})


def module(**more: Any) -> Policy:
    """A policy of one module of Rego."""
    entry = {"id": "only", "file": "only.rego", "digest": str(Digest.of(REGO)), "rules": ["a"], **more}
    return policy({"rego": [entry]}, {"only.rego": REGO})


def answers(decided: Policy, programs: Programs | None = None) -> list[Answer]:
    """The answers of rules and modules about the good release."""
    found = verified()
    outside = Outside(report(found), programs or Programs())
    decision = evaluate(found, decided, now=NOW, outside=outside)
    hatches = (answer for answer in decision.answers if answer.gate.startswith(("rules", "rego")))
    return [answer for answer in hatches if answer.verdict is not Verdict.SKIPPED]


def one(decided: Policy, programs: Programs | None = None) -> Answer:
    """The only answer that was asked for."""
    [answer] = answers(decided, programs)
    return answer


LOOP = " ".join(f"files.all({name}," for name in "abcdefghijkl") + " true" + ")" * 12
BOMB = "[" + ",".join(["'" + "x" * 60 + "'"] * 25) + "]"


@needs_cel
def test_cel_that_loops_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the system, within the processor time that it gets; the answer names the rule."""
    monkeypatch.setattr(cel, "LIMITS", Limits(processor=1, memory=512 * 1024 * 1024))
    start = time.monotonic()
    found = one(rules("true", LOOP))
    assert found.verdict is Verdict.ERROR
    assert "at the rule r1: " in found.what
    assert time.monotonic() - start < 30


@needs_cel
def test_cel_that_takes_all_memory_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory that it may write to is limited; whatever the engine makes of that, it is no answer."""
    monkeypatch.setattr(cel, "LIMITS", Limits(processor=20, memory=128 * 1024 * 1024))
    expression = "size(" + "[1,2,3,4,5,6,7,8,9,10].map(x, " * 7 + BOMB + ")" * 7 + ") > 0"
    assert one(rules(expression)).verdict is Verdict.ERROR


@needs_cel
@pytest.mark.parametrize("expression", ["'true'", "1", "null", "[]", "{}", "1.0", "b'true'", "duration('1s')"])
def test_only_true_is_true(expression: str) -> None:
    """What is not a boolean is no answer, however true it looks in another language."""
    found = one(rules(expression))
    assert (found.verdict, found.gate) == (Verdict.ERROR, "rules/r0")
    assert "neither true nor false" in found.why


@needs_cel
@pytest.mark.parametrize(
    "expression", ["nothing", "manifest.nothing", "manifest.datasets.all(d, d.nothing == 1)", "1 / 0 == 1"]
)
def test_what_is_undefined_is_no_answer(expression: str) -> None:
    """An undefined name is not false, and not true."""
    assert one(rules(expression)).verdict is Verdict.ERROR


@needs_cel
def test_an_expression_may_have_lines_and_comments() -> None:
    """A comment ends with its line, so lines are not joined; nothing behind it is swallowed."""
    assert one(rules("// first\nfiles.size() > 0 &&\n\tscope == 'release'\n")).verdict is Verdict.PASS
    assert one(rules("true // it is\n&& false")).verdict is Verdict.FAIL


@pytest.mark.parametrize("expression", [True, 1, None, [], "", " \n ", "true\x1b[2J", "true\u202e", "t" * 9000])
def test_an_expression_is_text(expression: Any) -> None:
    """What YAML reads as another type, escapes and overlong text are refused with their place."""
    with pytest.raises(ModelProvenanceError, match="an expression is text") as caught:
        rules(expression)
    assert caught.value.code == "policy.invalid"


@needs_cel
def test_one_rule_without_an_answer_does_not_hide_the_others() -> None:
    """Each has an answer of its own; the decision is the worst of them."""
    assert [a.verdict for a in answers(rules("true", "false", "nothing"))] == [
        Verdict.PASS,
        Verdict.FAIL,
        Verdict.ERROR,
    ]


@pytest.mark.skipif(HAS_CEL, reason="this machine has an engine of CEL")
def test_where_there_is_no_engine_at_all_nothing_passes() -> None:
    """Python 3.10, for which none is built: true is an ERROR, and what is to be done is said."""
    found = one(rules("true"))
    assert (found.verdict, "Python 3.11" in found.fix) == (Verdict.ERROR, True)


def test_without_the_engine_nothing_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The extra is missing: an ERROR that names it."""
    program = """
import runpy, sys
sys.modules["cel"] = None
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    bare = executable(tmp_path, program)
    monkeypatch.setattr(cel.sys, "executable", str(bare))
    monkeypatch.setattr(cel, "LIMITS", None)
    found = one(rules("true"))
    assert (found.verdict, "model-provenance-cli[cel]" in found.fix) == (Verdict.ERROR, True)


@pytest.mark.parametrize(
    "said", ["", "[]", '[["r0", 1]]', '[["other", true]]', '[["r0", true], ["r0", true]]', "{", "true"]
)
def test_an_answer_about_something_else_is_none(said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The child must answer each rule that it was asked about, by its name, with a boolean or a reason."""
    monkeypatch.setattr(cel.sys, "executable", str(executable(tmp_path, f"print({said!r})")))
    monkeypatch.setattr(cel, "LIMITS", None)
    assert one(rules("true")).verdict is Verdict.ERROR


def test_rules_look_at_the_verification_that_is_decided_about() -> None:
    """Another one, or none, is an ERROR: a rule must not be asked about a model beside the one that is let through."""
    found = verified()
    for outside in (None, Outside(report(verified()), Programs())):
        decision = evaluate(found, rules("true"), now=NOW, outside=outside)
        assert [a.verdict for a in decision.answers if a.gate == "rules"] == [Verdict.ERROR]


def programs_at(folder: Path, **env: str) -> Programs:
    """A PATH with one folder, that has an `opa` which would allow everything."""
    answer = {
        "result": [{"expressions": [{"value": {"allow": True, "evaluated": ["a"]}}]}],
        "builtins": [{"name": "x"}],
    }
    executable(folder, f"print({json.dumps(answer)!r})")
    return Programs(env={"PATH": str(folder), **env})


def test_an_opa_on_the_path_is_run_outside_of_ci(tmp_path: Path) -> None:
    """So that the next tests refuse it for where it lies."""
    assert one(module(), programs_at(tmp_path)).verdict is Verdict.PASS


def test_an_opa_that_was_planted_where_the_command_runs_is_not_run(tmp_path: Path) -> None:
    """Neither by a relative entry of PATH nor by an absolute one, nor through a link."""
    given = programs_at(tmp_path)
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(tmp_path)
    for path in (str(tmp_path), str(link), ".", ""):
        found = one(module(), Programs({"PATH": path}, None, (tmp_path,)))
        assert (found.verdict, "no opa was found" in found.why) == (Verdict.ERROR, True)
    assert given.env


def test_an_opa_on_the_path_of_a_job_is_not_run(tmp_path: Path) -> None:
    """Any earlier step may have put it there; with a digest in the policy it must have that one."""
    assert "is not run in CI" in one(module(), programs_at(tmp_path, CI="true")).why
    pinned = str(Digest.of((tmp_path / "opa").read_bytes()))
    assert one(module(opaDigests=[pinned]), programs_at(tmp_path, CI="true")).verdict is Verdict.PASS
    assert "does not name" in one(module(opaDigests=["sha256:" + "0" * 64]), programs_at(tmp_path, CI="true")).why


def test_an_opa_that_is_none_is_said(tmp_path: Path) -> None:
    """A given one that cannot be run is not replaced by another."""
    assert "not an executable file" in one(module(), Programs({"PATH": ""}, tmp_path / "nothing")).why


def test_rules_can_only_be_added() -> None:
    """An id says what it said; whether another expression is stricter nobody can tell."""
    rule = {"id": "a", "expr": "true", "message": "no"}
    head = {"apiVersion": "model-provenance/v1", "kind": "Policy", "metadata": {"name": "base"}}
    base = json.dumps({**head, "spec": {"rules": [rule]}}).encode()

    def extended(*own: dict[str, str]) -> Policy:
        spec = {"extends": {"file": "base.yaml", "digest": str(Digest.of(base))}, "rules": list(own)}
        return policy(spec, {"base.yaml": base})

    added = extended({"id": "b", "expr": "false", "message": "no"}).rules
    assert [rule.id for rule in added or ()] == ["a", "b"]
    assert len(extended(rule).rules or ()) == 1
    for change in ({"expr": "false"}, {"effect": "warn"}, {"message": "yes"}):
        with pytest.raises(ModelProvenanceError, match="give it an id of its own") as caught:
            extended({**rule, **change})
        assert caught.value.code == "policy.loosens"


def test_the_child_is_python_itself() -> None:
    """Isolated, and by path: what lies in the working directory is never imported."""
    assert Path(sys.executable).is_absolute()
    assert Path(cel.cel_child.__file__).is_absolute()
