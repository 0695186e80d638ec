"""Markdown for pages that others render: untrusted text that shows as itself, and sections that keep to a byte budget."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.domain.text import shown

#: What Markdown, HTML or GitHub's autolinks give a meaning within a line; a list or heading mark at its start is never ours.
_SPECIAL = re.compile(r"[\\`*_\[\]<>|~&#@!$]|:(?=//)|(?<=www)\.")
#: What a message puts between backticks, once it is escaped.
_WORDS = re.compile("&#96;(.*?)&#96;")
_COMMIT = re.compile(r"git\+(https://[A-Za-z0-9.\-_:/]+?)(?:\.git)?@([0-9a-f]{40}|[0-9a-f]{64})")
_LINK = re.compile(r"https?://[A-Za-z0-9.\-_~:/?=&%#]+")
ROWS = 50
#: What stands below the head of a table, for one column.
_RULE = "|:---|"
#: Bytes of one section. GitHub drops the whole summary of a step above 1 MiB, so no section may crowd out the others.
SECTION_LIMIT = 64 * 1024
#: Characters of one message, which escaping may make six times as many: some rows of a table always fit.
_MESSAGE_LIMIT = 4000
#: Its lines: twenty names that are refused, a head and how many more there are.
_MESSAGE_LINES = 22


def escaped(text: str, limit: int = 200) -> str:
    """Untrusted text that renders as itself: no markup, link, mention, HTML or line break of its own."""
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", shown(text, limit))


def prose(text: str, limit: int = 600) -> str:
    """The same for a sentence of a message: what it puts between backticks shows in monospace."""
    return _WORDS.sub(r"<code>\1</code>", escaped(text, limit))


def prose_lines(text: str) -> str:
    """A message of several lines, for a table cell; lines of YAML keep their indentation."""
    whole = text[:_MESSAGE_LIMIT].splitlines()
    lines = whole[:_MESSAGE_LINES]
    if len(text) > _MESSAGE_LIMIT or len(whole) > _MESSAGE_LINES:
        lines.append("…")
    return "<br>".join("&nbsp;" * (len(line) - len(line.lstrip(" "))) + prose(line.lstrip(" ")) for line in lines)


def code(text: str) -> str:
    """Text in monospace. HTML rather than backticks, which the text could close."""
    return f"<code>{escaped(text, 400)}</code>"


def link(text: str, url: str | None) -> str:
    """`text` as a link where `url` is a plain address, else the text alone."""
    return f"[{escaped(text)}]({url})" if url is not None and _LINK.fullmatch(url) else escaped(text)


def commit_link(uri: str) -> str:
    """`git+https://HOST/REPOSITORY@HEX` as a link to the commit's page; anything else as the text that it is."""
    found = _COMMIT.fullmatch(uri)
    if found is None:
        return escaped(uri, 400)
    repository = found[1].partition("://")[2].partition("/")[2]
    return link(f"{repository}@{found[2][:12]}", f"{found[1]}/commit/{found[2]}")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are Markdown already, aligned to the left."""
    return [_row(head), "|" + _RULE[1:] * len(head), *map(_row, rows)]


def fact_table(facts: Sequence[Sequence[str]]) -> list[str]:
    """Label and value in rows. The first fact is the head: Markdown knows no table without one, and an empty one shows."""
    return table(facts[0], facts[1:])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def fence(language: str, text: str) -> list[str]:
    """A block of code that its text cannot close."""
    return [f"```{language}", *(shown(line, 4000).replace("```", "'''") for line in text.splitlines()), "```"]


def budgeted(*sections: Sequence[str], limit: int = SECTION_LIMIT) -> str:
    """Sections (lines) one below the other, each cut to `limit` bytes with a note of what is missing (`fitted`)."""
    rest = "the release folder has everything"
    return "\n\n".join(fitted("\n".join(section), limit, rest=rest) for section in sections if section) + "\n\n"


def fitted(page: str, limit: int, *, rest: str) -> str:
    """The first lines of a page of ours, in at most `limit` bytes of UTF-8, and a last one that says what is left out.

    `limit` is 2,000 or more. `rest` says where the rest is. Cut are whole lines, so rows stay rows; of a block of code
    all or nothing is left, since its end is what keeps the next line out of it and half a diagram is none.
    """
    if len(page.encode()) <= limit:
        return page
    lines = page.split("\n")
    # No note is longer than the one that names every heading; there are few.
    room = limit - len(_left_out(lines, rest).encode())
    kept = size = 0
    in_code = False
    for number, line in enumerate(lines):
        size += len(line.encode()) + 1
        if size > room:
            break
        in_code ^= line.startswith("```")
        if not in_code:
            kept = number + 1
    if lines[kept].startswith(_RULE):
        # The head of a table is one only above its rule.
        kept -= 1
    return "\n".join(lines[:kept]) + _left_out(lines[kept:], rest)


def _left_out(lines: Sequence[str], rest: str) -> str:
    headings, in_code = [], False
    for line in lines:
        in_code ^= line.startswith("```")
        if line.startswith("### ") and not in_code:
            headings.append(line.removeprefix("### "))
    among = f", among them {', '.join(headings)}" if headings else ""
    return f"\n\n> {len(lines)} more lines did not fit{among}; {rest}.\n"


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
    return f"{icon} {code(finding.id)}", where + prose_lines(finding.message), prose_lines(finding.remedy)


def error_summary(code_: str, message: str, remedy: str, docs: str) -> str:
    """The summary of a run that ended in an error; `docs` is the address of its paragraph."""
    fix = ["**Fix**", "", *fence("text", remedy)] if remedy else []
    return budgeted(
        [f"## ❌ ERROR: {escaped(code_)}", "", prose_lines(message)], fix, [link("What this error means", docs)]
    )
