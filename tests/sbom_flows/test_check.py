"""`sbom check`: minimum elements, each present, declared or absent, and what to add."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.cli.main import run
from model_provenance.domain.conformance import Presence
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.sbom_check import check_sbom
from model_provenance.formats.conformance import PROFILES, evaluate, profile
from model_provenance.formats.sbom_view import view_of

GOLDEN = Path(__file__).parent.parent / "describe_sbom" / "golden"
FILES = ("rich.sbom.spdx.json", "rich.sbom.cdx.json", "hostile.sbom.spdx.json", "hostile.sbom.cdx.json")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def met(path: Path, name: str) -> set[str]:
    """Identifiers of the elements that are there."""
    return {v.element.id for v in check_sbom(path, name).verdicts if v.presence is not Presence.ABSENT}


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_whole(name: str) -> None:
    """Elements have an identifier of their own, facts to look at, and a line that says what to add."""
    elements = profile(name).elements

    assert len({element.id for element in elements}) == len(elements)
    assert all(element.facts and element.add and element.name for element in elements)
    assert any(element.required for element in elements)


def test_the_g7_list_has_its_fifty_elements() -> None:
    """Seven clusters: metadata 10, system 9, model 13, data 10, infrastructure 2, security 4, indicators 2."""
    ids = [element.id.partition("-")[0] for element in profile("g7-ai").elements]

    assert [ids.count(c) for c in ("md", "slp", "mdl", "dp", "inf", "sp", "kpi")] == [10, 9, 13, 10, 2, 4, 2]


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "minimum"])
@pytest.mark.parametrize("file", FILES)
def test_every_profile_judges_every_document(name: str, file: str) -> None:
    """Hostile text changes no verdict into an error."""
    assert len(check_sbom(GOLDEN / file, name).verdicts) == len(profile(name).elements)


def test_taking_a_fact_away_takes_its_element_away(tmp_path: Path) -> None:
    """Each of the NTIA elements follows from its own field and from no other."""
    value = json.loads((GOLDEN / "rich.sbom.spdx.json").read_bytes())
    changes: dict[str, Any] = {
        "timestamp": lambda d: d["creationInfo"].update(created="1970-01-01T00:00:00Z"),
        "author": lambda d: d["creationInfo"].update(creators=[]),
        "dependency": lambda d: d.update(relationships=[d["relationships"][0]]),
        "name": lambda d: d["packages"][0].update(name=""),
        "identifier": lambda d: d["packages"][1].pop("SPDXID"),
    }
    everything = met(GOLDEN / "rich.sbom.spdx.json", "ntia")
    for element, change in changes.items():
        less = copy.deepcopy(value)
        change(less)
        path = tmp_path / f"{element}.json"
        path.write_text(json.dumps(less))
        assert (element, element in everything, element in met(path, "ntia")) == (element, True, False)


def test_how_a_fact_is_known_is_told() -> None:
    """What was read from bytes is present; what a person typed is declared, with where."""
    verdicts = {v.element.id: v for v in check_sbom(GOLDEN / "rich.sbom.cdx.json", "eu-gpai").verdicts}

    assert verdicts["architecture"].presence is Presence.PRESENT
    assert verdicts["architecture"].where == "model.architecture: observed"
    assert verdicts["modalities"].presence is Presence.DECLARED
    assert verdicts["modalities"].where == "model.task: declared (README.md)"
    assert verdicts["intended"].presence is Presence.ABSENT


@given(value=JSON)
def test_the_evaluator_takes_any_view(value: Any) -> None:
    """A view of any shape under any key gives a verdict, and nothing is not something."""
    for name in PROFILES:
        result = evaluate(profile(name), {"model": value, "document": value, "components": value, "release": value})
        assert result.met <= len(result.verdicts)
    assert evaluate(profile("minimum"), {}).met == 0


@given(value=JSON, kind=st.sampled_from(["cdx", "spdx", "spdx3"]))
def test_any_document_gives_a_view_or_is_malformed(value: Any, kind: str) -> None:
    """JSON of any shape inside the envelope of a format never ends in another exception."""
    wrapped = {
        "cdx": {"bomFormat": "CycloneDX", "components": [value, {"type": "data", "data": value}], "metadata": value},
        "spdx": {"spdxVersion": "SPDX-2.3", "packages": [value, {"checksums": value}], "relationships": [value]},
        "spdx3": {"@graph": [value, {"type": "ai_AIPackage", "verifiedUsing": value, "suppliedBy": value}]},
    }[kind]
    with suppress(ModelProvenanceError):
        assert "model" in view_of(json.dumps(wrapped).encode())


def test_a_release_folder_is_judged_and_says_what_to_add(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`minimum` over a release: score, lines to add; a checksum that does not hold is none; status 12 until all is there."""
    release = _release(tmp_path)
    capsys.readouterr()
    assert run(["sbom", "check", str(release), "--profile", "minimum"]) == 12
    text = capsys.readouterr().out
    assert "DOES NOT CONFORM 6 of 7" in text
    assert "Sign with the identity of a CI job" in text
    assert met(release, "minimum") == {"digest", "checksums", "sbom", "commit", "inputs", "retention"}

    (release / "sbom.cdx.json").write_bytes((release / "sbom.cdx.json").read_bytes() + b"\n")
    assert "checksums" not in met(release, "minimum")


def test_json_and_markdown_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON for machines, a table for pages; both with every element."""
    path = str(GOLDEN / "rich.sbom.spdx.json")
    status = run(["sbom", "check", path, "--profile", "ntia", "--format", "json"])
    value = json.loads(capsys.readouterr().out)
    run(["sbom", "check", path, "--profile", "ntia", "--format", "markdown"])
    table = capsys.readouterr().out

    assert value["conforms"] is (status == 0)
    assert len(value["elements"]) == 7
    assert table.count("\n| ") == 8


def test_a_profile_and_what_it_is_about_must_fit(tmp_path: Path) -> None:
    """A folder for an SBOM profile, an SBOM for `minimum`, no profile, a profile that is not there: exit status 2."""
    sbom = str(GOLDEN / "rich.sbom.spdx.json")
    assert run(["sbom", "check", str(tmp_path), "--profile", "ntia"]) == 2
    assert run(["sbom", "check", sbom, "--profile", "minimum"]) == 2
    assert run(["sbom", "check", sbom]) == 2
    assert run(["sbom", "check", sbom, "--profile", "iso"]) == 2
    (tmp_path / "x.json").write_text("{}")
    assert run(["sbom", "check", str(tmp_path / "x.json"), "--profile", "ntia"]) == 12


def _release(tmp_path: Path) -> Path:
    """A release signed with a key, of a model about which everything is declared."""
    model = tmp_path / "model"
    model.mkdir()
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    (model / "config.json").write_text('{"model_type": "bert"}')
    digest = "sha256:" + "ab" * 32
    manifest = {
        "license": "MIT",
        "training_commit": "git+https://example.com/a/b@" + "1" * 40,
        "training_container_digest": digest,
        "datasets": [{"name": "d", "digest": digest, "retention": "P1Y"}],
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSIGN_PASSWORD", "x")
        assert run(["keygen", "--output", str(tmp_path / "k")]) == 0
        words = ["--name", "m", "--version", "1", "--key", str(tmp_path / "k.key"), "--sbom-engine", "native"]
        words += ["--manifest", str(tmp_path / "manifest.json"), "--output", str(tmp_path / "release")]
        assert run(["release", str(model), *words, "--sbom", "spdx3-json,cyclonedx-json@1.7"]) == 0
        words = ["--key", str(tmp_path / "k.pub"), "--name", "m", "--version", "1"]
        assert run(["verify", str(model), "--evidence", str(tmp_path / "release"), *words]) == 0
    return tmp_path / "release"
