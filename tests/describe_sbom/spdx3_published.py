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
    return [f"{fault.json_path}: {fault.message[:300]}" for fault in _schema().iter_errors(document)]


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
        conforms, _, report = pyshacl.validate(data, shacl_graph=_model(), ont_graph=_model())
    faults = [line.strip() for line in report.splitlines() if line.strip().startswith("Message:")]
    assert conforms is not bool(faults), report
    return faults


@cache
def _schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads(published("spdx-json-schema.json")))


@cache
def _model() -> Graph:
    return Graph().parse(data=published("spdx-model.ttl"), format="turtle")
