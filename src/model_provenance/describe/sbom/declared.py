"""What the manifest declares beside lineage and licence: supplier, hyperparameters, evaluations, usage, origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from model_provenance.describe.sbom.values import ENTRY_LIMIT, agent, digest, maps, reach, text, texts, url, written
from model_provenance.domain.agents import Agent
from model_provenance.domain.sbom import Declarations, Evaluation, IpClaim, Usage
from model_provenance.domain.text import shown
from model_provenance.formats.evaluations import bound_words

#: A notice may name many holders.
_COPYRIGHT_LIMIT = 2000


def declarations(manifest: Mapping[str, Any]) -> Declarations:
    """Every value on one line, bounded; what has another type than the schema asks for is left out."""
    origin = manifest.get("origin")
    origin = origin if isinstance(origin, Mapping) else {}
    publisher = text(origin.get("publisher"))
    return Declarations(
        hyperparameters=_hyperparameters(manifest.get("hyperparameters")),
        evaluations=tuple(_evaluations(manifest.get("tests"))),
        usage=_usage(manifest.get("usage")),
        download_url=url(origin.get("url")),
        publisher=None if publisher is None else Agent(publisher, reach(origin.get("contact"))),
        supplier=agent(manifest.get("supplier")),
        copyright=text(manifest.get("copyright"), _COPYRIGHT_LIMIT),
        governance=_governance(manifest.get("data_governance")),
    )


def _hyperparameters(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        return ()
    pairs = sorted((str(name), held) for name, held in value.items())[:ENTRY_LIMIT]
    return tuple((shown(name, 100), written(held)) for name, held in pairs if name)


def _evaluations(value: Any) -> Iterator[Evaluation]:
    for test in maps(value):
        name = text(test.get("name"))
        if name is None:
            continue
        measured = test.get("value")
        yield Evaluation(
            name=name,
            result=text(test.get("result")),
            metric=text(test.get("metric")),
            value=None if measured is None else written(measured),
            dataset=text(test.get("dataset")),
            url=url(test.get("url")),
            digest=digest(test.get("digest")),
            kind=text(test.get("kind")),
            bound=bound_words(test),
            group=text(test.get("group")),
            report=text(test.get("report")),
        )


def _governance(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        return ()
    pairs = sorted((str(name), held) for name, held in value.items())[:ENTRY_LIMIT]
    return tuple((shown(name, 60), written(held)) for name, held in pairs if name)


def _usage(value: Any) -> Usage:
    if not isinstance(value, Mapping):
        return Usage()
    claims = []
    for entry in maps(value.get("ip_claims")):
        claimant, claim = text(entry.get("claimant")), text(entry.get("claim"))
        if claimant and claim:
            claims.append(IpClaim(claimant, claim, url(entry.get("url"))))
    return Usage(
        commercial=text(value.get("commercial")),
        intended=texts(value.get("intended")),
        prohibited=texts(value.get("prohibited")),
        claims=tuple(claims),
        policy_url=url(value.get("policy_url")),
    )
