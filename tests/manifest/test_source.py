"""Loading source manifests: values, places, commits, and the one error that lists everything."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.manifest import check_source, load_source
from model_provenance.formats.schema_check import FINDINGS_LIMIT, load_schema

KEYS = st.sampled_from([*load_schema("source-manifest.v1")["properties"], "model", "name", "digest", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def one_line(text: str) -> bool:
    """Whether `text` holds no control, format or line-breaking character."""
    return (
        not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in text)
        and len(text.splitlines()) == 1
    )


def test_a_loaded_manifest_holds_what_was_declared() -> None:
    """Schema hints are dropped, fractions are the text as written, every top-level key has its place."""
    source = load_source(b'{"$schema": "x",\n "license": "MIT",\n "hyperparameters": {"lr": [1.50, 2]}}', "m.json")

    assert source.value == {"license": "MIT", "hyperparameters": {"lr": ["1.50", 2]}}
    assert source.place("license") == "m.json:2:2"
    assert source.place("usage") == "m.json"
    assert source.file_name == "m.json"


def test_the_same_manifest_in_both_languages_is_the_same() -> None:
    """JSON and YAML of one declaration load to equal values, fractions included."""
    as_json = load_source(
        b'{"hyperparameters": {"lr": 2e-5, "epochs": 3}, "usage": {"commercial": "allowed"}}', "m.json"
    )
    as_yaml = load_source(b"hyperparameters: {lr: 2e-5, epochs: 3}\nusage: {commercial: allowed}\n", "m.yaml")
    assert as_json.value == as_yaml.value


def test_an_empty_declaration_is_valid() -> None:
    """People need not declare anything."""
    assert load_source(b"{}", "m.json").value == {}


def test_findings_are_in_the_order_of_the_file_and_bounded() -> None:
    """A thousand bad datasets give a hundred findings, top down."""
    text = "datasets:\n" + "  - {nam: x}\n" * 1000
    findings = check_source(text.encode(), "m.yaml")
    lines = [int(finding.location.split(":")[1]) for finding in findings]
    assert len(findings) == FINDINGS_LIMIT
    assert lines == sorted(lines)


def test_one_error_lists_ten_problems_and_counts_the_rest() -> None:
    """What load says is readable: at most ten lines, then how many more."""
    with pytest.raises(ModelProvenanceError) as caught:
        load_source(b"datasets:\n" + b"  - {}\n" * 20, "m.yaml")
    lines = caught.value.message.split("\n")
    assert lines[0] == "the source manifest has 20 problems:"
    assert lines[1] == "  m.yaml:2:5: `datasets[0]` lacks `name`"
    assert lines[-1] == "  and 10 more"


def test_commits_are_looked_up_where_the_caller_can() -> None:
    """Without a lookup only the form counts; with one, a commit that is not there is a finding at its place."""
    data = b"license: MIT\ntraining_commit: abc0123\n"

    assert check_source(data, "m.yaml") == ()
    assert check_source(data, "m.yaml", resolve_commit=lambda _: "a" * 40) == ()
    (missing,) = check_source(data, "m.yaml", resolve_commit=lambda _: None)
    (skipped,) = check_source(data, "m.yaml", resolve_commit=lambda _: None, shallow=lambda: True)
    assert (missing.id, missing.location) == ("manifest.commit", "m.yaml:2:18")
    assert (skipped.id, skipped.status.value) == ("manifest.commit_unchecked", "skipped")


@given(VALUES)
@settings(max_examples=200)
def test_any_json_is_answered(value: Any) -> None:
    """Any JSON value gives findings or loads; nothing but our one error leaves the loader."""
    data = json.dumps(value).encode()
    findings = check_source(data, "m.json")
    assert all(one_line(finding.message) for finding in findings)
    if findings:
        with pytest.raises(ModelProvenanceError):
            load_source(data, "m.json")
    else:
        load_source(data, "m.json")


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.sampled_from(["license", "version", "model_name"]))
@settings(max_examples=100)
def test_a_bad_manifest_is_bad_whatever_else_it_holds(value: dict[str, Any], key: str) -> None:
    """No other content hides a field of the wrong type."""
    data = json.dumps({**value, key: {"of": "the wrong type"}}).encode()
    assert any(f"`{key}`" in finding.message for finding in check_source(data, "m.json"))
