"""What a release says about its model, in rows: the same facts for the summary, the check and the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from model_provenance.domain.conformance import Conformance
from model_provenance.domain.facts import ModelFacts
from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.formats.conformance import evaluate, profile
from model_provenance.formats.release_view import release_view
from model_provenance.report.units import parameters, plural

_LIST = 8


def described_rows(receipt: Receipt) -> list[tuple[str, str]]:
    """Label and value, unescaped: formats, size, licence, data and base model, with how each is known."""
    manifest, facts = receipt.manifest, receipt.facts
    rows: list[tuple[str, str]] = []
    if facts is not None:
        rows += _weights(facts)
    rows.append(("Licence", _with_source(manifest, "license", str(manifest.get("license") or "not known"))))
    rows.append(("Datasets", _datasets(manifest)))
    field = "merged_from" if manifest.get("merged_from") else "fine_tuned_from"
    bases = [_base(entry) for entry in _entries(manifest.get(field))]
    rows.append(("Base model", _with_source(manifest, field, listed(bases) if bases else "none named")))
    for label, field in (
        ("Release commit", "release_commit"),
        ("Training commit", "training_commit"),
        ("Training container", "training_container_digest"),
    ):
        rows.append((label, _with_source(manifest, field, str(manifest.get(field) or "not known"))))
    minimum = _minimum(receipt)
    rows.append(("Deployable minimum", minimum.score))
    # That a dry run has no signature is its verdict, and nothing that its reader can add.
    signed = receipt.result is ReleaseResult.SIGNED
    absent = [judged.element for judged in minimum.absent if signed or judged.element.id != "signature"]
    rows += [("To add", f"{element.name}: {element.add}") for element in absent]
    rows.append(("SBOM", f"{receipt.sbom_engine}, {plural(receipt.packages, 'software package')}"))
    return rows


def _base(entry: Mapping[str, Any]) -> str:
    relation = entry.get("relation")
    return str(entry.get("model", "")) + (f", {relation}" if relation else "")


def _datasets(manifest: Mapping[str, Any]) -> str:
    """Their names; and of how many this run has read the data."""
    entries = _entries(manifest.get("datasets"))
    text = listed([str(entry.get("name", "")) for entry in entries]) if entries else "none named"
    read = sum(entry.get("digest_known") == "observed" for entry in entries)
    return _with_source(manifest, "datasets", text) + (
        f"; digests of {read} of {len(entries)} observed" if read else ""
    )


def _minimum(receipt: Receipt) -> Conformance:
    """What a deployment should ask of a release, as `sbom check --profile minimum` judges the folder."""
    view = release_view(
        receipt.manifest,
        checksums=True,
        licensed=bool(receipt.manifest.get("license")),
        signed=bool(receipt.bundles),
        logged=bool(receipt.bundles) and all(bundle.log_entries for bundle in receipt.bundles),
    )
    return evaluate(profile("minimum"), view)


def listed(values: Sequence[str]) -> str:
    """The first few of a list, and how many more."""
    more = f" and {len(values) - _LIST} more" if len(values) > _LIST else ""
    return ", ".join(values[:_LIST]) + more


def _weights(facts: ModelFacts) -> list[tuple[str, str]]:
    rows = [("Formats", listed(facts.formats) or "none that is known")]
    if facts.parameters is not None:
        types = ", ".join(f"{name} {parameters(count)}" for name, count in facts.element_types[:_LIST])
        rows.append(
            ("Parameters", f"{parameters(facts.parameters)} ({types})" if types else parameters(facts.parameters))
        )
    kind = " · ".join(text for text in (facts.architecture, facts.task, facts.quantization) if text)
    if kind:
        rows.append(("Architecture", kind))
    if facts.executable:
        rows.append(("Can execute code", listed(facts.executable)))
    return rows


def _entries(value: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in (value if isinstance(value, list) else [value]) if isinstance(entry, dict)]


def _with_source(manifest: Mapping[str, Any], field: str, text: str) -> str:
    known = (manifest.get("known") or {}).get(field)
    return f"{text} ({known})" if manifest.get(field) and isinstance(known, str) else text


def commit_of(manifest: Mapping[str, Any], field: str) -> tuple[str, str]:
    """The commit that a field names, and how that is known, for pages that make a link of it; empty where it names none."""
    value, known = manifest.get(field), (manifest.get("known") or {}).get(field)
    return (value, f" ({known})" if isinstance(known, str) else "") if isinstance(value, str) else ("", "")
