"""What changed since the last release, as a section of the summary and of the check."""

from __future__ import annotations

from collections.abc import Iterable

from model_provenance.domain.difference import Difference
from model_provenance.report.described import listed
from model_provenance.report.markdown import code, escaped, table

_FILES = 40


def changes_section(difference: Difference) -> list[str]:
    """Facts first, then files; a release that changes nothing says so."""
    head = [f"### Changes since {escaped(difference.since)}", ""]
    note = ["", "The earlier release was read, not verified."]
    if difference.is_empty:
        return [*head, "None: files and facts are the same.", *note]
    lines = head
    if difference.facts:
        rows = [(escaped(change.label), _values(change.gone), _values(change.new)) for change in difference.facts]
        lines += [*table(("", "Gone", "New"), rows), ""]
    files = [
        *_files("🟢 added", difference.added),
        *_files("🔴 removed", difference.removed),
        *_files("🟡 changed", difference.changed),
    ]
    if files:
        lines += table(("", "File"), files)
    return [*lines, *note]


def _values(values: tuple[str, ...]) -> str:
    return escaped(listed(values), 600) if values else "—"


def _files(mark: str, paths: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    yield from ((mark, code(path)) for path in paths[:_FILES])
    if len(paths) > _FILES:
        yield mark, f"{len(paths) - _FILES} more"
