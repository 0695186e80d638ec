"""Markdown for pages that others render: untrusted text that shows as itself, and sections that keep to a byte budget."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.domain.text import shown

#: What Markdown, HTML or GitHub's autolinks give a meaning within a line; a list or heading mark at its start is never ours.
_SPECIAL = re.compile(r"[\\`*_\[\]<>|~&#@!$]|:(?=//)|(?<=www)\.")
_LINK = re.compile(r"https?://[A-Za-z0-9.\-_~:/?=&%]+")
ROWS = 50
#: Bytes of one section. GitHub drops the whole summary of a step above 1 MiB, so no section may crowd out the others.
SECTION_LIMIT = 64 * 1024


def escaped(text: str, limit: int = 200) -> str:
    """Untrusted text that renders as itself: no markup, link, mention, HTML or line break of its own."""
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", shown(text, limit))


def escaped_lines(text: str) -> str:
    """Untrusted text of several lines, for a table cell."""
    return "<br>".join(escaped(line, 600) for line in text.splitlines()[:20])


def code(text: str) -> str:
    """Text in monospace. HTML rather than backticks, which the text could close."""
    return f"<code>{escaped(text, 400)}</code>"


def link(text: str, url: str | None) -> str:
    """`text` as a link where `url` is a plain address, else the text alone."""
    return f"[{escaped(text)}]({url})" if url is not None and _LINK.fullmatch(url) else escaped(text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are Markdown already, aligned to the left."""
    return [_row(head), "|" + ":---|" * len(head), *map(_row, rows)]


def fact_table(facts: Sequence[Sequence[str]]) -> list[str]:
    """Label and value in rows. The first fact is the head: Markdown knows no table without one, and an empty one shows."""
    return table(facts[0], facts[1:])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def fence(language: str, text: str) -> list[str]:
    """A block of code that its text cannot close."""
    return [f"```{language}", *(shown(line, 4000).replace("```", "'''") for line in text.splitlines()), "```"]


def budgeted(*sections: Sequence[str], limit: int = SECTION_LIMIT) -> str:
    """Sections (lines) one below the other, each cut at a line end to `limit` bytes with a note of what is missing."""
    return "\n\n".join("\n".join(_cut(section, limit)) for section in sections if section) + "\n\n"


def findings_section(findings: Sequence[Finding]) -> list[str]:
    """What did not pass, errors first, with how to fix it; nothing where all is well."""
    told = [f for f in findings if f.status is not Status.PASS and f.severity is not Severity.INFO]
    if not told:
        return []
    told.sort(key=lambda f: f.severity is not Severity.ERROR)
    rows = [_finding(finding) for finding in told[:ROWS]]
    if len(told) > ROWS:
        rows.append(("", f"{len(told) - ROWS} more, see the log", ""))
    return ["### Findings", "", *table(("", "What", "How to fix"), rows)]


def _finding(finding: Finding) -> tuple[str, str, str]:
    icon = "❌" if finding.severity is Severity.ERROR else "⚠️"
    where = f"{code(finding.location)} " if finding.location else ""
    return f"{icon} {code(finding.id)}", where + escaped_lines(finding.message), escaped_lines(finding.remedy)


def error_summary(code_: str, message: str, remedy: str) -> str:
    """The summary of a run that ended in an error."""
    fix = ["**Fix**", "", *fence("text", remedy)] if remedy else []
    return budgeted([f"## ❌ ERROR: {escaped(code_)}", "", escaped_lines(message)], fix)


def _cut(section: Sequence[str], limit: int) -> list[str]:
    kept: list[str] = []
    size = 0
    for line in section:
        size += len(line.encode()) + 1
        if size > limit:
            return [
                *kept,
                "",
                f"> {len(section) - len(kept)} more lines did not fit; the release folder has everything.",
            ]
        kept.append(line)
    return kept
