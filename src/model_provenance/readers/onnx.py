"""ONNX models (onnx/onnx, onnx.proto): who wrote it, for which operators, and where its tensors lie.

Tensors stay unread: their dimensions and types are counted, their bytes are skipped.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from model_provenance.domain.finding import Finding, warned
from model_provenance.domain.paths import path_problem
from model_provenance.domain.text import shown
from model_provenance.readers.bounds import plain, text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.protobuf import Budget, Field, content, fields, text_of, varints
from model_provenance.readers.reading import Head, Reader, Reading, Weights, suffixed

READS = (
    "IR version, producer with its version, domain, model version, operator sets, number of nodes",
    "initializers: number, element types and parameters; their bytes are skipped",
    "external data: the files that tensors lie in, in subgraphs and attributes too; a path that leads outside is a finding",
    "operators outside the domains of ONNX, which a runtime takes from libraries of their own; graphs up to 16 levels deep",
)

_CODE = "readers.onnx"
_FIELDS = 300_000
_TEXT_LIMIT = 4096
_RANK_LIMIT = 64
_NAMED = 64
_DEPTH_LIMIT = 16
_UNKNOWN_TYPES = 16
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
_NODE, _GRAPH_NAME, _INITIALIZER, _SPARSE_INITIALIZER = 1, 2, 5, 15
_NODE_ATTRIBUTE, _NODE_DOMAIN = 5, 7
_FUNCTION_NODE = 7
_ATTRIBUTE_GRAPHS, _ATTRIBUTE_TENSORS, _ATTRIBUTE_SPARSE = (6, 11), (5, 10), (22, 23)
_SPARSE_PARTS = (1, 2)
_DIMENSIONS, _DATA_TYPE, _EXTERNAL = 1, 2, 13
#: What Windows takes for another folder or drive.
_ELSEWHERE = re.compile(r"\\|^[A-Za-z]:")
_STANDARD = ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training")


@dataclass(slots=True)
class _Model:
    """What was found so far."""

    details: dict[str, Any] = field(default_factory=dict)
    #: Operator sets: domain -> version.
    operators: dict[str, int | str] = field(default_factory=dict)
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
            model.details[_MODEL_NUMBERS[one.number]] = plain(one.value)
        elif one.number in _MODEL_TEXTS:
            model.details[_MODEL_TEXTS[one.number]] = text(text_of(cursor, one, _TEXT_LIMIT, budget)) or ""
        elif one.number == _OPERATOR_SET:
            _operator_set(content(cursor, one), budget, model)
        elif one.number == _GRAPH:
            graphs += 1
            _graph(content(cursor, one), budget, model, 0)
        elif one.number == _FUNCTION:
            model.functions += 1
            _function(content(cursor, one), budget, model)
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


def _graph(cursor: Cursor, budget: Budget, model: _Model, depth: int) -> None:
    """The graph of the model, or one of those that its nodes hold (branches, loops), whose tensors are not counted."""
    if depth == _DEPTH_LIMIT:
        raise ReaderError(f"its graphs are nested more than {_DEPTH_LIMIT} levels deep")
    for one in fields(cursor, budget):
        if one.number == _NODE:
            _node(content(cursor, one), budget, model, depth)
        elif one.number == _INITIALIZER:
            _tensor(content(cursor, one), budget, model, counted=depth == 0)
        elif one.number == _SPARSE_INITIALIZER:
            _sparse(content(cursor, one), budget, model)
        elif one.number == _GRAPH_NAME and depth == 0:
            model.details["graph"] = text(text_of(cursor, one, _TEXT_LIMIT, budget)) or ""


def _function(cursor: Cursor, budget: Budget, model: _Model) -> None:
    for one in fields(cursor, budget):
        if one.number == _FUNCTION_NODE:
            _node(content(cursor, one), budget, model, 0)


def _node(cursor: Cursor, budget: Budget, model: _Model, depth: int) -> None:
    model.nodes += 1
    for one in fields(cursor, budget):
        if one.number == _NODE_DOMAIN:
            domain = text_of(cursor, one, _TEXT_LIMIT, budget)
            if domain not in _STANDARD:
                model.domains.add(domain)
        elif one.number == _NODE_ATTRIBUTE:
            _attribute(content(cursor, one), budget, model, depth)


def _attribute(cursor: Cursor, budget: Budget, model: _Model, depth: int) -> None:
    for one in fields(cursor, budget):
        if one.number in _ATTRIBUTE_GRAPHS:
            _graph(content(cursor, one), budget, model, depth + 1)
        elif one.number in _ATTRIBUTE_TENSORS:
            _tensor(content(cursor, one), budget, model, counted=False)
        elif one.number in _ATTRIBUTE_SPARSE:
            _sparse(content(cursor, one), budget, model)


def _sparse(cursor: Cursor, budget: Budget, model: _Model) -> None:
    for one in fields(cursor, budget):
        if one.number in _SPARSE_PARTS:
            _tensor(content(cursor, one), budget, model, counted=False)


def _tensor(cursor: Cursor, budget: Budget, model: _Model, *, counted: bool) -> None:
    dimensions: list[int] = []
    kind = 0
    for one in fields(cursor, budget):
        if one.number == _DIMENSIONS:
            dimensions += varints(cursor, one, _RANK_LIMIT, budget)
            if len(dimensions) > _RANK_LIMIT:
                raise ReaderError(f"a tensor has more than {_RANK_LIMIT} dimensions")
        elif one.number == _DATA_TYPE and one.wire == 0:
            kind = one.value
        elif one.number == _EXTERNAL:
            _external(content(cursor, one), budget, model)
    if counted:
        _count(dimensions, kind, model)


def _count(dimensions: list[int], kind: int, model: _Model) -> None:
    if any(size >> 63 for size in dimensions):
        raise ReaderError("a tensor has a negative dimension")
    count = math.prod(dimensions)
    if count > 2**53 - 1:
        raise ReaderError("a tensor has more elements than can be")
    name = _TYPES.get(kind, f"type-{kind}")
    model.tensors += 1
    model.element_types[name] = model.element_types.get(name, 0) + count
    if len(model.element_types) > len(_TYPES) + _UNKNOWN_TYPES:
        raise ReaderError(f"its tensors have more than {_UNKNOWN_TYPES} element types that are not known")


def _external(cursor: Cursor, budget: Budget, model: _Model) -> None:
    entry: dict[int, Field] = {one.number: one for one in fields(cursor, budget)}
    if {_KEY, _VALUE} <= entry.keys() and text_of(cursor, entry[_KEY], _TEXT_LIMIT, budget) == "location":
        model.external.add(text_of(cursor, entry[_VALUE], _TEXT_LIMIT, budget))


def _operator_set(cursor: Cursor, budget: Budget, model: _Model) -> None:
    domain: str = ""
    version: int | str = 0
    for one in fields(cursor, budget):
        if one.number == _KEY:
            domain = text(text_of(cursor, one, _TEXT_LIMIT, budget)) or ""
        elif one.number == _VALUE and one.wire == 0:
            version = plain(one.value)
    model.operators[domain] = version


def _findings(head: Head, model: _Model) -> list[Finding]:
    outside = [path for path in sorted(model.external) if path_problem(path) is not None or _ELSEWHERE.search(path)]
    found = []
    if outside:
        message = f"{shown(head.path)} keeps tensors outside the model: {shown(outside[0])}"
        found.append(warned("readers.onnx_external", message, location=head.path))
    return found


def _by_bytes(head: Head) -> bool:
    # Protobuf has no magic: field 1 (ir_version) as a small varint comes first in every known writer.
    return head.suffix == ".onnx" and head.data[:1] == b"\x08" and b"\0" < head.data[1:2] < b"\x80"


READER = Reader("onnx", _CODE, READS, _by_bytes, suffixed(".onnx"), _read)
