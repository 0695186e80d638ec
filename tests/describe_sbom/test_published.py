"""Every SPDX 3 document of ours before the JSON Schema and the SHACL shapes that SPDX publishes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.sbom_flows.kinds import KINDS, model_of

from model_provenance.describe.sbom.build import SbomRequest, build_sboms
from model_provenance.flows.describe import SbomOptions, sbom_model

from .models import MANIFEST, cases
from .spdx3_published import PUBLISHED, published, schema_faults, shape_faults

Document = dict[str, Any]
Break = Callable[[Document], None]


def written(model: Path, manifest: Path | None = None) -> Document:
    """The SPDX 3 document of a model, from its bytes."""
    options = SbomOptions(model, "acme/x", "1.0.0", manifest, ("spdx3-json",), None, "native", None, (), False, {})
    [made], _ = sbom_model(options, output=None)
    value: Document = json.loads(made.data)
    return value


def test_the_published_files_are_those_of_their_page() -> None:
    """Their digests are the ones that the page beside them names with their source and licence."""
    page = (PUBLISHED / "README.md").read_text()
    named = dict(re.findall(r"^\| `([a-z.-]+)` \|.*\| `([0-9a-f]{64})` \|$", page, re.MULTILINE))

    assert named == {
        name: hashlib.sha256(published(name)).hexdigest()
        for name in ("spdx-json-schema.json", "spdx-model.ttl", "spdx-context.jsonld")
    }


def test_schema_and_shapes_take_the_document_of_every_kind_of_model(tmp_path: Path) -> None:
    """Zero faults for the real MiniLM, a sharded Llama, an adapter, pickles and a GGUF, two of them without a manifest, too."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(MANIFEST))
    made = {}
    for kind in KINDS:
        model = model_of(kind, tmp_path / kind)
        made[kind, "declared"] = written(model, manifest)
        if kind in ("adapter", "gguf"):  # the schema takes a second a document
            made[kind, "bare"] = written(model)

    assert {case: faults for case, value in made.items() if (faults := schema_faults(value))} == {}
    assert shape_faults(*made.values()) == []


def test_schema_and_shapes_take_whatever_a_document_may_hold(make_request: Callable[..., SbomRequest]) -> None:
    """Layouts, conflicting licences, packages of Syft, hostile text: each document of the writer's own tests."""
    made = {}
    alike = ("raw", "tar.gz", "tar.zst")  # but for the name of the layout
    for name, request in cases(make_request):
        if name in alike:
            continue
        [document] = build_sboms(replace(request, formats=["spdx3-json"])).documents
        made[name] = json.loads(document.data)

    assert {name: faults for name, value in made.items() if (faults := schema_faults(value))} == {}
    assert shape_faults(*made.values()) == []


def _one(document: Document, kind: str) -> Document:
    [element] = [e for e in document["@graph"] if e["type"] == kind]
    assert isinstance(element, dict)
    return element


def _scalar_profiles(document: Document) -> None:
    _one(document, "SpdxDocument")["profileConformance"] = "core"


def _unknown_property(document: Document) -> None:
    _one(document, "ai_AIPackage")["ai_weights"] = "many"


def _without_creation(document: Document) -> None:
    del _one(document, "ai_AIPackage")["creationInfo"]


def _created_by_a_model(document: Document) -> None:
    _one(document, "CreationInfo")["createdBy"] = [_one(document, "ai_AIPackage")["spdxId"]]


def _licensed_by_a_tool(document: Document) -> None:
    tool = next(e["spdxId"] for e in document["@graph"] if e["type"] == "Tool")
    _one(document, "SpdxDocument")["dataLicense"] = tool


def _contains_nothing(document: Document) -> None:
    next(e for e in document["@graph"] if e.get("relationshipType") == "contains").pop("from")


@pytest.mark.parametrize(
    ("spoil", "by_schema", "by_shapes"),
    [
        (_scalar_profiles, True, False),
        (_unknown_property, True, False),
        (_without_creation, True, True),
        (_created_by_a_model, False, True),
        (_licensed_by_a_tool, False, True),
        (_contains_nothing, True, True),
    ],
)
def test_schema_and_shapes_refuse_what_is_broken(
    spoil: Break, by_schema: bool, by_shapes: bool, tmp_path: Path
) -> None:
    """The judges are awake: each refuses what it should, and the shapes what a schema cannot see."""
    value = deepcopy(written(model_of("gguf", tmp_path / "model")))
    spoil(value)
    assert (bool(schema_faults(value)), bool(shape_faults(value))) == (by_schema, by_shapes)
