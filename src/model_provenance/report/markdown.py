"""The job summary: verdict first, then what a reader forwards. Everything from a model or a token is escaped."""

from __future__ import annotations

import re

from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Report, Result
from model_provenance.report.signer import signer_line
from model_provenance.report.units import duration, plural, size

#: What Markdown, HTML or GitHub's autolinks give a meaning within a line; a list or heading mark at its start is never ours.
_SPECIAL = re.compile(r"[\\`*_\[\]<>|~&#@!$]|:(?=//)|(?<=www)\.")
_ROWS = 50


def escaped(text: str, limit: int = 200) -> str:
    """Untrusted text that renders as itself: no markup, link, mention, HTML or line break of its own."""
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", shown(text, limit))


def escaped_lines(text: str) -> str:
    """Untrusted text of several lines, for a table cell."""
    return "<br>".join(escaped(line, 600) for line in text.splitlines()[:20])


def code(text: str) -> str:
    """Text in monospace. HTML rather than backticks, which the text could close."""
    return f"<code>{escaped(text, 400)}</code>"


def release_summary(receipt: Receipt, *, verify_command: str) -> str:
    """The summary of a release."""
    package = receipt.package
    signed = receipt.result is ReleaseResult.SIGNED
    icon = "✅" if signed else "⚠️"
    lines = [
        f"## {icon} {receipt.result.value}: {escaped(receipt.name)} {escaped(receipt.version)}",
        "",
        "| | |",
        "|---|---|",
        f"| Model | {code(str(package.model_digest))} |",
        f"| Package | {code(str(package.package_digest))} ({package.layout.value}) |",
        f"| Size | {plural(len(package.files), 'file')}, {size(package.total_bytes)} |",
        f"| SBOM | {escaped(receipt.sbom_engine)} |",
    ]
    if receipt.signer is not None:
        lines.append(f"| Signer | {escaped(signer_line(receipt.signer), 600)} |")
    if receipt.slsa_level is not None:
        lines.append(f"| SLSA | Build L{receipt.slsa_level}: {escaped('; '.join(receipt.slsa_reasons), 400)} |")
    lines.append(f"| Time | {duration(sum(seconds for _, seconds in receipt.timings))} |")
    entries = [(bundle.name, entry) for bundle in receipt.bundles for entry in bundle.log_entries]
    if entries:
        lines += ["", "### Transparency log", "", "| Statement | Log | Index |", "|---|---|---|"]
        for name, entry in entries[:_ROWS]:
            index = f"[{entry.log_index}]({entry.entry_url})" if _is_link(entry.entry_url) else str(entry.log_index)
            lines.append(f"| {escaped(name)} | {escaped(entry.log_url)} | {index} |")
    if signed:
        lines += ["", "### Verify", "", "```sh", _fenced(verify_command), "```"]
    else:
        lines += ["", "Nothing was signed: this run shows what a release would hold."]
    lines += _findings(receipt.findings)
    return "\n".join(lines) + "\n\n"


def verify_summary(report: Report, *, target: str) -> str:
    """The summary of a verification."""
    icon = {Result.PASS: "✅", Result.FAIL: "❌", Result.ERROR: "❌"}[report.result]
    lines = [f"## {icon} {report.result.value}: {escaped(target)}", "", "| | |", "|---|---|"]
    lines.append(f"| Scope | {report.scope.value} |")
    if report.verified is not None:
        manifest = report.verified.manifest
        name = f"{manifest.get('model_name', '')} {manifest.get('version', '')}".strip()
        lines.append(f"| Release | {escaped(name)} |")
        lines.append(f"| Model | {code(str(report.verified.model_digest))} |")
        if report.verified.package_digest is not None:
            lines.append(f"| Package | {code(str(report.verified.package_digest))} |")
    if report.signer is not None:
        trusted = "" if report.verified is not None else " (found, not trusted)"
        lines.append(f"| Signer | {escaped(signer_line(report.signer), 600)}{trusted} |")
    checked = sum(1 for finding in report.findings if finding.status is Status.PASS)
    lines.append(f"| Checks passed | {checked} |")
    lines += _findings(report.findings)
    if report.not_checked:
        lines += ["", "### Not checked", ""] + [f"- {escaped(item, 400)}" for item in report.not_checked]
    return "\n".join(lines) + "\n\n"


def error_summary(code_: str, message: str, remedy: str) -> str:
    """The summary of a run that ended in an error."""
    lines = [f"## ❌ ERROR: {escaped(code_)}", "", escaped_lines(message)]
    if remedy:
        lines += ["", "**Fix**", "", "```text", _fenced(remedy), "```"]
    return "\n".join(lines) + "\n\n"


def _findings(findings: tuple[Finding, ...]) -> list[str]:
    shown_ = [f for f in findings if f.status is not Status.PASS and f.severity is not Severity.INFO]
    if not shown_:
        return []
    lines = ["", "### Findings", "", "| | What | How to fix |", "|---|---|---|"]
    for finding in shown_[:_ROWS]:
        icon = "❌" if finding.severity is Severity.ERROR else "⚠️"
        where = f"{code(finding.location)} " if finding.location else ""
        message, remedy = escaped_lines(finding.message), escaped_lines(finding.remedy)
        lines.append(f"| {icon} {code(finding.id)} | {where}{message} | {remedy} |")
    if len(shown_) > _ROWS:
        lines.append(f"| | {len(shown_) - _ROWS} more, see the receipt | |")
    return lines


def _is_link(url: str | None) -> bool:
    return url is not None and re.fullmatch(r"https?://[A-Za-z0-9.\-_~:/?=&%]+", url) is not None


def _fenced(text: str) -> str:
    """Text inside a fence cannot close it."""
    return "\n".join(shown(line, 4000).replace("```", "'''") for line in text.splitlines())
