"""JSON and YAML with places: the same values as other readers give, and never an exception that is not ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import yaml_events
from model_provenance.formats.load_located import SIZE_LIMIT, load_located
from model_provenance.formats.located import NODE_LIMIT, Located, Place, WrittenNumber

SAFE_INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | SAFE_INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def loaded(text: str | bytes, file_name: str = "m.json") -> Located:
    """The document, from text or bytes."""
    return load_located(text if isinstance(text, bytes) else text.encode(), file_name)


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_json_is_read_as_the_standard_library_reads_it(value: Any, indent: Any, ascii_only: bool) -> None:
    """Any JSON value, however indented, gives equal values and no problem; tabs between tokens are fine."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    document = loaded(text)

    assert json.loads(text) == document.value
    assert not document.problems


@given(VALUES)
def test_every_value_has_its_place(value: Any) -> None:
    """The place of each key and value is where it starts in the text, with lines and columns from one."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    document = loaded(text)
    lines = text.split("\n")

    for path, place in document.keys.items():
        assert lines[place.line - 1][place.column - 1 :].startswith(json.dumps(path[-1], ensure_ascii=False))
    for path, place in document.places.items():
        current = value
        for part in path:
            current = current[part]
        written = json.dumps(current, ensure_ascii=False)
        opening = written[0] if isinstance(current, (dict, list)) else written
        assert lines[place.line - 1][place.column - 1 :].startswith(opening)


@given(VALUES.filter(lambda value: isinstance(value, (dict, list))))
@settings(max_examples=60)
def test_json_and_yaml_of_one_value_agree(value: Any) -> None:
    """What another writer wrote as YAML has the same structure and the same texts."""
    text = yaml.safe_dump(value, allow_unicode=False, default_style='"')

    document = load_located(text.encode(), "m.yaml")

    # Every scalar is quoted, with a tag where it is not text: a tag is a finding, and the value is then a text.
    assert all(problem.id == "manifest.yaml" for problem in document.problems)
    assert _texts(value) == _texts(document.value, like=value)


def _texts(node: Any, like: Any = ...) -> Any:
    """`node` with None for what is not a text in `like`."""
    like = node if like is ... else like
    if isinstance(like, dict):
        return {key: _texts(node[key], child) for key, child in like.items()}
    if isinstance(like, list):
        return [_texts(one, other) for one, other in zip(node, like, strict=True)]
    return node if isinstance(like, str) else None


def problem_of(data: bytes, file_name: str) -> ModelProvenanceError | None:
    """The error that ended the reading; anything but ours goes through and fails the test."""
    try:
        load_located(data, file_name)
    except ModelProvenanceError as error:
        return error
    return None


@given(st.binary(max_size=80), st.sampled_from(["m.json", "m.yaml", "manifest"]))
@settings(max_examples=300)
def test_no_bytes_break_the_reader(data: bytes, file_name: str) -> None:
    """Any bytes give a document or one of our errors, with a place."""
    error = problem_of(data, file_name)
    assert error is None or (error.location or "").startswith(f"{file_name}:")


@given(st.text("{}[],:\"'-?&*!|>%@` \n\tab1.#~<", max_size=40))
@settings(max_examples=300)
def test_no_yaml_breaks_the_reader(text: str) -> None:
    """Texts made of YAML's own characters give a document or one of our errors."""
    error = problem_of(text.encode(), "m.yaml")
    assert error is None or error.code in ("manifest.syntax", "manifest.yaml", "manifest.key", "manifest.limit")


def test_plain_yaml_has_the_types_of_json() -> None:
    """Only true, false, null, ~ and integers are not text: not dates, not `no`, not fractions, hex, octal or 1:30."""
    texts = ["yes", "no", "on", "2026-11-23", "1.10", "2e-5", "0x10", "0o7", "012", "1:30", ".inf", "True"]

    value = loaded(f"a: [true, false, null, ~, 12, -3, 0]\nb: [{', '.join(texts)}]\nc: '1'\nd:\n", "m.yaml").value

    assert value == {"a": [True, False, None, None, 12, -3, 0], "b": texts, "c": "1", "d": None}


def test_a_json_number_with_a_fraction_keeps_its_spelling() -> None:
    """`1.50` stays `1.50`, and compares as the number it is."""
    (number,) = loaded("[1.50]").value
    assert isinstance(number, WrittenNumber)
    assert number.text == "1.50"
    assert number == 1.5


def test_aliases_repeat_values_and_are_counted_as_what_they_repeat() -> None:
    """An alias gives the anchor's value; the place of what is inside is that of the alias."""
    document = loaded("a: &x {b: [1, 2]}\nc: *x\n", "m.yaml")

    assert document.value == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}
    assert document.location(("c", "b", 1)) == "m.yaml:2:4"
    assert document.nodes == 1 + 4 + 4


def test_size_is_refused_before_anything_is_parsed() -> None:
    """A file over the limit is refused whatever it holds."""
    with pytest.raises(ModelProvenanceError) as caught:
        load_located(b"{" * (SIZE_LIMIT + 1), "m.json")
    assert caught.value.code == "manifest.limit"


@pytest.mark.parametrize("file_name", ["m.json", "m.yaml"])
def test_too_many_values_are_refused(file_name: str) -> None:
    """A flat list can be long in a small file; the number of values is bounded."""
    with pytest.raises(ModelProvenanceError) as caught:
        load_located(b"[" + b"1," * NODE_LIMIT + b"1]", file_name)
    assert caught.value.code == "manifest.limit"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029"])
def test_directives_are_few(end: str) -> None:
    """Sixteen lines that begin with `%` are read, wherever a line ends for libyaml; the place is that of the next."""
    lines = [f"%TAG !{number:x}! b{end}" for number in range(17)]
    assert loaded(f"{''.join(lines[:16])}---\na: b\n", "m.yaml").value == {"a": "b"}
    with pytest.raises(ModelProvenanceError, match="more than 16 lines that begin with %") as caught:
        load_located(f"{''.join(lines)}---\na: b\n".encode(), "m.yaml")
    assert caught.value.code == "manifest.limit"


def test_the_language_follows_from_the_extension_then_from_the_first_character() -> None:
    """`.json` is JSON, `.yaml` and `.yml` are YAML; without an extension a brace or a bracket means JSON."""
    assert loaded('{"a": 1}', "m.yml").value == {"a": 1}
    assert loaded(' {"a": 1}', "manifest").value == {"a": 1}
    assert loaded("a: 1", "manifest").value == {"a": 1}
    with pytest.raises(ModelProvenanceError):
        loaded("a: 1", "M.JSON")
    with pytest.raises(ModelProvenanceError):
        loaded("{a: 1}", "manifest")


def test_columns_count_characters() -> None:
    """A place behind letters outside of ASCII is where an editor shows it."""
    assert loaded('{"é": "€", "b": 1}').keys[("b",)] == Place(1, 12)
    assert loaded("é: [é, x]", "m.yaml").places[("é", 1)] == Place(1, 8)


def test_a_hostile_file_name_is_shown_safely() -> None:
    """Control characters of a file name do not reach a message."""
    with pytest.raises(ModelProvenanceError) as caught:
        load_located(b"", "a\x1b[31m\n.json")
    assert caught.value.location == "a\\x1b[31m\\n.json:1:1"


@pytest.mark.parametrize(
    "text", ["a: [1", "a: 'x", "a: b: c", "a:\n\tb: 1", "a: \x07", "- a\nb: 1", "a: %x", "a: @x", "*a", "a: &x"]
)
def test_both_yaml_readers_refuse_or_read_alike(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML with and without libyaml: the same value or the same code, whichever is installed."""

    def outcome() -> str:
        error = problem_of(text.encode(), "m.yaml")
        return error.code if error else repr(loaded(text, "m.yaml").value)

    with_c = outcome()
    monkeypatch.setattr(yaml_events, "_LOADER", yaml.SafeLoader)
    assert outcome() == with_c
