"""How a model descends from its base models, in every format: quantised, merged, an adapter, tuned."""

from __future__ import annotations

import json
from typing import Any

import pytest

from model_provenance.describe.sbom.build import build_sboms
from model_provenance.formats.spdx3_observed import observed

from .conftest import MakeRequest

FORMATS = ("spdx-json", "spdx3-json", "cyclonedx-json")


def documents(make_request: MakeRequest, relation: str | None, manifest: dict[str, Any] | None = None) -> list[Any]:
    """The three documents of a model with the base model `acme/base`."""
    facts = {"base_models": ("acme/base",), "base_relation": relation, "quantized_by": "Ann", "quantization": "Q4_K_M"}
    request = make_request(facts=facts, manifest=manifest or {}, formats=FORMATS)
    return [json.loads(sbom.data) for sbom in build_sboms(request).documents]


@pytest.mark.parametrize("relation", ["finetune", "adapter", "merge", "quantized"])
def test_every_format_says_the_relation(relation: str, make_request: MakeRequest) -> None:
    """Beside the base model; a quantised model is its variant besides its descendant."""
    spdx, spdx3, cyclonedx = documents(make_request, relation)
    (base,) = [package for package in spdx["packages"] if package["name"] == "acme/base"]
    assert base["comment"] == f"base model; relation: {relation}"
    kinds = {r["relationshipType"] for r in spdx["relationships"] if r["relatedSpdxElement"] == base["SPDXID"]}
    assert kinds == ({"DESCENDANT_OF", "VARIANT_OF"} if relation == "quantized" else {"DESCENDANT_OF"})
    (element,) = [element for element in spdx3["@graph"] if element.get("name") == "acme/base"]
    assert element["comment"] == f"relation: {relation}"
    variants = [e for e in spdx3["@graph"] if e.get("relationshipType") == "hasVariant"]
    assert [variant["from"] for variant in variants] == ([element["spdxId"]] if relation == "quantized" else [])
    model = next(c for c in cyclonedx["components"] if c["type"] == "machine-learning-model")
    (ancestor,) = model["pedigree"]["ancestors"]
    assert {"name": "model-provenance:relation", "value": relation} in ancestor["properties"]


def test_who_quantised_is_said(make_request: MakeRequest) -> None:
    """As the header of the weights has it, beside the type."""
    spdx, spdx3, cyclonedx = documents(make_request, "quantized")
    assert "quantization: Q4_K_M; quantized by: Ann" in spdx["packages"][0]["description"]
    assert "quantized by" in json.dumps(spdx3)
    assert '"model-provenance:quantized-by"' in json.dumps(cyclonedx)


def test_a_relation_that_nobody_says_is_not_written(make_request: MakeRequest) -> None:
    """A descendant, and no more."""
    spdx, spdx3, cyclonedx = documents(make_request, None)
    assert "relation:" not in json.dumps(spdx) + json.dumps(spdx3)
    assert "model-provenance:relation" not in json.dumps(cyclonedx)


def test_the_manifest_says_it_first_and_the_files_fill_in(make_request: MakeRequest) -> None:
    """What the manifest declares of a base counts; where it is silent of one that the files name, these are heard."""
    declared = {"fine_tuned_from": {"model": "acme/base", "relation": "adapter"}}
    assert "relation: adapter" in json.dumps(documents(make_request, "quantized", declared)[0])
    silent = {"fine_tuned_from": {"model": "acme/base", "version": "1"}}
    assert "relation: quantized" in json.dumps(documents(make_request, "quantized", silent)[0])
    merged = {"merged_from": [{"model": "a/b"}, {"model": "c/d"}]}
    spdx = documents(make_request, None, merged)[0]
    assert json.dumps(spdx).count("base model; relation: merge") == 2


def test_a_relation_to_one_base_is_not_written_onto_another(make_request: MakeRequest) -> None:
    """What a file says of the base that it names; what it says without a name counts where there is one base alone."""
    several = {"base_models": ("a/b", "c/d"), "base_relations": {"a/b": "quantized"}, "base_relation": "adapter"}
    facts = build_sboms(make_request(facts=several, formats=FORMATS)).documents
    spdx, spdx3, cyclonedx = (json.loads(sbom.data) for sbom in facts)
    said = {package["name"]: package.get("comment") for package in spdx["packages"]}
    assert (said["a/b"], said["c/d"]) == ("base model; relation: quantized", "base model")
    variants = [r for r in spdx["relationships"] if r["relationshipType"] == "VARIANT_OF"]
    assert len(variants) == 1
    assert {e["name"]: e.get("comment") for e in spdx3["@graph"] if e.get("name") in ("a/b", "c/d")} == {
        "a/b": "relation: quantized",
        "c/d": None,
    }
    assert json.dumps(cyclonedx).count("model-provenance:relation") == 1


def test_a_relation_that_files_say_fills_in_only_for_the_base_they_mean(make_request: MakeRequest) -> None:
    """Of two that the manifest names, the one that an adapter's configuration names too."""
    manifest = {"fine_tuned_from": {"model": "c/d"}}
    facts = {"base_models": ("a/b",), "base_relations": {"a/b": "adapter"}}
    spdx = json.loads(build_sboms(make_request(facts=facts, manifest=manifest, formats=FORMATS)).documents[0].data)
    said = {package["name"]: package.get("comment") for package in spdx["packages"]}
    assert (said["a/b"], said["c/d"]) == ("base model; relation: adapter", "base model")


def test_a_fact_is_known_by_the_file_that_says_it(make_request: MakeRequest) -> None:
    """Not by the card beside it; what an author typed is declared wherever it stands, in every document."""
    files = {"README.md": b"card", "model.gguf": b"GGUF", "adapter_config.json": b"{}"}
    facts = {
        "library": "peft", "languages": ("de",), "quantized_by": "Ann", "quantization": "Q4_K_M", "task": "t",
        "sources": {
            "library": "adapter_config.json", "languages": "model.gguf", "quantized-by": "model.gguf", "task": "README.md",
        },
    }  # fmt: skip
    spdx, spdx3, cyclonedx = (
        json.loads(sbom.data) for sbom in build_sboms(make_request(files, facts=facts, formats=FORMATS)).documents
    )
    words = (
        "languages declared (model.gguf)", "library observed (adapter_config.json)", "quantized-by declared (model.gguf)",
        "task declared (README.md)", "quantization observed",
    )  # fmt: skip
    model = next(e for e in spdx3["@graph"] if e["type"] == "ai_AIPackage")
    assert all(word in spdx["packages"][0]["comment"] + spdx["packages"][0].get("sourceInfo", "") for word in words)
    assert all(word in model["software_sourceInfo"] for word in words)
    known = {p["name"]: p["value"] for p in cyclonedx["components"][0]["properties"]}
    assert known["model-provenance:known:library"] == "observed (adapter_config.json)"
    keys = {entry["key"] for entry in model["ai_hyperparameter"]}
    assert {"declared:quantized by", "declared:languages", "observed:library", "observed:quantization"} <= keys
    again = observed(spdx3)
    of_files = [key for key in again.facts if key.endswith("declared:languages")]
    assert len(of_files) == 1
    assert not again.from_manifest & set(of_files), "it can be read again without the manifest"
