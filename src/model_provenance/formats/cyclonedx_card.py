"""The `modelCard` of CycloneDX: traits, evaluations, and what the model should be used for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from model_provenance.domain.sbom import Evaluation, SbomFacts
from model_provenance.formats.cyclonedx_parts import PREFIX, dataset_ref, given, properties


def model_card(facts: SbomFacts) -> dict[str, Any]:
    """Everything that the schema has a place for; the rest as properties."""
    traits, usage = facts.traits, facts.declared.usage
    parameters = {
        "task": traits.task,
        "architectureFamily": traits.model_type,
        "modelArchitecture": traits.architecture,
        "datasets": [{"ref": dataset_ref(dataset)} for dataset in facts.datasets],
    }
    metrics = [_metric(evaluation) for evaluation in facts.declared.evaluations]
    return {
        "modelParameters": given(**parameters),
        **given(
            quantitativeAnalysis=given(performanceMetrics=metrics),
            considerations=given(
                useCases=list(usage.intended),
                fairnessAssessments=_fairness(facts.declared.evaluations),
            ),
        ),
        "properties": properties((name, str(value)) for name, value in _more(facts) if value),
    }


def _more(facts: SbomFacts) -> Iterator[tuple[str, Any]]:
    """`cdx:ai-ml:*` are names of the CycloneDX property taxonomy; what it has no name for has ours."""
    traits, declared = facts.traits, facts.declared
    observed: Iterable[tuple[str, Any]] = (
        ("cdx:ai-ml:model:parameter:count", traits.parameters),
        ("cdx:ai-ml:model:languages", ",".join(traits.languages)),
        ("cdx:ai-ml:model:hyperparameter:quantization", traits.quantization),
        (f"{PREFIX}:quantized-by", traits.quantized_by),
        ("cdx:ai-ml:model:tokenizer", traits.tokenizer),
        ("cdx:ai-ml:model:hyperparameter:vocab_size", traits.vocabulary_size),
        (f"{PREFIX}:library", traits.library),
        (f"{PREFIX}:formats", ",".join(traits.formats)),
        (f"{PREFIX}:chat-template-digest", traits.chat_template),
        *((f"{PREFIX}:parameters:{name}", count) for name, count in traits.element_types),
    )
    yield from observed
    yield from ((f"{PREFIX}:hyperparameter:{name}", value) for name, value in declared.hyperparameters)
    yield (f"{PREFIX}:usage:commercial", declared.usage.commercial)
    yield (f"{PREFIX}:usage:policy", declared.usage.policy_url)
    yield from ((f"{PREFIX}:data-governance:{name}", value) for name, value in declared.governance)
    yield from ((f"{PREFIX}:usage:prohibited", text) for text in declared.usage.prohibited)
    for evaluation in declared.evaluations:
        if evaluation.bound:
            yield (f"{PREFIX}:evaluation:bound", f"{evaluation.subject}: {evaluation.bound}: {evaluation.result}")
        if evaluation.report and evaluation.digest:
            yield (f"{PREFIX}:evaluation:report", f"{evaluation.subject}: {evaluation.report} {evaluation.digest}")
    for claim in declared.usage.claims:
        address = f" ({claim.url})" if claim.url else ""
        yield (f"{PREFIX}:usage:ip-claim", f"{claim.claimant}: {claim.claim}{address}")


def _metric(evaluation: Evaluation) -> dict[str, Any]:
    """A metric has a type, a value and a slice; the name, and how a test ended, stand where they fit best."""
    slices = " / ".join(part for part in (evaluation.dataset, evaluation.group) if part)
    return {"type": evaluation.subject, **given(value=evaluation.value or evaluation.result, slice=slices)}


def _fairness(evaluations: Iterable[Evaluation]) -> list[dict[str, Any]]:
    """The groups that a bias test was made for. What harms or helps them is asked for there, too, and no test says it."""
    groups = dict.fromkeys(e.group for e in evaluations if e.kind == "bias" and e.group)
    return [{"groupAtRisk": group} for group in groups]
