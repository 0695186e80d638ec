"""The checkers of SPDX for NTIA, FSCT3 and BSI, on every kind of model; and our own, which says what they would miss."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from ntia_conformance_checker.sbom_checker import SbomChecker
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from tests.sbom_flows.kinds import KINDS, model_of

from model_provenance.domain.conformance import Presence
from model_provenance.flows.describe import SbomOptions, sbom_model
from model_provenance.flows.sbom_check import check_sbom

from .models import MANIFEST

CHECKS = (
    ("sbom.spdx.json", "spdx2", "ntia"),
    ("sbom.spdx3.json", "spdx3", "ntia"),
    ("sbom.spdx3.json", "spdx3", "fsct3-min"),
    ("sbom.spdx3.json", "spdx3", "bsi"),
)
FORMATS = ("spdx-json", "spdx3-json", "cyclonedx-json")
#: What the models' own files say; where manifest and model disagree nobody can conclude a licence.
LICENSES = {"sharded": "LicenseRef-llama3.1", "pickles": "MIT"}


def written(model: Path, folder: Path, manifest: dict[str, object] | None) -> Path:
    """The SBOMs of a model that lies in no repository, so that nothing but the manifest names a supplier."""
    path = None
    if manifest is not None:
        path = folder / "manifest.json"
        path.write_text(json.dumps(manifest))
    options = SbomOptions(model, "acme/x", "1.0.0", path, FORMATS, None, "native", None, (), False, {})
    output = folder / ("bare" if manifest is None else "made")
    sbom_model(options, output=output)
    return output


def lacking(made: Path) -> dict[str, list[str]]:
    """Check -> the required questions that the checkers of SPDX answer with no; a passed one is not there."""
    found = {}
    for name, spec, standard in CHECKS:
        checker = SbomChecker(str(made / name), compliance=standard, sbom_spec=spec)
        assert checker.components_evaluated
        assert checker.validation_messages == []
        if not checker.compliant:
            rows = checker.table_elements
            optional = ("(Warning)", "(Optional)")
            found[f"{standard} {spec}"] = [q for q, answer in rows if not answer and not q.endswith(optional)]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_validators_of_spdx_2_and_cyclonedx_take_every_kind_of_model(kind: str, tmp_path: Path) -> None:
    """spdx-tools for 2.2 and 2.3, cyclonedx-python-lib strict for 1.6 and 1.7: zero faults, with all that people declare."""
    model, manifest = model_of(kind, tmp_path / "model"), tmp_path / "manifest.json"
    manifest.write_text(json.dumps(MANIFEST))
    for version in ("2.2", "2.3"):
        value = json.loads(rendered(model, manifest, f"spdx-json@{version}"))
        faults = validate_full_spdx_document(JsonLikeDictParser().parse(value))  # type: ignore[no-untyped-call]
        assert (value["spdxVersion"], [fault.validation_message for fault in faults]) == (f"SPDX-{version}", [])
    for schema in (SchemaVersion.V1_6, SchemaVersion.V1_7):
        text = rendered(model, manifest, f"cyclonedx-json@{schema.to_version()}").decode()
        assert JsonStrictValidator(schema).validate_str(text) is None


def rendered(model: Path, manifest: Path, format: str) -> bytes:
    """The document of a model in one format."""
    options = SbomOptions(model, "acme/x", "1.0.0", manifest, (format,), None, "native", None, (), False, {})
    [made], _ = sbom_model(options, output=None)
    return made.data


def absent(sbom: Path, profile: str) -> dict[str, str]:
    """Identifier of each required element that is not there -> what to add."""
    return {
        v.element.id: v.element.add
        for v in check_sbom(sbom, profile).verdicts
        if v.presence is Presence.ABSENT and v.element.required
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_manifest_with_supplier_copyright_and_licence_passes_every_check(kind: str, tmp_path: Path) -> None:
    """NTIA on SPDX 2.3 and 3, FSCT3 and BSI on SPDX 3: zero errors, for the real MiniLM and every generated kind."""
    manifest: dict[str, object] = {
        "license": LICENSES.get(kind, "Apache-2.0"),
        "supplier": {"name": "Acme Research", "contact": "sbom@example.com"},
        "copyright": "Copyright 2026 Acme Research",
    }
    made = written(model_of(kind, tmp_path / "model"), tmp_path, manifest)

    assert lacking(made) == {}
    assert absent(made / "sbom.spdx3.json", "ntia").keys() <= {"timestamp"}  # no commit, no SOURCE_DATE_EPOCH
    assert absent(made / "sbom.spdx3.json", "bsi-tr-03183").keys() <= {"timestamp"}


def test_without_a_manifest_both_checkers_lack_the_same_and_ours_says_what_to_add(tmp_path: Path) -> None:
    """Nobody is made up as a supplier: the checks fail, and each gap has a line that closes it."""
    made = written(model_of("MiniLM", tmp_path / "model"), tmp_path, None)

    assert lacking(made) == {
        "ntia spdx2": ["All component suppliers provided?"],
        "ntia spdx3": ["All component suppliers provided?"],
        "fsct3-min spdx3": ["All component suppliers provided?", "All component copyright notice provided?"],
        "bsi spdx3": ["Creator of the SBOM", "Component Creators"],
    }
    ours = absent(made / "sbom.spdx3.json", "bsi-tr-03183")
    assert {"sbom-creator", "creator"} <= ours.keys() <= {"sbom-creator", "creator", "timestamp"}
    assert "contact" in ours["sbom-creator"]
    assert "contact" in ours["creator"]
    for name in ("sbom.spdx.json", "sbom.spdx3.json", "sbom.cdx.json"):
        assert "supplier: {name: …" in absent(made / name, "ntia")["supplier"]


def test_cyclonedx_answers_bsi_with_the_same_manifest(tmp_path: Path) -> None:
    """Contact, file name, structure and SHA-512 have their place there, too; its licences are declared ones only."""
    manifest: dict[str, object] = {
        "license": "Apache-2.0",
        "supplier": {"name": "Acme Research", "contact": "https://example.com/contact"},
    }
    made = written(model_of("MiniLM", tmp_path / "model"), tmp_path, manifest)

    assert absent(made / "sbom.cdx.json", "bsi-tr-03183").keys() <= {"license", "timestamp"}
