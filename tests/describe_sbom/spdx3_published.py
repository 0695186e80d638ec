"""The published JSON Schema and SHACL shapes of SPDX 3.0.1 (`spdx-3.0.1/README.md`) as two judges of a document."""

from __future__ import annotations

import gzip
import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pyshacl
from jsonschema import Draft202012Validator
from rdflib import Graph

PUBLISHED = Path(__file__).parent / "spdx-3.0.1"


def published(name: str) -> bytes:
    """One of the published files, byte for byte."""
    return gzip.decompress((PUBLISHED / f"{name}.gz").read_bytes())


def schema_faults(document: dict[str, Any]) -> list[str]:
    """What the JSON Schema refuses."""
    schema = _schema()
    faults = [(fault.json_path, fault) for fault in schema.iter_errors({**document, "@graph": []})]
    for number, element in enumerate(document["@graph"]):
        of_class = schema.evolve(schema=_of_class(element))
        faults += [(f"$['@graph'][{number}]{fault.json_path[1:]}", fault) for fault in of_class.iter_errors(element)]
    return [f"{path}: {fault.message[:300]}" for path, fault in faults]


def shape_faults(*documents: dict[str, Any]) -> list[str]:
    """What the shapes refuse in all of these together, which costs little more than in one; a line a constraint."""
    data = Graph()
    context = json.loads(published("spdx-context.jsonld"))["@context"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of rdflib, about itself
        for number, document in enumerate(documents):
            known = len(data)
            # A label of a blank node is the document's own, and rdflib would make those of several documents one.
            text = json.dumps({**document, "@context": context}).replace('"_:', f'"_:of{number}-')
            # With a context of its own nothing is looked up; new triples are the proof that the document was read.
            data.parse(data=text, format="json-ld")
            assert len(data) > known + len(document["@graph"])
        # Added here, the model is taken as it is; pyshacl would copy it node by node, which takes longer than the judging.
        for triple in _model():
            data.add(triple)
        conforms, _, report = pyshacl.validate(data, shacl_graph=_model(), inplace=True)
    faults = [line.strip() for line in report.splitlines() if line.strip().startswith("Message:")]
    assert conforms is not bool(faults), report
    return faults


def _of_class(element: dict[str, Any]) -> dict[str, Any]:
    """The one alternative of `AnyClass` in the schema that an element can meet, since each asks for a `type` of its own.

    Taking it by its name spares the other 77, each of which the validator would try on every element.
    """
    kind = element.get("type")
    definitions = _schema().schema["$defs"]
    if {"$ref": f"#/$defs/{kind}"} not in definitions["AnyClass"]["anyOf"]:
        kind = "AnyClass"
    return {**_schema().schema["then"]["properties"]["@graph"]["items"], "$ref": f"#/$defs/{kind}"}


@cache
def _schema() -> Draft202012Validator:
    """The whole schema, of which it holds that an element's `type` chooses its alternative."""
    schema = json.loads(published("spdx-json-schema.json"))
    definitions = schema["$defs"]
    assert definitions["AnyClass"].keys() == {"anyOf"}
    for [reference] in (alternative.values() for alternative in definitions["AnyClass"]["anyOf"]):
        name = reference.removeprefix("#/$defs/")
        asks = {"type": "object", "properties": {"type": {"const": name}}, "required": ["type"]}
        assert definitions[name]["if"] == asks
        assert definitions[name]["else"] == {"const": f"Not a {name}"}
    return Draft202012Validator(schema)


@cache
def _model() -> Graph:
    return Graph().parse(data=published("spdx-model.ttl"), format="turtle")
