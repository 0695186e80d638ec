"""Every module of Rego allows the release, and says that it has evaluated the rules that the policy names.

An empty set of denials is not an answer: a rule that is never evaluated denies nothing either.
"""

from __future__ import annotations

from model_provenance.domain.policy import Answer
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.rego import RegoAnswer
from model_provenance.formats.report import report_value
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused, seen_by_rules
from model_provenance.policy.hatches import Module

_FIX = "Correct the module: it must say `allow`, and in `evaluated` which rules were evaluated, of every release."


def decide(modules: tuple[Module, ...], case: Case) -> tuple[Answer, ...]:
    """One answer a module."""
    from model_provenance.policy.opa import evaluated  # noqa: PLC0415 - only where there are modules

    outside = seen_by_rules(case)
    document = report_value(outside.report)
    answers = []
    for module in modules:
        try:
            answers.append(_answer(module, evaluated(module, document, outside.programs)))
        except ModelProvenanceError as error:
            answers.append(cannot_decide(f"rego/{module.id}", "the module has no answer", error.message, error.remedy))
    return tuple(answers)


def _answer(module: Module, found: RegoAnswer) -> Answer:
    gate = f"rego/{module.id}"
    if found.evaluated != module.rules:
        silent = ", ".join(sorted(module.rules - found.evaluated)) or "none"
        more = ", ".join(sorted(found.evaluated - module.rules)) or "none"
        why = f"not evaluated: {shown(silent)}; evaluated beside what the policy names: {shown(more)}"
        return cannot_decide(gate, "the module has not evaluated the rules of the policy", why, _FIX)
    if found.allow and not found.reasons:
        return passed(gate, f"allowed, {len(module.rules)} rules evaluated")
    if found.allow:
        why = f"it allows, and gives reasons not to: {shown('; '.join(found.reasons), 300)}"
        return cannot_decide(gate, "the module contradicts itself", why, _FIX)
    why = shown("; ".join(found.reasons), 300) or "the module gives no reasons"
    return refused(
        gate, module.effect, "the module does not allow it", why, module.fix or "Meet what the module asks for."
    )


GATE = Gate("rego", "the modules of Rego allow it", lambda policy: policy.rego, decide)
