"""Core ML models (Model.proto): specification version, kind, and what the description says of author and licence."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.facts import Inspection, LicenseFact
from model_provenance.readers.bounds import plain, text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.protobuf import LENGTH, Budget, content, fields, text_of
from model_provenance.readers.reading import Head, Reader, Reading, never, suffixed

READS = ("specification version, kind of model; version, author and licence of its description",)

_FIELDS = 100_000
_TEXT_LIMIT = 64 * 1024
#: Numbers of fields in Model.proto and of its description.
_SPECIFICATION, _DESCRIPTION, _METADATA = 1, 2, 100
_TEXTS = {1: "description", 2: "model_version", 3: "author"}
_LICENSE = 4
_KINDS = {
    200: "pipeline-classifier", 201: "pipeline-regressor", 202: "pipeline", 300: "glm-regressor",
    301: "support-vector-regressor", 302: "tree-ensemble-regressor", 303: "neural-network-regressor", 400: "glm-classifier",
    401: "support-vector-classifier", 402: "tree-ensemble-classifier", 403: "neural-network-classifier",
    404: "k-nearest-neighbors-classifier", 500: "neural-network", 502: "ml-program", 555: "custom-model",
}  # fmt: skip
_CUSTOM = 555


def _read(head: Head, cursor: Cursor) -> Reading:
    budget, details = Budget(_FIELDS), dict[str, Any]()
    licenses: tuple[LicenseFact, ...] = ()
    kinds = []
    for one in fields(cursor, budget):
        if one.number == _SPECIFICATION and one.wire == 0:
            details["specification_version"] = plain(one.value)
        elif one.number == _DESCRIPTION:
            described, licenses = _described(content(cursor, one), budget, head.path)
            details |= described
        elif one.number in _KINDS and one.wire == LENGTH:
            kinds.append(one.number)
    if "specification_version" not in details:
        raise ReaderError("it has no version of its specification: this is no Core ML model")
    if kinds:
        details["kind"] = _KINDS[kinds[0]]
    reason = "it is a custom model, whose layers are code of the application" if _CUSTOM in kinds else None
    return Reading(details, Inspection.RECOGNISED, licenses=licenses, executes=reason)


def _described(cursor: Cursor, budget: Budget, path: str) -> tuple[dict[str, str], tuple[LicenseFact, ...]]:
    found: dict[str, str] = {}
    licenses: list[LicenseFact] = []
    for one in fields(cursor, budget):
        if one.number != _METADATA:
            continue
        metadata = content(cursor, one)
        for said in fields(metadata, budget):
            if said.number in _TEXTS or said.number == _LICENSE:
                value = text(text_of(metadata, said, _TEXT_LIMIT, budget))
                if value and said.number == _LICENSE:
                    licenses.append(LicenseFact(value, path))
                elif value:
                    found[_TEXTS[said.number]] = value
    return found, tuple(licenses[:1])


READER = Reader("coreml", "readers.unreadable", READS, never, suffixed(".mlmodel"), _read, "a custom model")
