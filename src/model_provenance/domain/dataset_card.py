"""What people declare about a dataset, beyond its name and digest."""

from __future__ import annotations

from dataclasses import dataclass

from model_provenance.domain.agents import Agent

#: SPDX 3.0.1, vocabulary `DatasetType`, without its word for "nobody says".
DATASET_TYPES = frozenset(
    ("audio", "categorical", "graph", "image", "numeric", "other", "sensor", "structured", "syntactic", "text",
     "timeseries", "timestamp", "video")
)  # fmt: skip
#: SPDX 3.0.1, vocabularies `ConfidentialityLevelType` and `DatasetAvailabilityType`.
CONFIDENTIALITY = frozenset(("red", "amber", "green", "clear"))
AVAILABILITY = frozenset(("clickthrough", "directDownload", "query", "registration", "scrapingScript"))


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """What a dataset is, as the manifest declares it: the properties of the Dataset profile of SPDX 3."""

    #: Words of SPDX 3.0.1, `DatasetType`; empty where nobody says.
    types: tuple[str, ...] = ()
    originator: Agent | None = None
    #: RFC 3339, to the second.
    built: str | None = None
    released: str | None = None
    #: Bytes.
    size: int | None = None
    preprocessing: tuple[str, ...] = ()
    anonymization: tuple[str, ...] = ()
    known_bias: tuple[str, ...] = ()
    noise: str | None = None
    #: (name, calibration)
    sensors: tuple[tuple[str, str], ...] = ()
    #: "red", "amber", "green", "clear"
    confidentiality: str | None = None
    intended_use: str | None = None
    #: A word of SPDX 3.0.1, `DatasetAvailabilityType`.
    availability: str | None = None
    update_mechanism: str | None = None
