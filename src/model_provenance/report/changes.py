"""What changed since the last release, as a section of the summary and of the check."""

from __future__ import annotations

from collections.abc import Iterable

from model_provenance.domain.difference import Difference
from model_provenance.report.markdown import code, escaped

_FILES = 40


def changes_section(difference: Difference) -> list[str]:
    """Facts first, then files; a release that changes nothing says so."""
    head = [f"### Changes since {escaped(difference.since)}", ""]
    note = ["", "The earlier release was read, not verified."]
    if difference.is_empty:
        return [*head, "None: files and facts are the same.", *note]
    lines = head
    if difference.facts:
        lines += ["| | Before | Now |", "|---|---|---|"]
        lines += [
            f"| {escaped(change.label)} | {_value(change.before)} | {_value(change.after)} |"
            for change in difference.facts
        ]
        lines.append("")
    files = [
        *_files("added", "🟢", difference.added),
        *_files("removed", "🔴", difference.removed),
        *_files("changed", "🟡", difference.changed),
    ]
    if files:
        lines += ["| | File |", "|---|---|", *files]
    return [*lines, *note]


def _value(text: str) -> str:
    return escaped(text, 300) if text else "—"


def _files(word: str, mark: str, paths: tuple[str, ...]) -> Iterable[str]:
    yield from (f"| {mark} {word} | {code(path)} |" for path in paths[:_FILES])
    if len(paths) > _FILES:
        yield f"| {mark} {word} | {len(paths) - _FILES} more |"
