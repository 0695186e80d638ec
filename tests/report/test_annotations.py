"""Annotations on a run of GitHub: each says what it is about."""

from __future__ import annotations

import pytest

from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.report.github import annotate


@pytest.mark.parametrize(
    ("location", "message", "line"),
    [
        ("", "there is no token", "::error title=a.b::there is no token"),
        ("model", "model.bin: a link", "::error title=a.b::model: model.bin: a link"),
        ("model.bin", "has other content", "::error title=a.b::model.bin: has other content"),
        ("README.md", "README.md cannot be read", "::error title=a.b::README.md cannot be read"),
        ("m.yaml:3", "no such key", "::error title=a.b,file=m.yaml,line=3::no such key"),
        ("m.yaml:3:7", "no such key", "::error title=a.b,file=m.yaml,line=3,col=7::no such key"),
        ("localhost:5000/x", "denied", "::error title=a.b::localhost:5000/x: denied"),
    ],
)
def test_a_place_is_a_property_or_stands_in_the_message(
    location: str, message: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line of a file is where the annotation stands; a folder, a file or a registry is said, once."""
    annotate((Finding("a.b", Severity.ERROR, Status.FAIL, message, "", location),))
    assert capsys.readouterr().out == f"{line}\n"
