"""What the manifest declares beside lineage and licence: hyperparameters, evaluations, usage, origin."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.sbom import Declarations, Evaluation, IpClaim, Usage
from model_provenance.domain.text import shown
from model_provenance.formats.licenses import web_address

_ENTRY_LIMIT = 1000
_TEXT_LIMIT = 500


def declarations(manifest: Mapping[str, Any]) -> Declarations:
    """Every value on one line, bounded; what has another type than the schema asks for is left out."""
    origin = manifest.get("origin")
    origin = origin if isinstance(origin, Mapping) else {}
    return Declarations(
        hyperparameters=_hyperparameters(manifest.get("hyperparameters")),
        evaluations=tuple(_evaluations(manifest.get("tests"))),
        usage=_usage(manifest.get("usage")),
        download_url=_url(origin.get("url")),
        publisher=_text(origin.get("publisher")),
    )


def _hyperparameters(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        return ()
    pairs = sorted((str(name), held) for name, held in value.items())[:_ENTRY_LIMIT]
    return tuple((shown(name, 100), _written(held)) for name, held in pairs if name)


def _evaluations(value: Any) -> Iterator[Evaluation]:
    for test in _maps(value):
        name = _text(test.get("name"))
        if name is None:
            continue
        measured = test.get("value")
        yield Evaluation(
            name=name,
            result=_text(test.get("result")),
            metric=_text(test.get("metric")),
            value=None if measured is None else _written(measured),
            dataset=_text(test.get("dataset")),
            url=_url(test.get("url")),
            digest=_digest(test.get("digest")),
        )


def _usage(value: Any) -> Usage:
    if not isinstance(value, Mapping):
        return Usage()
    claims = []
    for entry in _maps(value.get("ip_claims")):
        claimant, claim = _text(entry.get("claimant")), _text(entry.get("claim"))
        if claimant and claim:
            claims.append(IpClaim(claimant, claim, _url(entry.get("url"))))
    return Usage(
        commercial=_text(value.get("commercial")),
        intended=_texts(value.get("intended")),
        prohibited=_texts(value.get("prohibited")),
        claims=tuple(claims),
        policy_url=_url(value.get("policy_url")),
    )


def _maps(value: Any) -> list[Mapping[str, Any]]:
    entries = value[:_ENTRY_LIMIT] if isinstance(value, (list, tuple)) else ()
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _texts(value: Any) -> tuple[str, ...]:
    values: Sequence[Any] = (value,) if isinstance(value, str) else value if isinstance(value, (list, tuple)) else ()
    return tuple(text for text in (_text(entry) for entry in values[:_ENTRY_LIMIT]) if text)


def _text(value: Any) -> str | None:
    return shown(value, _TEXT_LIMIT) or None if isinstance(value, str) else None


def _written(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return shown(text, _TEXT_LIMIT)


def _url(value: Any) -> str | None:
    return web_address(value) if isinstance(value, str) else None


def _digest(value: Any) -> Digest | None:
    try:
        return Digest.parse(value) if isinstance(value, str) else None
    except ValueError:
        return None
