"""`sbom verify`: an SBOM is derived again from the bytes; whatever differs is named."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from model_provenance.cli.main import run
from model_provenance.domain.finding import Finding, Status
from model_provenance.flows.describe import SbomOptions, sbom_model
from model_provenance.flows.sbom_verify import SbomVerification, verify_sbom
from model_provenance.formats.canonical import document
from model_provenance.formats.sbom_identity import identity
from model_provenance.formats.spdx3_graph import DRAFT
from model_provenance.formats.spdx3_observed import _moved

FORMATS = ("spdx-json", "spdx-json@2.2", "spdx3-json", "cyclonedx-json", "cyclonedx-json@1.7")
CARD = """---
license: apache-2.0
language: [en, de]
library_name: transformers
pipeline_tag: text-classification
datasets: [acme/reviews]
base_model: acme/base
---
# A model
"""
MANIFEST = """
license: Apache-2.0
datasets:
  - name: declared
    digest: sha256:%s
    types: [text]
    originated_by: {name: Ann, type: person, contact: ann@example.com}
    built: 2024-01-31
    released: 2024-02-01
    known_bias: [mostly English]
    sensitivity: personal data
    retention: P5Y
fine_tuned_from: {model: acme/other}
usage:
  commercial: allowed
  intended: [search]
  policy_url: https://example.com/policy
  ip_claims: [{claimant: Ann, claim: a patent, url: "https://example.com/claim"}]
supplier: {name: Acme Research, contact: sbom@example.com}
copyright: Copyright 2026 Acme Research
origin: {url: "https://models.example.com/x", publisher: Example, contact: "https://example.com/contact"}
data_governance: {owner: Office, retention: P10Y, assessment_url: "https://example.com/assessment"}
hyperparameters: {seed: 1}
""" % ("ab" * 32)


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    """A small classifier with card, configuration, weights and a tokenizer."""
    folder = tmp_path / "model"
    folder.mkdir()
    header = json.dumps({"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    config = {"architectures": ["BertForSequenceClassification"], "model_type": "bert", "vocab_size": 3}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "README.md").write_text(CARD)
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}}}))
    return folder


Write = Callable[..., Path]


@pytest.fixture(name="written")
def _written(model: Path, tmp_path: Path) -> Write:
    """Writes the SBOM of the model in one format and returns its path."""

    def write(format: str, manifest: Path | None = None) -> Path:
        options = SbomOptions(model, "acme/x", "1", manifest, (format,), None, "native", None, (), False, {})
        [made], _ = sbom_model(options, output=tmp_path / format.replace("@", "-"))
        return tmp_path / format.replace("@", "-") / made.file_name

    return write


@pytest.fixture(name="manifest")
def _manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.yaml"
    path.write_text(MANIFEST)
    return path


def failures(sbom: Path, model: Path, manifest: Path | None = None) -> list[Finding]:
    """What did not hold."""
    return [f for f in verify_sbom(SbomVerification(sbom, model, manifest)) if f.status is Status.FAIL]


@pytest.mark.parametrize("format", FORMATS)
def test_an_sbom_is_derived_again_from_the_bytes(written: Write, model: Path, format: str) -> None:
    """Every format that we write is found again, fact by fact."""
    findings = verify_sbom(SbomVerification(written(format), model))

    assert [f for f in findings if f.status is Status.FAIL] == []
    assert findings[0].status is Status.PASS


@pytest.mark.parametrize("format", FORMATS)
def test_what_the_manifest_declares_is_compared_when_it_is_given(
    written: Write, model: Path, manifest: Path, format: str
) -> None:
    """With the manifest all holds; without it the rest does, and it is said that something was not compared."""
    sbom = written(format, manifest)
    without = verify_sbom(SbomVerification(sbom, model))

    assert failures(sbom, model, manifest) == []
    assert "sbom.manifest_needed" not in {f.id for f in verify_sbom(SbomVerification(sbom, model, manifest))}
    assert [f for f in without if f.status is Status.FAIL] == []
    assert "sbom.manifest_needed" in {f.id for f in without}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("change", ["weights", "config", "card", "added", "removed"])
def test_a_changed_model_is_drift(written: Write, model: Path, format: str, change: str) -> None:
    """A byte of the weights, a word of the configuration or the card, a file more or less."""
    sbom = written(format)
    weights = model / "model.safetensors"
    if change == "weights":
        weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    elif change == "config":
        (model / "config.json").write_text(json.dumps({"architectures": ["Other"], "model_type": "bert"}))
    elif change == "card":
        (model / "README.md").write_text(CARD.replace("acme/reviews", "acme/other"))
    elif change == "added":
        (model / "extra.txt").write_text("x")
    else:
        (model / "tokenizer.json").unlink()

    assert {f.id for f in failures(sbom, model)} == {"sbom.drift"}


@pytest.mark.parametrize("format", FORMATS)
def test_a_hundred_changed_facts_of_each_format_are_caught(
    written: Write, model: Path, manifest: Path, format: str
) -> None:
    """500 changes of one value each over the formats: none passes, whatever the value was."""
    value = json.loads(written(format, manifest).read_bytes())
    places = [path for path, held in scalars(value) if isinstance(held, (str, int, bool))]
    missed = [path for path in sampled(places, 100) if survives(mutated(value, path), model, manifest)]

    assert missed == []


@pytest.mark.parametrize("format", FORMATS)
def test_observed_facts_are_caught_even_when_the_document_is_named_anew(
    written: Write, model: Path, format: str
) -> None:
    """Whoever changes a fact that the bytes give and renames the document to fit is caught by the bytes."""
    value = json.loads(written(format).read_bytes())
    places = [path for path, held in scalars(value) if isinstance(held, str) and observed(format, path, value)]
    missed = [path for path in sampled(places, 100) if survives(renamed(mutated(value, path)), model, None)]

    assert len(places) > 40
    assert missed == []


def test_a_document_in_another_form_is_not_ours(written: Write, model: Path, tmp_path: Path) -> None:
    """Reformatted, with a key twice, not JSON, not an SBOM: `sbom.malformed`, exit status 12."""
    data = written("spdx-json").read_bytes()
    for text in (data + b" ", data[:-2] + b', "name": "x"}\n', b"{", b"[]", b'{"spdxVersion": "SPDX-2.3"}'):
        path = tmp_path / "x.json"
        path.write_bytes(text)
        assert run(["sbom", "verify", str(path), str(model)]) == 12


def test_the_command_names_what_differs(written: Write, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 0 and the number of facts, or 11 and the fact."""
    sbom = written("spdx3-json")
    assert run(["sbom", "verify", str(sbom), str(model)]) == 0
    assert "facts derived again from 4 files" in capsys.readouterr().out
    (model / "config.json").write_text("{}")
    assert run(["sbom", "verify", str(sbom), str(model), "--format", "json"]) == 11
    assert "BertForSequenceClassification" in capsys.readouterr().out


def test_the_word_write_may_be_left_out(model: Path, tmp_path: Path) -> None:
    """`sbom MODEL_DIR` and `sbom write MODEL_DIR` are one; options may come first."""
    words = ["--sbom-engine", "native", "--sbom", "spdx3-json", "--output"]
    for number, line in enumerate(
        (["sbom", str(model), *words], ["sbom", "write", str(model), *words], ["sbom", *words])
    ):
        target = tmp_path / str(number)
        tail = [str(target)] if number < 2 else [str(target), str(model)]
        assert run([*line, *tail]) == 0
        assert (target / "sbom.spdx3.json").is_file()


def scalars(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every place that holds no list and no object."""
    if isinstance(value, dict):
        for name, held in value.items():
            yield from scalars(held, (*path, name))
    elif isinstance(value, list):
        for number, held in enumerate(value):
            yield from scalars(held, (*path, number))
    else:
        yield path, value


def sampled(places: list[tuple[Any, ...]], count: int) -> list[tuple[Any, ...]]:
    """At most `count` places, the same on every machine."""
    return random.Random(8).sample(places, min(count, len(places)))


def mutated(value: Any, path: tuple[Any, ...]) -> Any:
    """The document with one value changed."""
    changed = copy.deepcopy(value)
    parent = changed
    for step in path[:-1]:
        parent = parent[step]
    held = parent[path[-1]]
    parent[path[-1]] = held + 1 if isinstance(held, int) and not isinstance(held, bool) else f"{held}0"
    return changed


def survives(value: Any, model: Path, manifest: Path | None) -> bool:
    """Whether a changed document passes."""
    path = model.parent / "mutant.json"
    path.write_bytes(document(value))
    words = ["sbom", "verify", str(path), str(model), *(["--manifest", str(manifest)] if manifest else [])]
    return run(words) == 0


def renamed(value: dict[str, Any]) -> dict[str, Any]:
    """The document under the name that follows from what it says now."""
    if "@graph" in value:
        found = [e["spdxId"] for e in value["@graph"] if e.get("type") == "SpdxDocument"]
        base = str(found[0]).partition("#")[0] if found else ""
        head = base[:-37]
        moved: dict[str, Any] = _moved(value, base, f"{head}-{identity(_moved(value, base, DRAFT))}")
        return moved
    key = "serialNumber" if "bomFormat" in value else "documentNamespace"
    name = identity({name: held for name, held in value.items() if name != key})
    head = "urn:uuid:" if key == "serialNumber" else value[key][:-36]
    return {**value, key: f"{head}{name}"}


def observed(format: str, path: tuple[Any, ...], value: Any) -> bool:
    """Whether the value is one that the model's bytes give: of the model, its files, or relations between these."""
    if format.startswith("cyclonedx"):
        place = value
        for step in path[:-1]:
            place = place[step]
        return path[0] == "components" and "supplier" not in path and "known:supplier" not in str(place)
    if format.startswith("spdx-"):
        if path[-1] in ("downloadLocation", "copyrightText") and path[1] == 0:
            return False  # the manifest's `origin` and `copyright`
        return path[0] in ("packages", "relationships") and path[-1] not in ("supplier", "sourceInfo", "comment")
    element = value["@graph"][path[1]] if path[0] == "@graph" else {}
    return element.get("type") in ("software_File", "Relationship") and path[-1] not in ("creationInfo", "spdxId")
