"""Receipts, verifications and errors for a terminal or a CI log: what happened, why, what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace

from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.domain.result import Result
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Report, Scope
from model_provenance.errors import ModelProvenanceError
from model_provenance.report.decision import decision_lines
from model_provenance.report.described import described_rows
from model_provenance.report.evaluations import evaluation_rows, evaluations_line
from model_provenance.report.signer import signer_line
from model_provenance.report.units import duration, plural, size

_RED, _GREEN, _YELLOW, _BOLD, _DIM, _END = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"

#: Places of one finding that are named; the JSON report has all.
_PLACES = 8
#: Evaluations that a terminal shows; the manifest has all.
_EVALUATIONS = 20


class _Paint:
    """Colours, or none."""

    def __init__(self, *, on: bool) -> None:
        self._on = on

    def __call__(self, style: str, text: str) -> str:
        return f"{style}{text}{_END}" if self._on else text


def error_text(error: ModelProvenanceError, *, colour: bool) -> str:
    """`error CODE: what happened` and below it what to do."""
    paint = _Paint(on=colour)
    where = f"{shown(error.location, 400)}: " if error.location else ""
    first, *more = error.message.splitlines() or [""]
    lines = [f"{paint(_RED, 'error')} {paint(_DIM, error.code)} {where}{first}", *(f"      {line}" for line in more)]
    if error.remedy:
        fix, *rest = error.remedy.splitlines()
        lines += [f"  {paint(_BOLD, 'fix')} {fix}", *(f"      {line}" for line in rest)]
    return "\n".join(lines) + "\n"


def receipt_text(receipt: Receipt, *, where: str | None, next_command: str, colour: bool) -> str:
    """The end of a release: what, how big, digests, signer, log entries, how long, what to run next."""
    paint = _Paint(on=colour)
    package = receipt.package
    signed = receipt.result is ReleaseResult.SIGNED
    verdict = paint(_GREEN, "SIGNED") if signed else paint(_YELLOW, "UNSIGNED")
    rows = [
        ("model", f"{package.model_digest}  {plural(len(package.files), 'file')}, {size(package.total_bytes)}"),
        ("package", f"{package.package_digest}  {package.layout.value}"),
        *((label.lower(), shown(value, 400)) for label, value in described_rows(receipt)),
    ]
    if receipt.signer is not None:
        rows.append(("signer", signer_line(receipt.signer)))
    for bundle in receipt.bundles:
        rows += [
            ("log", f"{entry.entry_url or entry.log_url} index {entry.log_index} ({bundle.name})")
            for entry in bundle.log_entries
        ]
    if receipt.slsa_level is not None:
        rows.append(("slsa", f"build level {receipt.slsa_level}: {'; '.join(receipt.slsa_reasons)}"))
    rows += [("pushed", reference) for reference in receipt.references]
    if where is not None:
        rows.append(("written", f"{where}  {plural(len(receipt.bundles), 'bundle')}"))
    total = sum(seconds for _, seconds in receipt.timings)
    read = max(package.seconds, 1e-9)
    rows.append(("time", f"{duration(total)}; read and hashed at {size(int(package.total_bytes / read))}/s"))
    lines = [f"{verdict} {paint(_BOLD, f'{receipt.name} {receipt.version}')}", *_table(rows)]
    lines += _evaluations(receipt, paint)
    lines += _findings(receipt.findings, paint)
    lines += ["", f"Next: {next_command}"]
    return "\n".join(lines) + "\n"


def _evaluations(receipt: Receipt, paint: _Paint) -> list[str]:
    """A table where there are evaluations: what failed first."""
    rows = evaluation_rows(receipt.manifest)
    if not rows:
        return []
    cells = [
        tuple(shown(cell, 100) for cell in (row.name, row.value, row.bound, row.outcome)) for row in rows[:_EVALUATIONS]
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    styles = {"FAILED": _RED, "passed": _GREEN}
    lines = ["", f"Evaluations  {evaluations_line(receipt.manifest)}"]
    for *told, ended in cells:
        padded = "  ".join(cell.ljust(width) for cell, width in zip(told, widths, strict=True))
        lines.append(f"  {padded}  {paint(styles.get(ended, _DIM), ended)}")
    if len(rows) > _EVALUATIONS:
        lines.append(f"  and {len(rows) - _EVALUATIONS} more, in model-manifest.json")
    return lines


def report_text(report: Report, *, target: str, colour: bool, seconds: float, verbose: bool = False) -> str:
    """The verdict first, then who signed, then every failure with its remedy, then what was not checked."""
    paint = _Paint(on=colour)
    style = {Result.PASS: _GREEN, Result.FAIL: _RED, Result.ERROR: _RED}[report.result]
    lines = [
        f"{paint(style, report.result.value)} {shown(target, 400)}  {paint(_DIM, f'exit status {report.exit_status}')}"
    ]
    rows = []
    if report.verified is not None:
        verified = report.verified
        name = f"{verified.manifest.get('model_name')} {verified.manifest.get('version')}" if verified.manifest else ""
        if name:
            rows.append(("release", shown(name)))
        if verified.model_digest is not None:
            count = plural(len(verified.files), "file")
            rows.append(("model", f"{verified.model_digest}  {count}, {size(sum(f.size for f in verified.files))}"))
        if verified.package_digest is not None:
            rows.append(("package", str(verified.package_digest)))
    if report.reference is not None:
        rows.append(("reference", shown(report.reference, 400)))
    if report.signer is not None:
        # A policy is only asked about what was verified, so who signed is known even where it says no.
        known = report.verified is not None or report.decision is not None
        role = "verifier" if report.scope is Scope.SUMMARY else "signer"
        label, note = (role, "") if known else ("found", "  (found in the evidence, not trusted)")
        rows.append((label, signer_line(report.signer) + note))
    rows += [("log", f"{entry.entry_url or entry.log_url} index {entry.log_index}") for entry in report.log_entries[:8]]
    if report.slsa_level is not None and report.verified is not None:
        rows.append(("slsa", f"build level {report.slsa_level}: {'; '.join(report.slsa_reasons)}"))
    checked = sum(1 for finding in report.findings if finding.status is Status.PASS)
    rows.append(("checks", f"{checked} passed, scope {report.scope.value}, {duration(seconds)}"))
    lines += _table(rows)
    if report.decision is not None:
        lines += decision_lines(report.decision)
    lines += _findings(report.findings, paint, verbose=verbose)
    if report.not_checked:
        lines += ["", "Not checked:"] + [f"  {item}" for item in report.not_checked]
    return "\n".join(lines) + "\n"


def findings_text(findings: Iterable[Finding], *, colour: bool, verbose: bool = False) -> str:
    """Findings alone, one or two lines each, in their own order, which is that of the file they are about."""
    lines = _findings(tuple(findings), _Paint(on=colour), ordered=True, verbose=verbose)
    return "\n".join(lines[1:]) + "\n" if lines else ""


def command_line(words: Iterable[str]) -> str:
    """Words as they could be typed."""
    return shlex.join(words)


def wrapped_command(words: Iterable[str]) -> str:
    """The same on several lines, an option a line: a line that scrolls away is copied without its end."""
    lines: list[list[str]] = [[]]
    for word in words:
        if word.startswith("--"):
            lines.append([])
        lines[-1].append(word)
    return " \\\n  ".join(shlex.join(line) for line in lines)


def _table(rows: list[tuple[str, str]]) -> list[str]:
    width = max((len(label) for label, _ in rows), default=0)
    return [f"  {label:<{width}}  {value}" for label, value in rows]


def _findings(
    findings: tuple[Finding, ...], paint: _Paint, *, verbose: bool = False, ordered: bool = False
) -> list[str]:
    lines = []
    told = [f for f in findings if verbose or (f.status is not Status.PASS and f.severity is not Severity.INFO)]
    for finding, places in _grouped(told if ordered else sorted(told, key=_weight)):
        style, word = _word(finding)
        where = f"{', '.join(places)}: " if places else ""
        first, *more = finding.message.splitlines() or [""]
        lines += [f"{paint(style, word)} {paint(_DIM, finding.id)} {where}{first}", *(f"      {line}" for line in more)]
        if finding.remedy and finding.status is not Status.PASS:
            fix, *rest = finding.remedy.splitlines()
            lines += [f"  {paint(_BOLD, 'fix')} {fix}", *(f"      {line}" for line in rest)]
    return ["", *lines] if lines else []


def _grouped(findings: list[Finding]) -> Iterator[tuple[Finding, list[str]]]:
    """Findings that differ only by place, once, with their places: one wrong key must not fill a screen."""
    places: dict[Finding, list[str]] = {}
    for finding in findings:
        here = places.setdefault(replace(finding, location=""), [])
        if finding.location:
            here.append(shown(finding.location, 400))
    for finding, here in places.items():
        more = [f"{len(here) - _PLACES} more"] if len(here) > _PLACES else []
        yield finding, [*here[:_PLACES], *more]


def _word(finding: Finding) -> tuple[str, str]:
    if finding.status is Status.PASS:
        return _GREEN, "passed"
    if finding.severity is Severity.ERROR:
        return _RED, "failed" if finding.status is Status.FAIL else "error"
    if finding.status is Status.SKIPPED:
        return _YELLOW, "skipped"
    return _YELLOW, "warning" if finding.severity is Severity.WARNING else "note"


def _weight(finding: Finding) -> tuple[int, str, str]:
    order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
    return order[finding.severity] + (3 if finding.status is Status.PASS else 0), finding.id, finding.location
