"""The job summary of a release: verdict first, then what a reader forwards. Everything from a model or a token is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_provenance.domain.difference import Difference
from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.report.changes import changes_section
from model_provenance.report.described import described_rows
from model_provenance.report.lineage import lineage
from model_provenance.report.markdown import (
    ROWS,
    budgeted,
    code,
    escaped,
    fact_table,
    fence,
    findings_section,
    link,
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

    def summary(self, *, notes: Sequence[str] = ()) -> str:
        """All of it. `notes` are sentences of our own about the run, e.g. why there is no check."""
        return budgeted(_title(self.receipt), _verdict(self.receipt, notes), *self._first(), *self._rest())

    def overview(self) -> str:
        """What a reviewer reads first; the check has the title already."""
        return budgeted(_verdict(self.receipt, ()), *self._first())

    def details(self) -> str:
        """The rest of it."""
        return budgeted(*self._rest())

    def _first(self) -> list[list[str]]:
        changes = [] if self.changes is None else changes_section(self.changes)
        return [changes, _verify(self.receipt, self.verify)]

    def _rest(self) -> list[list[str]]:
        receipt = self.receipt
        return [
            _described(receipt),
            [
                "### Lineage",
                "",
                *fence("mermaid", "\n".join(lineage(receipt))),
                "",
                "Solid: observed. Dashed: declared.",
            ],
            _log(receipt),
            _documents(receipt.manifest),
            findings_section(receipt.findings),
        ]


def _title(receipt: Receipt) -> list[str]:
    icon = "✅" if receipt.result is ReleaseResult.SIGNED else "⚠️"
    return [f"## {icon} {receipt.result.value}: {escaped(receipt.name)} {escaped(receipt.version)}"]


def _verdict(receipt: Receipt, notes: Sequence[str]) -> list[str]:
    package = receipt.package
    facts = [
        ("Model", code(str(package.model_digest))),
        ("Package", f"{code(str(package.package_digest))} ({package.layout.value})"),
        ("Size", f"{plural(len(package.files), 'file')}, {size(package.total_bytes)}"),
        *(("Registry", code(reference)) for reference in receipt.references),
    ]
    if receipt.signer is not None:
        facts.append(("Signer", escaped(signer_line(receipt.signer), 600)))
    if receipt.slsa_level is not None:
        facts.append(("SLSA", f"**Build L{receipt.slsa_level}**: {escaped('; '.join(receipt.slsa_reasons), 400)}"))
    facts.append(("Time", duration(sum(seconds for _, seconds in receipt.timings))))
    lines = fact_table(facts)
    for note in notes:
        lines += ["", f"> {escaped(note, 1000)}"]
    return lines


def _verify(receipt: Receipt, words: Sequence[str]) -> list[str]:
    if receipt.result is not ReleaseResult.SIGNED:
        return ["Nothing was signed: this run shows what a release would hold."]
    return ["### Verify", "", *fence("sh", wrapped_command(words))]


def _described(receipt: Receipt) -> list[str]:
    facts = [(label, escaped(value, 1000)) for label, value in described_rows(receipt)]
    return ["### What is in it", "", *fact_table(facts)]


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
