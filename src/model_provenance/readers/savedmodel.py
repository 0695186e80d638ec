"""TensorFlow SavedModels (saved_model.proto): who wrote it, and the operators that touch files or call Python.

A graph is a program. Operators of TensorFlow read and write any file, open connections and call back into Python. Keras
makes its layers anew from the configurations that stand in the file itself (before TensorFlow 2.5), or in `keras_metadata.pb`
beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from model_provenance.domain.facts import Inspection
from model_provenance.domain.text import shown
from model_provenance.readers.bounds import plain, text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.keras import Configurations
from model_provenance.readers.protobuf import Budget, bytes_of, content, fields, text_of
from model_provenance.readers.reading import Head, Reader, Reading, named, never
from model_provenance.readers.tensorflow_operators import REACHING, REACHING_BY

READS = (
    "schema version, tags, version of TensorFlow, number of operators in the graphs and in their functions",
    "operators that reach files, other machines or Python, which make it a file that can execute code",
    "configurations of Keras layers that stand in it: Lambda layers and classes from elsewhere",
)
_METADATA_READS = (
    "layers by class; Lambda layers and classes from elsewhere, which Keras makes anew when it loads the SavedModel beside",
)

_FIELDS = 300_000
_TEXT_LIMIT = 4096
_NAMED = 64
_SHOWN = 5
#: Bytes of all configurations in `keras_metadata.pb`, in which every layer stands twice.
_METADATA_LIMIT = 16 << 20
#: Numbers of fields in saved_model.proto, meta_graph.proto, graph.proto and function.proto.
_SCHEMA_VERSION, _META_GRAPH = 1, 2
_META_INFO, _GRAPH, _OBJECTS = 1, 2, 7
_TAG, _TENSORFLOW = 4, 5
_NODE, _LIBRARY = 1, 2
_FUNCTION, _FUNCTION_NODE = 1, 3
_OPERATOR, _ATTRIBUTE = 2, 5
_KEY, _VALUE, _BYTES = 1, 2, 2
#: In saved_object_graph.proto, and of Keras' saved_metadata.proto.
_OBJECT, _USER_OBJECT, _METADATA = 1, 4, 3
_LAYER, _LAYER_METADATA = 1, 5
_CONFIG_LIMIT = 4 << 20


@dataclass(slots=True)
class _Found:
    """What was found so far."""

    budget: Budget
    versions: dict[str, int | str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    operators: int = 0
    reaching: set[str] = field(default_factory=set)
    configurations: Configurations = field(default_factory=Configurations)


def _read(head: Head, cursor: Cursor) -> Reading:
    if head.suffix != ".pb":
        other = "it is a SavedModel in a form that is not read, whose graph may reach files, other machines or Python"
        return Reading({"recognised_by": "name"}, Inspection.RECOGNISED, executes=other)
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
    details |= found.configurations.details()
    reason = found.configurations.executes()
    if found.reaching:
        names = sorted(found.reaching)
        details["operators_that_reach_out"] = names[:_NAMED]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        reason = (
            f"its graph has operators that reach files, other machines or Python ({', '.join(names[:_SHOWN])}{more})"
        )
    return Reading(details, Inspection.RECOGNISED, executes=reason)


def _read_metadata(_head: Head, cursor: Cursor) -> Reading:
    found = _Found(Budget(_FIELDS, _METADATA_LIMIT))
    layers = 0
    for one in fields(cursor, found.budget):
        if one.number == _LAYER:
            layers += 1
            _configuration(content(cursor, one), _LAYER_METADATA, found)
    if not layers:
        raise ReaderError("it has no layer: this is no metadata of Keras")
    details = {"objects": layers, **found.configurations.details()}
    return Reading(details, Inspection.RECOGNISED, executes=found.configurations.executes())


def _meta_graph(cursor: Cursor, found: _Found) -> None:
    for one in fields(cursor, found.budget):
        if one.number == _META_INFO:
            _meta_info(content(cursor, one), found)
        elif one.number == _GRAPH:
            _graph(content(cursor, one), found)
        elif one.number == _OBJECTS:
            _objects(content(cursor, one), found)


def _objects(cursor: Cursor, found: _Found) -> None:
    for one in fields(cursor, found.budget):
        if one.number == _OBJECT:
            held = content(cursor, one)
            for kind in fields(held, found.budget):
                if kind.number == _USER_OBJECT:
                    _configuration(content(held, kind), _METADATA, found)


def _configuration(cursor: Cursor, where: int, found: _Found) -> None:
    """What stands in the field `where`: JSON that Keras makes an object from, or nothing."""
    for one in fields(cursor, found.budget):
        if one.number == where and one.length:
            found.configurations.read(bytes_of(cursor, one, _CONFIG_LIMIT, found.budget))


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
            if operator in REACHING or (operator in REACHING_BY and _names_a_file(cursor, operator, found)):
                found.reaching.add(operator)


def _names_a_file(cursor: Cursor, operator: str, found: _Found) -> bool:
    """Whether the attribute of the node at the cursor that may name a file does, wherever in the node it stands."""
    name, harmless = REACHING_BY[operator]
    node = cursor.section(0, cursor.size)
    for one in fields(node, found.budget):
        if one.number == _ATTRIBUTE:
            pair = content(node, one)
            parts = list(fields(pair, found.budget))
            keys = [bytes_of(pair, part, _TEXT_LIMIT, found.budget) for part in parts if part.number == _KEY]
            values = [content(pair, part) for part in parts if part.number == _VALUE]
            if name in keys and any(_text(value, found) not in harmless for value in values):
                return True
    return False


def _text(value: Cursor, found: _Found) -> bytes | None:
    """The text that an attribute has; None where it has several or none."""
    texts = [
        bytes_of(value, one, _TEXT_LIMIT, found.budget) for one in fields(value, found.budget) if one.number == _BYTES
    ]
    return texts[0] if len(texts) == 1 else None


_CODE = "readers.unreadable"
#: The first is read; TensorFlow takes the others in its place, as text and in pieces.
_NAMES = ("saved_model.pb", "saved_model.pbtxt", "saved_model.cpb")
READERS: tuple[Reader, ...] = (
    Reader(
        "tensorflow-savedmodel",
        _CODE,
        READS,
        never,
        named(*_NAMES),
        _read,
        "operators that reach files, other machines or Python",
    ),
    Reader(
        "keras-metadata", _CODE, _METADATA_READS, never, named("keras_metadata.pb"), _read_metadata, "a Lambda layer"
    ),
)
