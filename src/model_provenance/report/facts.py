"""What a model holds, for a terminal."""

from __future__ import annotations

from model_provenance.domain.facts import Inspection, ModelFacts
from model_provenance.domain.text import shown
from model_provenance.report.text import findings_text
from model_provenance.report.units import parameters, plural

_LIST = 12


def facts_text(facts: ModelFacts, *, colour: bool) -> str:
    """One line a fact, then the files that were not read, then findings. Values come from the model: escaped."""
    rows: list[tuple[str, str]] = [("formats", _joined(facts.formats) or "none that is known")]
    if facts.parameters is not None:
        types = ", ".join(f"{shown(name)} {parameters(count)}" for name, count in facts.element_types)
        rows.append(("parameters", f"{parameters(facts.parameters)} ({types})"))
    for label, value in (
        ("architecture", facts.architecture),
        ("type", facts.model_type),
        ("task", facts.task),
        ("library", facts.library),
    ):
        if value:
            rows.append((label, shown(value)))
    if facts.tokenizer is not None:
        size = facts.tokenizer.vocabulary_size
        words = [facts.tokenizer.type or "unknown", f"{size} tokens" if size else ""]
        if facts.tokenizer.chat_template_digest:
            words.append(f"chat template {facts.tokenizer.chat_template_digest}")
        rows.append(("tokenizer", shown(", ".join(word for word in words if word))))
    rows.append(("licence", _joined(tuple(f"{f.identifier} ({f.source})" for f in facts.licenses)) or "none named"))
    if facts.base_models:
        relations = {base: facts.base_relations.get(base) or facts.base_relation for base in facts.base_models}
        named = tuple(f"{base} ({relation})" if relation else base for base, relation in relations.items())
        rows.append(("base model", _joined(named)))
    if facts.quantization or facts.quantized_by:
        by = f" by {shown(facts.quantized_by, 100)}" if facts.quantized_by else ""
        rows.append(("quantised", shown(facts.quantization or "unknown type", 60) + by))
    if facts.datasets:
        rows.append(("datasets", _joined(tuple(fact.name for fact in facts.datasets))))
    rows.append(("can execute code", _joined(facts.executable) or "no file that was read"))
    rows.append(("files", _coverage(facts)))
    width = max(len(label) for label, _ in rows)
    text = "".join(f"{label:<{width}}  {value}\n" for label, value in rows)
    findings = findings_text(facts.findings, colour=colour)
    return f"{text}\n{findings}" if findings else text


def _coverage(facts: ModelFacts) -> str:
    counts = {kind: sum(1 for file in facts.files if file.inspection is kind) for kind in Inspection}
    return f"{plural(len(facts.files), 'file')}: " + ", ".join(
        f"{count} {kind.value}" for kind, count in counts.items() if count
    )


def _joined(values: tuple[str, ...]) -> str:
    more = f" and {len(values) - _LIST} more" if len(values) > _LIST else ""
    return ", ".join(shown(value, 100) for value in values[:_LIST]) + more
