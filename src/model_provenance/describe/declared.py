"""What people say about a model, in the source manifest and in the model's own files, made one."""

from __future__ import annotations

from typing import Any

from model_provenance.describe.sbom.licensing import licensing
from model_provenance.describe.sbom.lineage import base_models, relations
from model_provenance.domain.context import Fact, Known
from model_provenance.domain.facts import ModelFacts
from model_provenance.domain.finding import Finding, warned
from model_provenance.domain.manifest import DATASET_LIMIT, SourceManifest
from model_provenance.domain.package import Package
from model_provenance.domain.text import shown, shown_name
from model_provenance.formats.manifest_forms import license_expression

#: What the schema allows, less the mark that `shown` puts where it cuts.
_NAME_LIMIT = 299
_BASE_LIMIT = 100
_EXPRESSION_LIMIT = 300


def lineage(source: SourceManifest, facts: ModelFacts, findings: list[Finding]) -> dict[str, Fact[Any]]:
    """`datasets`, and `fine_tuned_from` or `merged_from`; all of it is declared, by the manifest or by a card."""
    values = {"datasets": _datasets(source, facts), **_bases(source, facts, findings)}
    return {field: Fact(value, Known.DECLARED) for field, value in values.items() if value}


def license_of(source: SourceManifest, package: Package, facts: ModelFacts) -> dict[str, Fact[str]]:
    """The licence: the manifest's, else what card and headers declare, else what the licence texts are."""
    declared: str | None = source.value.get("license")
    result, _ = licensing(declared, facts.licenses, {file.path: file.role for file in package.files})
    expression = result.declared
    if expression is None or len(expression) > _EXPRESSION_LIMIT or license_expression(expression) is not None:
        return {}
    said = declared is not None or any(claim.origin.known is Known.DECLARED for claim in result.claims)
    return {"license": Fact(expression, Known.DECLARED if said else Known.OBSERVED)}


def _datasets(source: SourceManifest, facts: ModelFacts) -> list[dict[str, Any]]:
    """The manifest's entries as they are, then the names that only the model's files know; one entry a name."""
    entries = {entry["name"]: dict(entry) for entry in source.value.get("datasets", ())}
    for fact in facts.datasets:
        name = shown_name(fact.name, _NAME_LIMIT)
        if name and len(entries) < DATASET_LIMIT:
            entries.setdefault(name, {"name": name})
    return list(entries.values())


def _bases(source: SourceManifest, facts: ModelFacts, findings: list[Finding]) -> dict[str, Any]:
    found = [base for base in base_models({}, facts)[0] if len(base.name) <= _NAME_LIMIT][:_BASE_LIMIT]
    declared = {field: source.value[field] for field in ("fine_tuned_from", "merged_from") if field in source.value}
    if declared:
        field, value = next(iter(declared.items()))
        listed = value if isinstance(value, list) else [value]
        named = {entry["model"].lower() for entry in listed}
        of_files = relations(facts, [*named, *(base.name for base in found)])
        for entry in listed:
            word = of_files.get(entry["model"].lower())
            if word is not None and entry.get("relation", word) != word:
                message = f"the model's files call the relation to {shown(entry['model'], 100)} `{word}`, `{field}` another one"
                findings.append(warned("manifest.conflict", message, location=source.place(field)))
        for base in found:
            if base.name.lower() not in named:
                message = f"the model's files name the base model {base.name}, which `{field}` does not"
                findings.append(warned("manifest.conflict", message, location=source.place(field)))
        return declared
    entries = [
        {
            "model": base.name,
            **{key: value for key, value in (("purl", base.purl), ("relation", base.relation)) if value},
        }
        for base in found
    ]
    return {"fine_tuned_from": entries[0]} if len(entries) == 1 else {"merged_from": entries}
