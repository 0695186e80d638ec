"""The set of statements that a release signs: order, subjects, determinism."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model_provenance.describe.statements import StatementOptions, unsigned_sboms
from model_provenance.domain.evidence import SBOM_STATEMENT_LIMIT, Predicate, SbomDocument
from model_provenance.domain.package import Layout
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical, document
from model_provenance.formats.intoto import parse


def large_sbom() -> SbomDocument:
    """An SBOM over the limit for a statement of its own."""
    data = document({"spdxVersion": "SPDX-2.3", "comment": "x" * SBOM_STATEMENT_LIMIT})
    return SbomDocument("sbom.spdx.json", "application/spdx+json", Predicate.SPDX, data)


def test_statements_come_in_the_order_of_signing(release: Any) -> None:
    """OMS first, provenance last, since it names the others."""
    statements = release().statements
    assert [(s.name, s.predicate_type) for s in statements] == [
        ("oms", Predicate.OMS),
        ("manifest", Predicate.MANIFEST),
        ("spdx", Predicate.SPDX),
        ("cyclonedx", Predicate.CYCLONEDX),
        ("provenance", Predicate.PROVENANCE),
    ]


@pytest.mark.parametrize("layout", list(Layout))
def test_our_statements_have_one_list_of_subjects(release: Any, layout: Layout) -> None:
    """The model digest, then the index and its manifests, or the archive; each under the name of its kind."""
    made = release(layout=layout)
    package = made.package
    kind = "archive" if layout.is_archive else "oci-manifest"
    others = [package.package_digest] if layout.is_archive else list(package.manifest_digests)
    expected = [("oms-root", package.model_digest.hex), *((kind, digest.hex) for digest in others)]
    assert len(expected) == (2 if layout.is_archive else 4)
    for statement in made.statements[1:]:
        subjects = json.loads(statement.payload)["subject"]
        assert [(s["name"], s["digest"]["sha256"]) for s in subjects] == expected


def test_the_oms_statement_has_one_subject_named_after_the_model(release: Any) -> None:
    """The last segment of the name, with the root digest; the user's ignored paths are recorded."""
    made = release(options=StatementOptions(ignore=("scratch",), allow_symlinks=True))
    oms = parse(made.statements[0].payload)
    assert oms.subjects == (("minilm", {"sha256": made.package.model_digest.hex}),)
    assert "scratch" in oms.predicate["serialization"]["ignore_paths"]
    assert oms.predicate["serialization"]["allow_symlinks"] is True


def test_options_are_external_parameters(release: Any) -> None:
    """What the user chose is recorded, sorted and once."""
    made = release(options=StatementOptions(ignore=("b", "a", "b"), allow_symlinks=True, sbom_engine="native"))
    external = parse(made.statements[-1].payload).predicate["buildDefinition"]["externalParameters"]
    assert external["options"] == {
        "layout": "layers",
        "allowSymlinks": True,
        "ignorePaths": ["a", "b"],
        "sbomEngine": "native",
    }


def test_payloads_are_canonical(release: Any) -> None:
    """RFC 8785: parsing and writing again gives the same bytes."""
    for statement in release(context="github").statements:
        assert canonical(json.loads(statement.payload)) == statement.payload


def test_an_sbom_statement_proves_the_file(release: Any) -> None:
    """The predicate in our stable form is the file of the release folder."""
    made = release()
    for sbom, statement in zip(made.sboms, made.statements[2:4], strict=True):
        assert document(json.loads(statement.payload)["predicate"]) == sbom.data


def test_a_large_sbom_has_no_statement_of_its_own(release: Any) -> None:
    """The manifest holds its digest, the provenance does not name it, and a finding says so."""
    made = release(sboms=(large_sbom(),))
    assert [s.name for s in made.statements] == ["oms", "manifest", "provenance"]
    assert made.manifest.sboms[0].digest == made.sboms[0].digest
    (finding,) = unsigned_sboms(made.sboms)
    assert (finding.id, finding.severity.value) == ("statement.sbom_unsigned", "info")
    assert unsigned_sboms(release().sboms) == ()


@pytest.mark.parametrize("data", [b"{}", b"[]\n", b'{"b": 1, "a": 2}\n', b"{} \n", b"\xff"])
def test_an_sbom_in_another_form_is_our_defect(release: Any, data: bytes) -> None:
    """A file that does not follow from its statement would make the digest in the manifest worthless."""
    sbom = SbomDocument("sbom.spdx.json", "application/spdx+json", Predicate.SPDX, data)
    with pytest.raises(ModelProvenanceError) as caught:
        _ = release(sboms=(sbom,)).statements
    assert caught.value.code == "internal.error"


def test_the_order_of_files_does_not_matter(release: Any) -> None:
    """Directory order is in no statement."""
    made = release()
    assert release(files=dict(reversed(made.files.items()))).statements == made.statements


def test_other_bytes_and_other_names_make_other_statements(release: Any) -> None:
    """A renamed file keeps the OMS root digest; the statements differ all the same."""
    made = release(files={"a.bin": b"1", "b.bin": b"2"})
    renamed = release(files={"a.bin": b"1", "c.bin": b"2"})
    assert made.package.model_digest == renamed.package.model_digest
    for one, other in zip(made.statements, renamed.statements, strict=True):
        assert one.payload != other.payload


SCRIPT = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("describe_conftest", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["describe_conftest"] = module
spec.loader.exec_module(module)
source = b"license: MIT\\ndatasets: [{name: b}, {name: a}]\\n"
made = module.Release(facts=module.CARD_FACTS, context=module.GITHUB, source=source)
print(made.manifest.data.hex(), *(statement.digest for statement in made.statements))
"""


def test_time_zone_locale_and_hash_seed_are_in_no_statement() -> None:
    """Fresh interpreters in different surroundings give the same digests."""
    outputs = set()
    for seed, zone, language in (
        ("1", "UTC", "C"),
        ("2", "Asia/Kolkata", "tr_TR.UTF-8"),
        ("3", "America/New_York", "de_DE"),
    ):
        environment = {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONHASHSEED": seed,
            "TZ": zone,
            "LANG": language,
            "LC_ALL": language,
        }
        command = [sys.executable, "-c", SCRIPT, str(Path(__file__).with_name("conftest.py"))]
        outputs.add(subprocess.run(command, check=True, capture_output=True, env=environment).stdout)
    assert len(outputs) == 1
