"""TensorFlow SavedModels (saved_model.proto): who wrote it, and the operators that touch files or call Python.

A graph is a program. Two of TensorFlow's operators read and write any file, and some call back into Python.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from model_provenance.domain.facts import Inspection
from model_provenance.domain.text import shown
from model_provenance.readers.bounds import plain, text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.protobuf import Budget, content, fields, text_of
from model_provenance.readers.reading import Head, Reader, Reading, named, never

READS = (
    "schema version, tags, version of TensorFlow, number of operators in the graphs and in their functions",
    "operators that read or write files or call Python, which make it a file that can execute code",
)

_FIELDS = 300_000
_TEXT_LIMIT = 4096
_NAMED = 64
#: Numbers of fields in saved_model.proto, meta_graph.proto, graph.proto and function.proto.
_SCHEMA_VERSION, _META_GRAPH = 1, 2
_META_INFO, _GRAPH = 1, 2
_TAG, _TENSORFLOW = 4, 5
_NODE, _LIBRARY = 1, 2
_FUNCTION, _FUNCTION_NODE = 1, 3
_OPERATOR = 2
_REACHING = frozenset({"ReadFile", "WriteFile", "PyFunc", "PyFuncStateless", "EagerPyFunc"})


@dataclass(slots=True)
class _Found:
    """What was found so far."""

    budget: Budget
    versions: dict[str, int | str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    operators: int = 0
    reaching: set[str] = field(default_factory=set)


def _read(_head: Head, cursor: Cursor) -> Reading:
    found, graphs = _Found(Budget(_FIELDS)), 0
    for one in fields(cursor, found.budget):
        if one.number == _SCHEMA_VERSION and one.wire == 0:
            found.versions["schema_version"] = plain(one.value)
        elif one.number == _META_GRAPH:
            graphs += 1
            _meta_graph(content(cursor, one), found)
    if not graphs:
        raise ReaderError("it has no graph: this is no SavedModel")
    details: dict[str, Any] = {**found.versions, "graphs": graphs, "operators": found.operators}
    if found.tags:
        details["tags"] = [shown(tag, 100) for tag in dict.fromkeys(found.tags)][:_NAMED]
    reason = None
    if found.reaching:
        details["operators_that_reach_out"] = sorted(found.reaching)
        reason = (
            f"its graph has operators that read or write files or call Python ({', '.join(sorted(found.reaching))})"
        )
    return Reading(details, Inspection.RECOGNISED, executes=reason)


def _meta_graph(cursor: Cursor, found: _Found) -> None:
    for one in fields(cursor, found.budget):
        if one.number == _META_INFO:
            _meta_info(content(cursor, one), found)
        elif one.number == _GRAPH:
            _graph(content(cursor, one), found)


def _meta_info(cursor: Cursor, found: _Found) -> None:
    for one in fields(cursor, found.budget):
        if one.number == _TAG and len(found.tags) < _NAMED:
            found.tags.append(text(text_of(cursor, one, _TEXT_LIMIT, found.budget)) or "")
        elif one.number == _TENSORFLOW:
            found.versions["tensorflow_version"] = text(text_of(cursor, one, _TEXT_LIMIT, found.budget)) or ""


def _graph(cursor: Cursor, found: _Found) -> None:
    for one in fields(cursor, found.budget):
        if one.number == _NODE:
            _node(content(cursor, one), found)
        elif one.number == _LIBRARY:
            library = content(cursor, one)
            for function in fields(library, found.budget):
                if function.number == _FUNCTION:
                    _function(content(library, function), found)


def _function(cursor: Cursor, found: _Found) -> None:
    for one in fields(cursor, found.budget):
        if one.number == _FUNCTION_NODE:
            _node(content(cursor, one), found)


def _node(cursor: Cursor, found: _Found) -> None:
    found.operators += 1
    for one in fields(cursor, found.budget):
        if one.number == _OPERATOR:
            operator = text_of(cursor, one, _TEXT_LIMIT, found.budget)
            if operator in _REACHING:
                found.reaching.add(operator)


READER = Reader(
    "tensorflow-savedmodel",
    "readers.unreadable",
    READS,
    never,
    named("saved_model.pb"),
    _read,
    "operators that reach files or Python",
)
