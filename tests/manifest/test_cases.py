"""Source manifests as people get them wrong: one folder a case, the file beside the findings it has to give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model_provenance.domain.finding import Severity, Status
from model_provenance.errors import CODES, ModelProvenanceError
from model_provenance.formats.manifest import check_source, load_source

CASES = Path(__file__).parents[1] / "cases" / "manifest"
FOLDERS = sorted(CASES.iterdir())


def manifest_of(folder: Path) -> Path:
    """The one file of a case that is not its expectation."""
    (manifest,) = (path for path in folder.iterdir() if path.name != "expected.json")
    return manifest


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_manifest_gives_exactly_the_findings_of_its_case(folder: Path) -> None:
    """Identifier, place, message and remedy are those written down; a good manifest has none."""
    manifest = manifest_of(folder)

    findings = check_source(manifest.read_bytes(), manifest.name)

    expected = json.loads((folder / "expected.json").read_text())
    assert expected == [
        {"id": f.id, "location": f.location, "message": f.message, "remedy": f.remedy} for f in findings
    ]
    assert folder.name.startswith("good") == (not findings)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_finding_can_be_acted_on(folder: Path) -> None:
    """Each has a known code with the status of a usage error, a remedy, a place, and is safe to print."""
    manifest = manifest_of(folder)

    for finding in check_source(manifest.read_bytes(), manifest.name):
        assert CODES[finding.id].status == 2
        assert (finding.severity, finding.status) == (Severity.ERROR, Status.FAIL)
        assert finding.remedy
        name, line, column = finding.location.split(":")
        assert name == manifest.name
        assert line.isdigit()
        assert column.isdigit()
        assert finding.message.isprintable()
        assert "secret" not in finding.message + finding.remedy


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_manifest_loads_exactly_when_it_has_no_findings(folder: Path) -> None:
    """Loading a bad manifest raises one error that holds each message (up to ten); a good one gives its values."""
    manifest = manifest_of(folder)
    expected = json.loads((folder / "expected.json").read_text())
    if not expected:
        assert load_source(manifest.read_bytes(), manifest.name).value
        return

    with pytest.raises(ModelProvenanceError) as caught:
        load_source(manifest.read_bytes(), manifest.name)

    assert caught.value.code == "manifest.source_invalid"
    assert all(finding["message"] in caught.value.message for finding in expected[:10])


def test_there_are_enough_cases() -> None:
    """At least 25 different ways to get a manifest wrong, for each of the two languages and for both."""
    names = [manifest_of(folder).suffix for folder in FOLDERS]
    assert len(names) >= 50
    assert min(names.count(".json"), names.count(".yaml")) >= 20
