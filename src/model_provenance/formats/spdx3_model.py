"""The model itself in SPDX 3: the one `ai_AIPackage`."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.context import Known
from model_provenance.domain.sbom import OBSERVED, Evaluation, SbomFacts
from model_provenance.formats.spdx3_graph import Graph, add_agent, entries, hashes, identifier, reference
from model_provenance.formats.spdx3_reading import FILES_DIGEST_REF, MODEL_DIGEST_REF, MODEL_REF


def add_model(graph: Graph, facts: SbomFacts, *, supplier: str | None, released: str | None) -> str:
    """Add the model. Properties of the AI profile stand where they are known, and nowhere else."""
    traits, declared, usage = facts.traits, facts.declared, facts.declared.usage
    maker = facts.maker
    originators = []
    if maker is not None:
        own = supplier is not None and maker is facts.supplier
        originators = [supplier if own else add_agent(graph, graph.id("Publisher"), maker)]
    return graph.add(
        "ai_AIPackage",
        graph.id(MODEL_REF),
        name=facts.name,
        software_packageVersion=facts.version,
        software_packageUrl=facts.purl,
        software_primaryPurpose="model",
        software_downloadLocation=declared.download_url,
        software_copyrightText=declared.copyright or "NOASSERTION",
        suppliedBy=supplier,
        originatedBy=originators,
        releaseTime=released,
        verifiedUsing=hashes(facts.package_digest),
        externalIdentifier=[
            identifier("packageUrl", facts.purl),
            identifier("other", str(facts.model_digest), MODEL_DIGEST_REF),
            identifier("other", str(facts.files_digest), FILES_DIGEST_REF),
        ],
        externalRef=_references(facts),
        ai_typeOfModel=list(dict.fromkeys(filter(None, (traits.architecture, traits.model_type)))),
        ai_domain=list(filter(None, (traits.task,))),
        ai_hyperparameter=entries([*_of_the_files(facts), *_of_the_manifest(facts)]),
        ai_metric=entries([_metric(evaluation) for evaluation in declared.evaluations]),
        ai_informationAboutApplication="; ".join(usage.intended),
        ai_limitation="; ".join(usage.prohibited),
        ai_informationAboutTraining=_training(facts),
        software_sourceInfo=_known(facts),
        comment=_comment(facts),
    )


def _references(facts: SbomFacts) -> list[dict[str, Any]]:
    usage = facts.declared.usage
    policy = [reference("other", usage.policy_url, "usage policy")] if usage.policy_url else []
    claims = [reference("other", c.url, f"claim of {c.claimant}: {c.claim}") for c in usage.claims if c.url]
    assessed = dict(facts.declared.governance).get("assessment_url")
    privacy = [reference("privacyAssessment", assessed, "of the data")] if assessed else []
    return [*policy, *claims, *privacy]


def _of_the_files(facts: SbomFacts) -> list[tuple[str, str]]:
    """What the model's files say, each with how it is known, beside what the manifest declares."""
    traits = facts.traits
    found = (
        ("parameters", "parameters", traits.parameters),
        *(("parameters", f"parameters:{name}", count) for name, count in traits.element_types),
        ("quantization", "quantization", traits.quantization),
        ("quantized-by", "quantized by", traits.quantized_by),
        ("tokenizer", "vocabulary-size", traits.vocabulary_size),
        ("tokenizer", "tokenizer", traits.tokenizer),
        ("tokenizer", "chat-template-digest", traits.chat_template),
        ("files", "formats", ",".join(traits.formats)),
        ("library", "library", traits.library),
        ("languages", "languages", ",".join(traits.languages)),
    )
    return [
        (f"{facts.origins.get(fact, OBSERVED).known.value}:{name}", str(value)) for fact, name, value in found if value
    ]


def _of_the_manifest(facts: SbomFacts) -> list[tuple[str, str]]:
    """Declared hyperparameters under their own names; one that could be taken for what the files say is told from it."""
    taken = tuple(f"{known.value}:" for known in Known)
    return [
        (f"hyperparameter:{name}" if name.startswith(taken) else name, value)
        for name, value in facts.declared.hyperparameters
    ]


def _metric(evaluation: Evaluation) -> tuple[str, str]:
    about = (
        evaluation.value,
        evaluation.bound,
        evaluation.result,
        evaluation.dataset and f"on {evaluation.dataset}",
        evaluation.group and f"for {evaluation.group}",
        evaluation.report and f"from {evaluation.report} {evaluation.digest}",
    )
    return evaluation.subject, "; ".join(text for text in about if text) or "declared"


def _training(facts: SbomFacts) -> str:
    commit = facts.training_commit
    return f"trained by git+{commit.repository}@{commit.revision} {commit.origin}" if commit else ""


def _known(facts: SbomFacts) -> str:
    return "; ".join(f"{name} {origin}" for name, origin in sorted(facts.origins.items()))


def _comment(facts: SbomFacts) -> str:
    usage = facts.declared.usage
    said = [
        f"layout: {facts.layout.value}",
        *([f"commercial use: {usage.commercial}"] if usage.commercial else []),
        *(f"claim of {claim.claimant}: {claim.claim}" for claim in usage.claims),
        *(f"data governance {name}: {value}" for name, value in facts.declared.governance),
        *([facts.licensing.comment] if facts.licensing.comment else []),
    ]
    return "; ".join(said)
