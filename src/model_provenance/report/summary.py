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
from model_provenance.report.markdown import ROWS, budgeted, code, escaped, fence, findings_section, link
from model_provenance.report.signer import signer_line
from model_provenance.report.units import duration, plural, size


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """One release for three readers: the job summary, and the two fields of a check."""

    receipt: Receipt
    verify_command: str
    #: Against the last release, where somebody asked for it.
    changes: Difference | None = None

    def summary(self, *, notes: Sequence[str] = ()) -> str:
        """All of it. `notes` are sentences of our own about the run, e.g. why there is no check."""
        return budgeted(_verdict(self.receipt, notes), *self._first(), *self._rest())

    def overview(self) -> str:
        """What a reviewer reads first."""
        return budgeted(_verdict(self.receipt, ()), *self._first())

    def details(self) -> str:
        """The rest of it."""
        return budgeted(*self._rest())

    def _first(self) -> list[list[str]]:
        changes = [] if self.changes is None else changes_section(self.changes)
        return [changes, _verify(self.receipt, self.verify_command)]

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


def _verdict(receipt: Receipt, notes: Sequence[str]) -> list[str]:
    package = receipt.package
    icon = "✅" if receipt.result is ReleaseResult.SIGNED else "⚠️"
    head = f"## {icon} {receipt.result.value}: {escaped(receipt.name)} {escaped(receipt.version)}"
    lines = [head, "", "| | |", "|---|---|"]
    lines.append(f"| Model | {code(str(package.model_digest))} |")
    lines.append(f"| Package | {code(str(package.package_digest))} ({package.layout.value}) |")
    lines.append(f"| Size | {plural(len(package.files), 'file')}, {size(package.total_bytes)} |")
    lines += [f"| Registry | {code(reference)} |" for reference in receipt.references]
    if receipt.signer is not None:
        lines.append(f"| Signer | {escaped(signer_line(receipt.signer), 600)} |")
    if receipt.slsa_level is not None:
        lines.append(f"| SLSA | **Build L{receipt.slsa_level}**: {escaped('; '.join(receipt.slsa_reasons), 400)} |")
    lines.append(f"| Time | {duration(sum(seconds for _, seconds in receipt.timings))} |")
    for note in notes:
        lines += ["", f"> {escaped(note, 1000)}"]
    return lines


def _verify(receipt: Receipt, command: str) -> list[str]:
    if receipt.result is not ReleaseResult.SIGNED:
        return ["Nothing was signed: this run shows what a release would hold."]
    return ["### Verify", "", *fence("sh", command)]


def _described(receipt: Receipt) -> list[str]:
    rows = [f"| {label} | {escaped(value, 1000)} |" for label, value in described_rows(receipt)]
    return ["### What is in it", "", "| | |", "|---|---|", *rows]


def _log(receipt: Receipt) -> list[str]:
    entries = [(bundle.name, entry) for bundle in receipt.bundles for entry in bundle.log_entries]
    if not entries:
        return []
    lines = ["### Transparency log", "", "| Statement | Log | Entry |", "|---|---|---|"]
    for name, entry in entries[:ROWS]:
        host = entry.log_url.partition("://")[2].partition("/")[0] or entry.log_url
        lines.append(f"| {escaped(name)} | {escaped(host)} | {link(str(entry.log_index), entry.entry_url)} |")
    return lines


def _documents(manifest: Mapping[str, Any]) -> list[str]:
    sboms = [entry for entry in manifest.get("sboms") or () if isinstance(entry, dict)]
    if not sboms:
        return []
    lines = ["### SBOM", "", "| File | Size | Digest |", "|---|---|---|"]
    rows = ((escaped(str(e["name"])), size(int(e["size"])), code(str(e["digest"]))) for e in sboms[:ROWS])
    return lines + [f"| {' | '.join(row)} |" for row in rows]
