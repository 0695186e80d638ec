"""Model names and versions: what is parsed is safe in a path, in a tag and in a message."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.domain.names import ModelName, Version, release_stem
from model_provenance.errors import ModelProvenanceError

TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


@pytest.mark.parametrize("text", ["minilm", "acme/minilm", "a/b/c-1.0_x", "0", "a" * 100, "x/y_", "a..b"])
def test_names_of_the_convention_are_taken(text: str) -> None:
    """Segments of a-z, 0-9, dot, underscore and hyphen, joined by slashes."""
    assert str(ModelName.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "..",
        "a/../b",
        ".a",
        "-a",
        "a/-rf",
        "_a",
        "a.",
        "A",
        "ä",
        "a b",
        "a\n",
        "a\0",
        "a" * 101,
        "a:b",
    ],
)
def test_names_that_could_be_something_else_are_refused(text: str) -> None:
    """Hidden files, parents, options, capitals, anything that a registry or a shell reads otherwise."""
    with pytest.raises(ModelProvenanceError) as caught:
        ModelName.parse(text)
    assert caught.value.code == "manifest.name"
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("text", ["1.0.0", "v1", "2026-11-23", "0.0.0-0123456789ab", "1.0_rc.1", "a1", "1" * 128])
def test_versions_that_can_be_tags_are_taken(text: str) -> None:
    """Everything that is an OCI tag and holds a digit."""
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "latest", "main", "1.0+cu121", "-1", ".1", "1.", "1/2", "1 0", "1\n", "1\x1b[31m", "\u0661", "1" * 129, "1:2"],
)
def test_versions_that_move_or_cannot_be_tags_are_refused(text: str) -> None:
    """A moving name, a build part, a path, a control character, digits of other scripts."""
    with pytest.raises(ModelProvenanceError) as caught:
        Version.parse(text)
    assert caught.value.code == "manifest.version"
    assert caught.value.message.isprintable()


def test_names_in_files() -> None:
    """In file names each slash of a name is a hyphen; the last segment names the subject of the OMS statement."""
    name, version = ModelName.parse("acme/nlp/minilm"), Version.parse("1.2.0")
    assert name.file_stem == "acme-nlp-minilm"
    assert name.last == "minilm"
    assert release_stem(name, version) == "acme-nlp-minilm-1.2.0"
    assert version.file_stem == "1.2.0"


@given(st.text(max_size=140))
def test_whatever_is_taken_is_safe(text: str) -> None:
    """A parsed name or version is one path segment when used as a file stem, and a version is an OCI tag."""
    for kind in (ModelName, Version):
        try:
            parsed = kind.parse(text)
        except ModelProvenanceError:
            continue
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", parsed.file_stem)
        assert parsed.file_stem not in (".", "..")
        if kind is Version:
            assert TAG.fullmatch(text)


@given(st.from_regex(r"[a-z0-9._/-]{1,60}", fullmatch=True))
def test_segments_of_a_name_are_never_special(text: str) -> None:
    """No parsed name holds an empty segment, a hidden one, a parent or an option."""
    try:
        name = ModelName.parse(text)
    except ModelProvenanceError:
        return
    for segment in name.text.split("/"):
        assert segment
        assert segment[0] not in "._-"
        assert not segment.endswith(".")
