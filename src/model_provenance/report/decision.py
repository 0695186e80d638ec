"""The decision of a policy as a table: a line a gate for a terminal, or in whole sentences for whoever must answer for it."""

from __future__ import annotations

from datetime import datetime, timezone

from model_provenance.domain.policy import Answer, Decision, Verdict
from model_provenance.domain.text import shown

_MEANING = {
    Verdict.PASS: "holds",
    Verdict.FAIL: "does not hold: the model must not be used",
    Verdict.WARN: "does not hold, and the policy only shows it",
    Verdict.WAIVED: "does not hold, and somebody who may do so has accepted that",
    Verdict.SKIPPED: "was not asked",
    Verdict.ERROR: "could not be decided, so the model must not be used",
}
_WHAT_LIMIT = 400


def decision_lines(decision: Decision) -> list[str]:
    """One line a gate that the policy asks."""
    asked = [answer for answer in decision.answers if answer.verdict is not Verdict.SKIPPED]
    width = max((len(answer.gate) for answer in asked), default=0)
    lines = ["", f"Policy {shown(decision.policy, 80)}: {decision.result.value}  {decision.policy_digest}"]
    return lines + [f"  {a.verdict.value:<6}  {a.gate:<{width}}  {shown(a.what, _WHAT_LIMIT)}" for a in asked]


def explanation(decision: Decision, *, target: str) -> str:
    """Every gate in words, the skipped ones last, in Markdown."""
    when = datetime.fromtimestamp(decision.decided_at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [
        f"# {decision.result.value}: {shown(target, 400)}",
        "",
        f"Decided by the policy `{shown(decision.policy, 80)}` ({decision.policy_digest}) on {when}.",
        "",
        "| gate | answer | what was found | why | what to do |",
        "|---|---|---|---|---|",
    ]
    ordered = sorted(decision.answers, key=lambda answer: answer.verdict is Verdict.SKIPPED)
    return "\n".join([*lines, *(_row(answer) for answer in ordered)]) + "\n"


def _row(answer: Answer) -> str:
    words = (answer.what, answer.why, answer.fix)
    cells = [
        answer.gate,
        f"**{answer.verdict.value}** {_MEANING[answer.verdict]}",
        *(shown(w, _WHAT_LIMIT) for w in words),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
