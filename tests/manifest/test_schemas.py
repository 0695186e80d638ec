"""The published schemas: valid themselves, anchored, closed, and of one mind where two of them say the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from model_provenance.formats.manifest import RELEASED_SCHEMA, SOURCE_SCHEMA
from model_provenance.formats.manifest_forms import FORMS
from model_provenance.formats.receipt import SCHEMA as RECEIPT_SCHEMA
from model_provenance.formats.report import SCHEMA as REPORT_SCHEMA
from model_provenance.formats.schema_check import load_schema

NAMES = ["manifest.v1", "receipt.v1", "source-manifest.v1", "verification.v1"]
#: Objects whose keys people choose.
FREE = {"hyperparameters", "json", "extensions", "timings"}


def nodes(value: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a schema, with the key that it stands under."""
    if isinstance(value, dict):
        yield name, value
        for key, child in value.items():
            yield from nodes(child, key)
    elif isinstance(value, list):
        for child in value:
            yield from nodes(child, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid_draft_2020_12(name: str) -> None:
    """By the meta-schema."""
    schema = load_schema(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


def test_addresses_are_those_that_documents_name() -> None:
    """`$id` is what a document writes into `schema`."""
    ids = [load_schema(name)["$id"] for name in NAMES]
    assert ids == [RELEASED_SCHEMA, RECEIPT_SCHEMA, SOURCE_SCHEMA, REPORT_SCHEMA]


@pytest.mark.parametrize("name", NAMES)
def test_every_pattern_is_anchored(name: str) -> None:
    """Our validator matches whole texts; an unanchored pattern would mean something else to another one."""
    for _, node in nodes(load_schema(name)):
        if isinstance(node.get("pattern"), str):
            assert node["pattern"].startswith("^")
            assert node["pattern"].endswith("$")


@pytest.mark.parametrize("name", NAMES)
def test_every_object_is_closed(name: str) -> None:
    """An object with properties allows no others, so a misspelt key is always found."""
    for key, node in nodes(load_schema(name)):
        if node.get("type") == "object" and "properties" in node:
            assert node["additionalProperties"] is False, key
        elif node.get("type") == "object" and "additionalProperties" in node:
            assert key in FREE


@pytest.mark.parametrize("name", ["manifest.v1", "source-manifest.v1"])
def test_every_text_and_list_is_bounded(name: str) -> None:
    """Nothing in a manifest can grow without a limit; every form is known."""
    for key, node in nodes(load_schema(name)):
        if node.get("type") == "string":
            assert "maxLength" in node or node.get("pattern", "").endswith("{64}$") or node.get("x-form") in FORMS, key
        if node.get("type") == "array":
            assert "maxItems" in node, key
        assert node.get("x-form", "line") in FORMS


def test_both_manifests_mean_the_same_by_the_same_word() -> None:
    """Shared definitions are equal, but that a release holds numbers with a fraction as text, and adds what it found out."""
    added = {"base_model": "purl", "dataset": "digest_known", "test": "report"}
    source, released = load_schema("source-manifest.v1")["$defs"], load_schema("manifest.v1")["$defs"]
    for name, definition in source.items():
        other = released[name]
        if name in added:
            other = {**other, "properties": {k: v for k, v in other["properties"].items() if k != added[name]}}
        assert _without_number(definition) == other, name


def _without_number(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_number(child) for key, child in value.items()}
    return [_without_number(child) for child in value if child != "number"] if isinstance(value, list) else value


def test_every_field_of_a_release_says_how_it_is_known() -> None:
    """`known` has an entry for each field, and for nothing else."""
    schema = load_schema("manifest.v1")
    fields = set(schema["properties"]) - {"schema", "tool", "known"}
    assert set(schema["properties"]["known"]["properties"]) == fields
