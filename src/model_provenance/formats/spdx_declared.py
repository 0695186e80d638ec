"""What people declare about a model, in SPDX 2: it has no fields for it, so it is one comment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from model_provenance.domain.sbom import Declarations, SbomFacts


def originator(declared: Declarations) -> Mapping[str, str]:
    """Who published an imported model. SPDX 2 reads parentheses behind a name as an e-mail address (7.6)."""
    name = declared.publisher
    return {"originator": f"Organization: {name}"} if name and not set(name) & set("()") else {}


def comment(facts: SbomFacts) -> Mapping[str, str]:
    """Layout, restrictions of the licences, usage, claims, evaluations, hyperparameters."""
    return {"comment": "; ".join((f"layout: {facts.layout.value}", *_said(facts)))}


def _said(facts: SbomFacts) -> Iterator[str]:
    for claim in facts.licensing.claims:
        flags = ", ".join(restriction.value for restriction in claim.license.restrictions)
        if flags:
            yield f"{claim.license.expression} restricts: {flags}"
    declared = facts.declared
    if declared.usage.commercial:
        yield f"commercial use: {declared.usage.commercial}"
    yield from (f"intended use: {text}" for text in declared.usage.intended)
    yield from (f"prohibited use: {text}" for text in declared.usage.prohibited)
    for entry in declared.usage.claims:
        yield f"claim of {entry.claimant}: {entry.claim}" + (f" ({entry.url})" if entry.url else "")
    for evaluation in declared.evaluations:
        about = (evaluation.metric, evaluation.value, evaluation.result, evaluation.dataset)
        yield f"evaluation {evaluation.name}: {', '.join(text for text in about if text)}"
    yield from (f"hyperparameter {name}: {value}" for name, value in declared.hyperparameters)
