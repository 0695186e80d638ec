"""`inspect --format json`: what the readers found, as JSON values."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.facts import ModelFacts
from model_provenance.formats.receipt import finding_value

SCHEMA = "https://model-provenance.dev/schemas/inspection/v1"


def facts_value(facts: ModelFacts) -> dict[str, Any]:
    """Every fact; what is not known is null or empty, never left out."""
    tokenizer = facts.tokenizer
    return {
        "schema": SCHEMA,
        "formats": list(facts.formats),
        "parameters": facts.parameters,
        "element_types": dict(facts.element_types),
        "architecture": facts.architecture,
        "model_type": facts.model_type,
        "task": facts.task,
        "library": facts.library,
        "languages": list(facts.languages),
        "tokenizer": None
        if tokenizer is None
        else {
            "type": tokenizer.type,
            "vocabulary_size": tokenizer.vocabulary_size,
            "chat_template_digest": tokenizer.chat_template_digest,
        },
        "licenses": [
            {"identifier": fact.identifier, "source": fact.source, "name": fact.name, "link": fact.link}
            for fact in facts.licenses
        ],
        "datasets": [{"name": fact.name, "source": fact.source} for fact in facts.datasets],
        "base_models": list(facts.base_models),
        "base_relation": facts.base_relation,
        "base_relations": dict(facts.base_relations),
        "quantization": facts.quantization,
        "quantized_by": facts.quantized_by,
        "executable": list(facts.executable),
        "files": [
            {
                "path": fact.path,
                "format": fact.format,
                "inspection": fact.inspection.value,
                "details": dict(fact.details),
            }
            for fact in facts.files
        ],
        "findings": [finding_value(finding) for finding in facts.findings],
    }
