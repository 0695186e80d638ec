"""A conformance report for people: text and Markdown."""

from __future__ import annotations

from model_provenance.domain.conformance import Conformance, Presence, Verdict
from model_provenance.report.markdown import escaped

_MARKS = {Presence.PRESENT: "✅", Presence.DECLARED: "✅", Presence.ABSENT: "❌"}


def conformance_text(result: Conformance) -> str:
    """The verdict, every element with where it comes from, then what to add."""
    verdict = "CONFORMS" if result.holds else "DOES NOT CONFORM"
    lines = [f"{verdict} {result.score}  {result.profile.title}"]
    for judged in result.verdicts:
        need = "" if judged.element.required else "  (recommended)"
        lines.append(f"  {judged.presence.value:<8}  {judged.element.name}{need}")
        lines.append(f"            {_where(judged)}")
    if result.absent:
        lines += ["", "To add:", *(f"  {judged.element.name}: {judged.element.add}" for judged in result.absent)]
    return "\n".join(lines) + "\n"


def conformance_markdown(result: Conformance) -> str:
    """The same as a table."""
    verdict = "✅ conforms" if result.holds else "❌ does not conform"
    lines = [f"### {escaped(result.profile.title)}: {verdict}, {result.score}", "", "| | Element | Known | Add |"]
    lines.append("|---|---|---|---|")
    for judged in result.verdicts:
        need = "" if judged.element.required else " (recommended)"
        add = escaped(judged.element.add) if judged.presence is Presence.ABSENT else ""
        mark = _MARKS[judged.presence]
        lines.append(f"| {mark} | {escaped(judged.element.name)}{need} | {escaped(_where(judged), 300)} | {add} |")
    return "\n".join(lines) + "\n"


def _where(judged: Verdict) -> str:
    return f"not there: {judged.where}" if judged.presence is Presence.ABSENT else judged.where
