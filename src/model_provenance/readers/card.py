"""The model card: the YAML block at the beginning of `README.md`. Everything in it is declared, not observed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from model_provenance.domain.facts import BASE_RELATIONS, DatasetFact, LicenseFact
from model_provenance.domain.files import Role
from model_provenance.readers.bounds import plain, text, texts
from model_provenance.readers.cursor import Cursor
from model_provenance.readers.front_matter import SIZE_LIMIT, front_matter
from model_provenance.readers.reading import Head, Reader, Reading, never

READS = (
    "front matter: licence with name and link, datasets, base models and relation, languages, task, library, tags",
    "`model-index`: up to 200 results (task, dataset, metric, value as written); CO2 emissions",
    "YAML without tags, duplicate keys or more than 32 aliases; dates and numbers stay text; up to 1 MB",
)

_NAMES = ("readme.md", "model_card.md", "modelcard.md", "model-card.md")
_RESULT_LIMIT = 200


def _read(head: Head, cursor: Cursor) -> Reading:
    card = front_matter(cursor.peek(min(cursor.remaining, SIZE_LIMIT)))
    if card is None:
        return Reading({"front_matter": False})
    datasets = texts(card.get("datasets", []), "datasets")
    results = list(card_results(card.get("model-index")))
    details: dict[str, Any] = {
        "license": list(texts(card.get("license", []), "licences", 64)),
        "license_name": text(card.get("license_name")),
        "license_link": text(card.get("license_link")),
        "base_model_relation": text(card.get("base_model_relation")),
        "tags": plain(list(texts(card.get("tags", []), "tags"))),
        "metrics": plain(list(texts(card.get("metrics", []), "metrics"))),
        "results": results[:_RESULT_LIMIT],
        "result_count": len(results),
        "co2_eq_emissions": plain(card.get("co2_eq_emissions")),
    }
    return Reading(
        {key: value for key, value in details.items() if value not in (None, [], {}, 0)},
        task=text(card.get("pipeline_tag")),
        library=text(card.get("library_name")),
        languages=texts(card.get("language", card.get("languages", [])), "languages"),
        licenses=_licenses(head, card),
        datasets=tuple(DatasetFact(name, head.path) for name in datasets),
        base_models=texts(card.get("base_model", []), "base models", 64),
        base_relation=_relation(card.get("base_model_relation")),
    )


def _relation(value: Any) -> str | None:
    """The relation, where it is one of those that hubs know; what else is written stands in the details."""
    return value if value in BASE_RELATIONS else None


def _licenses(head: Head, card: dict[str, Any]) -> tuple[LicenseFact, ...]:
    name, link = text(card.get("license_name")), text(card.get("license_link"))
    return tuple(
        LicenseFact(identifier, head.path, name, link) for identifier in texts(card.get("license", []), "licences", 64)
    )


def card_results(index: Any) -> Iterator[dict[str, str]]:
    """Flat results of `model-index`; entries of another shape are left out."""
    for model in _objects(index):
        for result in _objects(model.get("results")):
            task, dataset = _first(result.get("task")), _first(result.get("dataset"))
            for metric in _objects(result.get("metrics")):
                found = {
                    "task": text(task.get("type")),
                    "dataset": text(dataset.get("name")) or text(dataset.get("type")),
                    "metric": text(metric.get("name")) or text(metric.get("type")),
                    "value": text(metric.get("value")),
                }
                yield {key: value for key, value in found.items() if value}


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (member for member in value if isinstance(member, dict))


def _first(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _by_name(head: Head) -> bool:
    return head.name in _NAMES or (head.role is Role.CARD and head.suffix in (".md", ".markdown"))


READER = Reader("model-card", "readers.card", READS, never, _by_name, _read)
