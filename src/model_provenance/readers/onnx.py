"""ONNX models (onnx/onnx, onnx.proto): who wrote it, for which operators, and where its tensors lie.

Tensors stay unread: their dimensions and types are counted, their bytes are skipped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from model_provenance.domain.finding import Finding, warned
from model_provenance.domain.paths import path_problem
from model_provenance.domain.text import shown
from model_provenance.readers.bounds import text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.protobuf import Budget, Field, content, fields, text_of, varints
from model_provenance.readers.reading import Head, Reader, Reading, Weights, suffixed

READS = (
    "IR version, producer with its version, domain, model version, operator sets, number of nodes",
    "initializers: number, element types and parameters; their bytes are skipped",
    "external data: the files that tensors lie in; a path that leads outside the model is a finding",
    "operators outside the domains of ONNX, which a runtime takes from libraries of their own",
)

_CODE = "readers.onnx"
_FIELDS = 400_000
_TEXT_LIMIT = 4096
_RANK_LIMIT = 64
_NAMED = 64
_TYPES = {
    1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 8: "STRING", 9: "BOOL", 10: "F16", 11: "F64",
    12: "U32", 13: "U64", 14: "C64", 15: "C128", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ", 19: "F8_E5M2",
    20: "F8_E5M2FNUZ", 21: "U4", 22: "I4", 23: "F4_E2M1",
}  # fmt: skip
#: Numbers of fields in onnx.proto.
_MODEL_TEXTS = {2: "producer_name", 3: "producer_version", 4: "domain"}
_MODEL_NUMBERS = {1: "ir_version", 5: "model_version"}
_GRAPH, _OPERATOR_SET, _FUNCTION = 7, 8, 25
_KEY, _VALUE = 1, 2
_NODE, _GRAPH_NAME, _INITIALIZER = 1, 2, 5
_NODE_DOMAIN = 7
_DIMENSIONS, _DATA_TYPE, _EXTERNAL = 1, 2, 13
_STANDARD = ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training")


@dataclass(slots=True)
class _Model:
    """What was found so far."""

    details: dict[str, Any] = field(default_factory=dict)
    operators: dict[str, int] = field(default_factory=dict)
    element_types: dict[str, int] = field(default_factory=dict)
    tensors: int = 0
    nodes: int = 0
    functions: int = 0
    external: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)


def _read(head: Head, cursor: Cursor) -> Reading:
    model, budget = _Model(), Budget(_FIELDS)
    graphs = 0
    for one in fields(cursor, budget):
        if one.number in _MODEL_NUMBERS and one.wire == 0:
            model.details[_MODEL_NUMBERS[one.number]] = one.value
        elif one.number in _MODEL_TEXTS:
            model.details[_MODEL_TEXTS[one.number]] = text(text_of(cursor, one, _TEXT_LIMIT)) or ""
        elif one.number == _OPERATOR_SET:
            _operator_set(content(cursor, one), budget, model)
        elif one.number == _GRAPH:
            graphs += 1
            _graph(content(cursor, one), budget, model)
        elif one.number == _FUNCTION:
            model.functions += 1
    if graphs != 1 or "ir_version" not in model.details:
        raise ReaderError(f"it has {graphs} graphs, or no version of its format: this is no ONNX model")
    details = {
        **{name: value for name, value in model.details.items() if value != ""},
        "operator_sets": {name or "ai.onnx": version for name, version in sorted(model.operators.items())[:_NAMED]},
        "nodes": model.nodes,
        "initializers": model.tensors,
    }
    if model.functions:
        details["functions"] = model.functions
    if model.external:
        details["external_data"] = [shown(path) for path in sorted(model.external)[:_NAMED]]
    if model.domains:
        details["operator_domains"] = [shown(name, 100) for name in sorted(model.domains)[:_NAMED]]
    weights = Weights(model.tensors, model.element_types) if model.tensors else None
    return Reading(details, weights=weights, findings=tuple(_findings(head, model)))


def _graph(cursor: Cursor, budget: Budget, model: _Model) -> None:
    for one in fields(cursor, budget):
        if one.number == _NODE:
            model.nodes += 1
            _node(content(cursor, one), budget, model)
        elif one.number == _INITIALIZER:
            _tensor(content(cursor, one), budget, model)
        elif one.number == _GRAPH_NAME:
            model.details["graph"] = text(text_of(cursor, one, _TEXT_LIMIT)) or ""


def _node(cursor: Cursor, budget: Budget, model: _Model) -> None:
    for one in fields(cursor, budget):
        if one.number == _NODE_DOMAIN:
            domain = text_of(cursor, one, _TEXT_LIMIT)
            if domain not in _STANDARD:
                model.domains.add(domain)


def _tensor(cursor: Cursor, budget: Budget, model: _Model) -> None:
    dimensions: list[int] = []
    kind = 0
    for one in fields(cursor, budget):
        if one.number == _DIMENSIONS:
            dimensions += varints(cursor, one, _RANK_LIMIT)
            if len(dimensions) > _RANK_LIMIT:
                raise ReaderError(f"a tensor has more than {_RANK_LIMIT} dimensions")
        elif one.number == _DATA_TYPE and one.wire == 0:
            kind = one.value
        elif one.number == _EXTERNAL:
            _external(content(cursor, one), budget, model)
    if any(size >> 63 for size in dimensions):
        raise ReaderError("a tensor has a negative dimension")
    count = math.prod(dimensions)
    if count > 2**53 - 1:
        raise ReaderError("a tensor has more elements than can be")
    name = _TYPES.get(kind, f"type-{kind}")
    model.tensors += 1
    model.element_types[name] = model.element_types.get(name, 0) + count


def _external(cursor: Cursor, budget: Budget, model: _Model) -> None:
    entry: dict[int, Field] = {one.number: one for one in fields(cursor, budget)}
    if {_KEY, _VALUE} <= entry.keys() and text_of(cursor, entry[_KEY], _TEXT_LIMIT) == "location":
        model.external.add(text_of(cursor, entry[_VALUE], _TEXT_LIMIT))


def _operator_set(cursor: Cursor, budget: Budget, model: _Model) -> None:
    domain, version = "", 0
    for one in fields(cursor, budget):
        if one.number == _KEY:
            domain = text(text_of(cursor, one, _TEXT_LIMIT)) or ""
        elif one.number == _VALUE and one.wire == 0:
            version = one.value
    model.operators[domain] = version


def _findings(head: Head, model: _Model) -> list[Finding]:
    outside = [path for path in sorted(model.external) if path_problem(path) is not None]
    found = []
    if outside:
        message = f"{shown(head.path)} keeps tensors outside the model: {shown(outside[0])}"
        found.append(warned("readers.onnx_external", message, location=head.path))
    return found


def _by_bytes(head: Head) -> bool:
    # Protobuf has no magic: field 1 (ir_version) as a small varint comes first in every known writer.
    return head.suffix == ".onnx" and head.data[:1] == b"\x08" and b"\0" < head.data[1:2] < b"\x80"


READER = Reader("onnx", _CODE, READS, _by_bytes, suffixed(".onnx"), _read)
