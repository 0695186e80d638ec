"""The pages under `spec/` say what the code does: their examples are real, their tables are complete."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from model_provenance.domain.evidence import Predicate
from model_provenance.formats import slsa
from model_provenance.formats.canonical import document
from model_provenance.formats.manifest import RELEASED_SCHEMA, SOURCE_SCHEMA, check_source, parse_released
from model_provenance.formats.schema_check import load_schema

SPEC = Path(__file__).parents[2] / "spec"
GOLDEN = Path(__file__).parent / "golden"


def page(name: str) -> str:
    """The text of a page."""
    return (SPEC / name).read_text(encoding="utf-8")


def block(text: str, language: str) -> str:
    """The one code block of a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(found)


def test_the_example_of_the_build_type_is_what_a_release_on_github_makes() -> None:
    """It is the kept provenance, and the reader takes it."""
    text = block(page("release-buildtype-v1.md"), "json")
    assert text == (GOLDEN / "provenance-github.json").read_text(encoding="utf-8")
    statement = json.loads(text)
    assert statement["predicateType"] == Predicate.PROVENANCE
    view = slsa.parse(statement["predicate"])
    assert view.source_commit == "0123456789abcdef0123456789abcdef01234567"
    assert view.event == "push"


def test_the_build_type_page_names_every_parameter_and_role() -> None:
    """Each external parameter, fact about the run, role and byproduct of a real statement stands in a table."""
    text = page("release-buildtype-v1.md")
    predicate = json.loads(block(text, "json"))["predicate"]
    definition = predicate["buildDefinition"]
    tables = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    names = [f"{group}.{name}" for group, values in definition["externalParameters"].items() for name in values]
    names += [*definition["internalParameters"], *definition["internalParameters"]["run"]]
    names += [slsa.SOURCE, slsa.TRAINING_SOURCE, slsa.CONTAINER, slsa.TRAINING_CONTAINER, slsa.BASE_MODEL, slsa.DATASET]
    names += ["builder.id", "builder.version", "metadata.invocationId", "byproducts"]
    assert [name for name in names if f"`{name}`" not in tables] == []
    assert slsa.BUILD_TYPE in text
    assert slsa.LOCAL_BUILDER in text


def test_the_examples_of_the_manifest_page_are_valid() -> None:
    """The source manifest checks without findings; the released one reads back as itself."""
    text = page("manifest-v1.md")
    assert check_source(block(text, "yaml").encode(), "model.yaml") == ()
    released = block(text, "json").encode()
    assert parse_released(released).data == released
    assert released == (GOLDEN / "manifest-full.json").read_bytes()


def test_the_manifest_page_names_every_field() -> None:
    """Each property of the released schema, in the table or in the entry of the object that it belongs to."""
    text = page("manifest-v1.md")
    schema = load_schema("manifest.v1")

    def properties(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = set(node["properties"]) if isinstance(node.get("properties"), dict) else set()
            return own.union(*(properties(child) for child in node.values()))
        return set().union(*(properties(child) for child in node)) if isinstance(node, list) else set()

    assert [name for name in sorted(properties(schema)) if f"`{name}`" not in text] == []
    for address in (RELEASED_SCHEMA, SOURCE_SCHEMA, Predicate.MANIFEST):
        assert address in text


def test_documents_are_stable() -> None:
    """What the page says about `model-manifest.json`: indented by two, sorted, one newline at the end."""
    data = block(page("manifest-v1.md"), "json").encode()
    assert document(json.loads(data)) == data
