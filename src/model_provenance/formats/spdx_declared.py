"""What people declare about a model, in SPDX 2: it has no fields for it, so it is one comment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from model_provenance.domain.agents import Agent
from model_provenance.domain.sbom import DatasetEntry, SbomFacts

_BRACKETS = str.maketrans("()", "[]")


def actor(agent: Agent | None) -> str:
    """Supplier or originator: `Organization: NAME (ADDRESS)`.

    SPDX 2 reads parentheses behind a name as an e-mail address (7.5, 7.6), so those of a name become square brackets.
    """
    if agent is None:
        return "NOASSERTION"
    kind = "Person" if agent.is_person else "Organization"
    mail = f" ({agent.email})" if agent.email else ""
    return f"{kind}: {agent.name.translate(_BRACKETS)}{mail}"


def originator(agent: Agent | None) -> Mapping[str, str]:
    """Who made what somebody supplies."""
    return {"originator": actor(agent)} if agent else {}


def dated(dataset: DatasetEntry) -> Mapping[str, str]:
    """The times of a dataset (7.25, 7.26), which 2.2 has no fields for."""
    card = dataset.card
    return {
        **({"builtDate": card.built} if card.built else {}),
        **({"releaseDate": card.released} if card.released else {}),
    }


def comment(facts: SbomFacts) -> Mapping[str, str]:
    """Layout, restrictions of the licences, usage, claims, governance of the data, evaluations, hyperparameters."""
    return {"comment": "; ".join((f"layout: {facts.layout.value}", *_said(facts)))}


def _said(facts: SbomFacts) -> Iterator[str]:
    for claim in facts.licensing.claims:
        flags = ", ".join(restriction.value for restriction in claim.license.restrictions)
        if flags:
            yield f"{claim.license.expression} restricts: {flags}"
    declared = facts.declared
    if declared.usage.commercial:
        yield f"commercial use: {declared.usage.commercial}"
    if declared.usage.policy_url:
        yield f"usage policy: {declared.usage.policy_url}"
    yield from (f"intended use: {text}" for text in declared.usage.intended)
    yield from (f"prohibited use: {text}" for text in declared.usage.prohibited)
    for entry in declared.usage.claims:
        yield f"claim of {entry.claimant}: {entry.claim}" + (f" ({entry.url})" if entry.url else "")
    yield from (f"data governance {name}: {value}" for name, value in declared.governance)
    for evaluation in declared.evaluations:
        about = (
            evaluation.metric,
            evaluation.value,
            evaluation.bound,
            evaluation.result,
            evaluation.dataset,
            evaluation.group,
            evaluation.report and f"from {evaluation.report} {evaluation.digest}",
        )
        kind = "bias test" if evaluation.kind == "bias" else "evaluation"
        yield f"{kind} {evaluation.name}: {', '.join(text for text in about if text)}"
    yield from (f"hyperparameter {name}: {value}" for name, value in declared.hyperparameters)
