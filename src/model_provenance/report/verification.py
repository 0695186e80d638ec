"""The summary of a gate: verdict first, what was let through or why not."""

from __future__ import annotations

from model_provenance.domain.finding import Status
from model_provenance.domain.result import Result
from model_provenance.domain.verification import Report
from model_provenance.report.decision import decision_section
from model_provenance.report.markdown import budgeted, code, escaped, fact_table, findings_section
from model_provenance.report.signer import signer_line
from model_provenance.report.units import plural, size

_ICONS = {Result.PASS: "✅", Result.FAIL: "❌", Result.ERROR: "❌"}


def verify_summary(report: Report, *, target: str) -> str:
    """The summary of a verification."""
    lines = [f"## {_ICONS[report.result]} {report.result.value}: {escaped(target, 400)}", ""]
    facts: list[tuple[str, str]] = []
    verified = report.verified
    if verified is not None:
        name = f"{verified.manifest.get('model_name', '')} {verified.manifest.get('version', '')}".strip()
        facts.append(("Release", escaped(name)))
        total = size(sum(file.size for file in verified.files))
        facts.append(("Model", f"{code(str(verified.model_digest))} {plural(len(verified.files), 'file')}, {total}"))
        if verified.package_digest is not None:
            facts.append(("Package", code(str(verified.package_digest))))
        if report.reference is not None:
            facts.append(("Reference", code(report.reference)))
    if report.signer is not None:
        # A policy is only asked about what was verified, so who signed is known even where it says no.
        trusted = "" if verified is not None or report.decision is not None else " (found, not trusted)"
        facts.append(("Signer", f"{escaped(signer_line(report.signer), 600)}{trusted}"))
    if verified is not None and report.slsa_level is not None:
        facts.append(("SLSA", f"**Build L{report.slsa_level}**: {escaped('; '.join(report.slsa_reasons), 400)}"))
    checked = sum(1 for finding in report.findings if finding.status is Status.PASS)
    facts.append(("Checks", f"{checked} passed, scope {report.scope.value}"))
    lines += fact_table(facts)
    unchecked = [f"- {escaped(item, 400)}" for item in report.not_checked]
    decided = [] if report.decision is None else decision_section(report.decision)
    # What the gates say stands in their table, with what to do.
    gates = {answer.gate for answer in report.decision.answers} if report.decision is not None else set()
    told = [f for f in report.findings if f.location not in gates or not f.id.startswith(("policy.", "status."))]
    return budgeted(lines, decided, findings_section(told), ["### Not checked", "", *unchecked] if unchecked else [])
