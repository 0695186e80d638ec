"""The job summary of a release: verdict first, then what a reader forwards. Everything from a model or a token is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_provenance.domain.difference import Difference
from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.report.changes import changes_section
from model_provenance.report.described import commit_of, described_rows
from model_provenance.report.evaluations import evaluation_rows, evaluations_line
from model_provenance.report.lineage import lineage
from model_provenance.report.markdown import (
    ROWS,
    budgeted,
    code,
    commit_link,
    escaped,
    fact_table,
    fence,
    findings_section,
    link,
    prose,
    table,
)
from model_provenance.report.signer import signer_line
from model_provenance.report.text import wrapped_command
from model_provenance.report.units import duration, plural, size


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """One release for three readers: the job summary, and the two fields of a check."""

    receipt: Receipt
    #: The words of the command that verifies it.
    verify: Sequence[str]
    #: Against the last release, where somebody asked for it.
    changes: Difference | None = None
    #: Why nothing was signed, in words that go on with "nothing was signed or pushed: "; empty for a signed release.
    why_unsigned: str = ""
    #: HOST/REPOSITORY:TAG of each place that a signed run would push to.
    planned: tuple[str, ...] = ()
    #: The page of the run.
    run_url: str | None = None

    def summary(self, *, notes: Sequence[str] = ()) -> str:
        """All of it. `notes` are sentences of our own about the run, e.g. why there is no check."""
        title = [f"## {_title(self.receipt)}"]
        return budgeted(title, self._unsigned(), self._verdict(notes), *self._first(), *self._rest())

    def overview(self, *, notes: Sequence[str] = ()) -> str:
        """What a reviewer reads first; the check has the title already."""
        return budgeted(self._unsigned(), self._verdict(notes), *self._first())

    def details(self) -> str:
        """The rest of it."""
        return budgeted(*self._rest())

    def _first(self) -> list[list[str]]:
        changes = [] if self.changes is None else changes_section(self.changes)
        return [changes, _verify(self.receipt, self.verify), findings_section(self.receipt.findings)]

    def _rest(self) -> list[list[str]]:
        receipt = self.receipt
        return [
            _described(receipt),
            _evaluations(receipt.manifest),
            [
                "### Lineage",
                "",
                *fence("mermaid", "\n".join(lineage(receipt))),
                "",
                "Solid: observed. Dashed: declared.",
            ],
            _log(receipt),
            _documents(receipt.manifest),
        ]

    def _unsigned(self) -> list[str]:
        if self.receipt.result is ReleaseResult.SIGNED:
            return []
        why = f": {prose(self.why_unsigned)}" if self.why_unsigned else ""
        return [f"Nothing was signed or pushed{why}. This is what a release would hold."]

    def _verdict(self, notes: Sequence[str]) -> list[str]:
        receipt, package = self.receipt, self.receipt.package
        facts = [
            ("Model", code(str(package.model_digest))),
            ("Package", f"{code(str(package.package_digest))} ({package.layout.value})"),
            ("Size", f"{plural(len(package.files), 'file')}, {size(package.total_bytes)}"),
            *(("Registry", code(reference)) for reference in receipt.references),
            *(("Would be pushed to", code(reference)) for reference in self.planned),
        ]
        if receipt.signer is not None:
            facts.append(("Signer", escaped(signer_line(receipt.signer), 600)))
        if receipt.slsa_level is not None:
            facts.append(("SLSA", f"**Build L{receipt.slsa_level}**: {escaped('; '.join(receipt.slsa_reasons), 400)}"))
        if self.run_url is not None:
            facts.append(("Run", link(self.run_url.rpartition("/actions/runs/")[2] or "this run", self.run_url)))
        facts.append(("Took", duration(sum(seconds for _, seconds in receipt.timings))))
        lines = fact_table(facts)
        for note in notes:
            lines += ["", f"> {prose(note, 1000)}"]
        return lines


def _title(receipt: Receipt) -> str:
    verdict = "✅ SIGNED" if receipt.result is ReleaseResult.SIGNED else "🔍 UNSIGNED, a dry run"
    return f"{verdict}: {escaped(receipt.name)} {escaped(receipt.version)}"


def _verify(receipt: Receipt, words: Sequence[str]) -> list[str]:
    if receipt.result is not ReleaseResult.SIGNED:
        return []
    return ["### Verify", "", *fence("sh", wrapped_command(words))]


def _described(receipt: Receipt) -> list[str]:
    facts = [(label, prose(value, 1000)) for label, value in described_rows(receipt)]
    for number, (label, _) in enumerate(facts):
        commit, known = commit_of(receipt.manifest, label.lower().replace(" ", "_"))
        if label in ("Release commit", "Training commit") and commit:
            facts[number] = (label, commit_link(commit) + escaped(known))
    return ["### What is in it", "", *fact_table(facts)]


def _evaluations(manifest: Mapping[str, Any]) -> list[str]:
    rows = evaluation_rows(manifest)
    if not rows:
        return []
    icons = {"passed": "✅ ", "FAILED": "❌ "}
    cells = [
        (
            escaped(row.name, 400),
            escaped(row.value),
            escaped(row.bound),
            icons.get(row.outcome, "") + row.outcome,
            escaped(row.source),
        )
        for row in rows[:ROWS]
    ]
    if len(rows) > ROWS:
        cells.append((f"{len(rows) - ROWS} more, see the manifest", "", "", "", ""))
    head = ("Evaluation", "Value", "Bound", "Outcome", "Known from")
    return ["### Evaluations", "", f"**{evaluations_line(manifest)}**", "", *table(head, cells)]


def _log(receipt: Receipt) -> list[str]:
    entries = [(bundle.name, entry) for bundle in receipt.bundles for entry in bundle.log_entries]
    if not entries:
        return []
    rows = [
        (escaped(name), escaped(_host(entry.log_url)), link(str(entry.log_index), entry.entry_url))
        for name, entry in entries[:ROWS]
    ]
    return ["### Transparency log", "", *table(("Statement", "Log", "Entry"), rows)]


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0] or url


def _documents(manifest: Mapping[str, Any]) -> list[str]:
    sboms = [entry for entry in manifest.get("sboms") or () if isinstance(entry, dict)]
    if not sboms:
        return []
    rows = [(escaped(str(e["name"])), size(int(e["size"])), code(str(e["digest"]))) for e in sboms[:ROWS]]
    return ["### SBOM", "", *table(("File", "Size", "Digest"), rows)]
