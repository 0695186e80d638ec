"""Every CEL rule of the policy is true of the release. One answer a rule, so that each can be waived by itself."""

from __future__ import annotations

from model_provenance.domain.policy import Answer
from model_provenance.domain.text import shown
from model_provenance.formats.report import report_value
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused, seen_by_rules
from model_provenance.policy.hatches import Rule

_FIX = "Correct the rule: it must be true or false of every release, also where something is missing (`has`)."


def decide(rules: tuple[Rule, ...], case: Case) -> tuple[Answer, ...]:
    """All rules over one document, in one process."""
    from model_provenance.policy.cel import evaluated  # noqa: PLC0415 - only where there are rules

    outside = seen_by_rules(case)
    found = evaluated(rules, report_value(outside.report), outside.programs.env)
    return tuple(_answer(rule, found[rule.id]) for rule in rules)


def _answer(rule: Rule, found: bool | str) -> Answer:
    gate = f"rules/{rule.id}"
    if found is True:
        return passed(gate, "the rule holds")
    if found is False:
        why = f"the rule is false: {shown(rule.expression, 300)}"
        return refused(gate, rule.effect, rule.message, why, rule.fix or "Release a model for which the rule holds.")
    return cannot_decide(gate, "the rule has no answer", found, _FIX)


GATE = Gate("rules", "the CEL rules of the policy hold", lambda policy: policy.rules, decide)
"""CEL (https://cel.dev) over the document of `verify --format json`."""
