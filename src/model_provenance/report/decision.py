"""The decision of a policy as a table: a line a gate for a terminal, or in whole sentences for whoever must answer for it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import zip_longest

from model_provenance.domain.policy import Answer, Decision, Verdict
from model_provenance.domain.result import Result
from model_provenance.domain.text import shown
from model_provenance.report.markdown import escaped, prose, table

_MEANING = {
    Verdict.PASS: "holds",
    Verdict.FAIL: "does not hold: the model must not be used",
    Verdict.WARN: "does not hold, and the policy only shows it",
    Verdict.WAIVED: "does not hold, and somebody who may do so has accepted that",
    Verdict.SKIPPED: "was not asked",
    Verdict.ERROR: "could not be decided, so the model must not be used",
}
_OUTCOME = {
    Result.PASS: "The model may be used: every requirement holds, was waived, or is only shown.",
    Result.FAIL: "The model must not be used: a requirement does not hold.",
    Result.ERROR: "The model must not be used: a requirement could not be decided.",
}
_ORDER = (Verdict.ERROR, Verdict.FAIL, Verdict.WAIVED, Verdict.WARN, Verdict.PASS, Verdict.SKIPPED)
_ICONS = {
    Verdict.PASS: "✅",
    Verdict.FAIL: "❌",
    Verdict.ERROR: "❌",
    Verdict.WARN: "⚠️",
    Verdict.WAIVED: "⚠️",
    Verdict.SKIPPED: "",
}
_WHAT_LIMIT = 400


def decision_lines(decision: Decision) -> list[str]:
    """One line a gate that the policy asks."""
    asked = [answer for answer in decision.answers if answer.verdict is not Verdict.SKIPPED]
    width = max((len(answer.gate) for answer in asked), default=0)
    lines = ["", f"Policy {shown(decision.policy, 80)}: {decision.result.value}  {decision.policy_digest}"]
    return lines + [f"  {a.verdict.value:<6}  {a.gate:<{width}}  {shown(a.what, _WHAT_LIMIT)}" for a in asked]


def explanation(decision: Decision, *, target: str, titles: Mapping[str, str], width: int) -> str:
    """Every gate in words for a terminal of `width` columns, what denies first; `titles` say what each gate asks."""
    lines = [f"{decision.result.value} {shown(target, 400)}", "", *_wrapped(_heading(decision), width), ""]
    columns = (max(14, width // 4), 7, max(20, width - max(14, width // 4) - 11))
    lines += [_cells(("Requirement", "Answer", "What was found"), columns), _cells(["-" * w for w in columns], columns)]
    for answer in _asked(decision):
        requirement = _wrapped(_requirement(answer.gate, titles), columns[0])
        found = [line for part in _sentences(answer) for line in _wrapped(part, columns[2])]
        rows = zip_longest(requirement, [answer.verdict.value], found, fillvalue="")
        lines += [_cells(row, columns) for row in rows] + [""]
    lines += _legend(decision, width)
    skipped = [_requirement(a.gate, titles) for a in decision.answers if a.verdict is Verdict.SKIPPED]
    if skipped:
        lines += ["", *_wrapped(f"Not asked: {'; '.join(skipped)}.", width)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def decision_section(decision: Decision, titles: Mapping[str, str] | None = None, *, heading: str = "###") -> list[str]:
    """The same as a Markdown table, for a job summary or a document."""
    rows = [
        (
            f"{_ICONS[answer.verdict]} **{answer.verdict.value}**",
            prose(_requirement(answer.gate, titles or {}), 200),
            "<br>".join(prose(part, _WHAT_LIMIT) for part in _sentences(answer)),
        )
        for answer in _asked(decision)
    ]
    skipped = [_requirement(a.gate, titles or {}) for a in decision.answers if a.verdict is Verdict.SKIPPED]
    return [
        f"{heading} Policy {escaped(decision.policy, 80)}: {decision.result.value}",
        "",
        prose(_heading(decision), 600),
        "",
        *table(("Answer", "Requirement", "What was found"), rows),
        *(["", f"Not asked: {prose('; '.join(skipped), 1000)}."] if skipped else []),
    ]


def _heading(decision: Decision) -> str:
    when = datetime.fromtimestamp(decision.decided_at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        f"{_OUTCOME[decision.result]} Decided on {when} by the policy {shown(decision.policy, 80)},"
        f" {decision.policy_digest}."
    )


def _asked(decision: Decision) -> list[Answer]:
    asked = [answer for answer in decision.answers if answer.verdict is not Verdict.SKIPPED]
    return sorted(asked, key=lambda answer: _ORDER.index(answer.verdict))


def _requirement(gate: str, titles: Mapping[str, str]) -> str:
    title = titles.get(gate)
    return shown(gate, 80) if title is None else f"{title[0].upper()}{title[1:]} ({shown(gate, 80)})"


def _sentences(answer: Answer) -> Iterator[str]:
    """What was found and why, then what helps; long answers are cut here as everywhere."""
    yield shown(answer.what, _WHAT_LIMIT) + (f": {shown(answer.why, _WHAT_LIMIT)}" if answer.why else "")
    if answer.fix:
        yield f"To do: {shown(answer.fix, _WHAT_LIMIT)}"


def _legend(decision: Decision, width: int) -> list[str]:
    here = [verdict for verdict in _ORDER if any(answer.verdict is verdict for answer in decision.answers)]
    return [
        line
        for verdict in here
        if verdict is not Verdict.SKIPPED
        for line in _wrapped(f"{verdict.value:<7} {_MEANING[verdict]}.", width, indent=8)
    ]


def _wrapped(text: str, width: int, *, indent: int = 0) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=" " * indent, break_on_hyphens=False) or [""]


def _cells(cells: Sequence[str], columns: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, columns, strict=True))
