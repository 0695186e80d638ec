"""Every format of SBOM is accepted by validators that others wrote, and says the same about a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from ntia_conformance_checker.sbom_checker import SbomChecker
from spdx_python_model.bindings import v3_0_1
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from model_provenance.describe.sbom.build import SbomRequest, build_sboms, formats_of
from model_provenance.domain.evidence import Predicate, SbomDocument
from model_provenance.domain.files import Role
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import cyclonedx_reading, spdx3_reading, spdx_reading
from model_provenance.formats.canonical import document
from model_provenance.formats.cyclonedx_citations import resolves
from model_provenance.formats.environment import environment_of
from model_provenance.formats.spdx3_profiles import missing, profiles

from .models import cases, rich

MakeRequest = Callable[..., SbomRequest]
READERS: dict[str, Any] = {
    "spdx-json@2.2": spdx_reading,
    "spdx-json": spdx_reading,
    "spdx3-json": spdx3_reading,
    "cyclonedx-json": cyclonedx_reading,
    "cyclonedx-json@1.7": cyclonedx_reading,
}
DECLARED = {
    "license": "Apache-2.0",
    "origin": {"url": "https://models.example.com/minilm", "publisher": "Example"},
    "hyperparameters": {"seed": 42, "deterministic": True},
    "usage": {
        "commercial": "restricted",
        "intended": ["search"],
        "prohibited": ["surveillance"],
        "ip_claims": [{"claimant": "Ann", "claim": "wrote part of the data", "url": "https://example.com/claim"}],
    },
    "tests": [{"name": "bias", "metric": "parity", "value": "0.93", "dataset": "held out", "result": "passed"}],
}


def one(request: SbomRequest, format: str) -> SbomDocument:
    """The document of a request in one format."""
    [made] = build_sboms(replace(request, formats=[format])).documents
    return made


def parsed(request: SbomRequest, format: str) -> dict[str, Any]:
    """The same as JSON."""
    value = json.loads(one(request, format).data)
    assert isinstance(value, dict)
    return value


def elements(request: SbomRequest, kind: str) -> list[dict[str, Any]]:
    """Elements of one type of the SPDX 3 document."""
    return [element for element in parsed(request, "spdx3-json")["@graph"] if element["type"] == kind]


def test_spdx_tools_accepts_every_spdx_2_2_document(make_request: MakeRequest) -> None:
    """2.2 has no purposes, demands three licence fields, and spells categories with an underscore."""
    for name, request in cases(make_request):
        value = parsed(request, "spdx-json@2.2")
        faults = validate_full_spdx_document(JsonLikeDictParser().parse(value))  # type: ignore[no-untyped-call]
        assert (name, [fault.validation_message for fault in faults]) == (name, [])
        assert value["spdxVersion"] == "SPDX-2.2"


def test_the_strict_validator_accepts_every_cyclonedx_1_7_document(make_request: MakeRequest) -> None:
    """cyclonedx-python-lib finds nothing wrong with the documents that cite."""
    for name, request in cases(make_request):
        fault = JsonStrictValidator(SchemaVersion.V1_7).validate_str(one(request, "cyclonedx-json@1.7").data.decode())
        assert (name, fault) == (name, None)


def test_the_spdx_3_model_reads_every_document(make_request: MakeRequest) -> None:
    """spdx-python-model, generated from the SHACL shapes, takes each element with its types and cardinalities."""
    for name, request in cases(make_request):
        objects = v3_0_1.SHACLObjectSet()
        v3_0_1.JSONLDDeserializer().read(BytesIO(one(request, "spdx3-json").data), objects)
        assert (name, len(list(objects.foreach_type(v3_0_1.ai_AIPackage)))) == (name, 1)
        # The files of the model, and the one that is handed on.
        assert (name, len(list(objects.foreach_type(v3_0_1.software_File)))) == (name, len(request.package.files) + 1)


@pytest.mark.parametrize(
    ("format", "spec"), [("spdx-json", "spdx2"), ("spdx-json@2.2", "spdx2"), ("spdx3-json", "spdx3")]
)
def test_models_have_the_ntia_minimum_elements(
    make_request: MakeRequest, tmp_path: Any, format: str, spec: str
) -> None:
    """The NTIA checker of SPDX finds supplier, version, identifiers and relations of every model released from git."""
    for name, request in cases(make_request):
        if name in ("no context", "hostile", "rich"):
            continue  # nobody observed who supplies what they name
        path = tmp_path / f"{name}.json"
        path.write_bytes(one(request, format).data)
        assert (name, SbomChecker(str(path), compliance="ntia", sbom_spec=spec).compliant) == (name, True)


@pytest.mark.parametrize("format", READERS)
def test_every_format_reads_back_to_the_release(make_request: MakeRequest, format: str) -> None:
    """Files, digests, name and version come back from each format, and the bytes are the stable form of the value."""
    for _, request in cases(make_request):
        value = parsed(request, format)
        said = READERS[format].binding_of(value)
        assert READERS[format].files_of(value) == {f.path: f.digest.hex for f in request.package.files}
        assert (said.package_digest, said.model_digest) == (
            request.package.package_digest,
            request.package.model_digest,
        )
        assert one(request, format).data == document(value)


def test_a_profile_is_claimed_only_where_every_element_holds_to_it(make_request: MakeRequest) -> None:
    """AI needs release time, supplier, download location, version, purpose and two licences; the rest follows."""
    bare = elements(make_request(), "SpdxDocument")[0]["profileConformance"]
    full = elements(make_request(manifest=DECLARED), "SpdxDocument")[0]["profileConformance"]
    late = elements(make_request(manifest=DECLARED, context={"epoch": None}), "SpdxDocument")[0]["profileConformance"]

    assert bare == ["build", "core", "simpleLicensing", "software"]
    assert full == ["ai", "build", "core", "simpleLicensing", "software"]
    assert late == bare
    assert elements(make_request(manifest=DECLARED), "software_Sbom")[0]["profileConformance"] == full


def test_what_a_profile_lacks_is_named(make_request: MakeRequest) -> None:
    """Taking any mandatory property or licence away takes the claim away."""
    graph = parsed(make_request(manifest=DECLARED), "spdx3-json")["@graph"]
    for name in ("releaseTime", "suppliedBy", "software_downloadLocation", "software_packageVersion"):
        less = [{k: v for k, v in e.items() if k != name or e["type"] != "ai_AIPackage"} for e in graph]
        assert missing(less)["ai_AIPackage"] == [name]
        assert "ai" not in profiles(less)
    for kind in ("hasConcludedLicense", "hasDeclaredLicense"):
        assert missing([e for e in graph if e.get("relationshipType") != kind])["ai_AIPackage"] == [kind]


def test_declarations_stand_where_each_format_has_a_place(make_request: MakeRequest) -> None:
    """Usage, claims, evaluations and hyperparameters of the manifest are in every document."""
    request = make_request(manifest=DECLARED)
    for format in READERS:
        text = one(request, format).data.decode()
        for said in ("restricted", "search", "surveillance", "wrote part of the data", "0.93", "seed", "Example"):
            assert (format, said, said in text) == (format, said, True)
    [model] = elements(request, "ai_AIPackage")
    assert {"type": "DictionaryEntry", "key": "bias: parity", "value": "0.93; passed; on held out"} in model[
        "ai_metric"
    ]
    card = parsed(request, "cyclonedx-json")["components"][0]["modelCard"]
    assert card["quantitativeAnalysis"]["performanceMetrics"] == [
        {"type": "bias: parity", "value": "0.93", "slice": "held out"}
    ]
    assert card["considerations"]["useCases"] == ["search"]


def test_a_declared_hyperparameter_is_told_from_what_the_files_say(make_request: MakeRequest) -> None:
    """Whatever it is called: `observed:parameters` of a manifest is not that of the weights."""
    declared = {**DECLARED, "hyperparameters": {"observed:parameters": 7, "declared:languages": "xx", "seed": 1}}
    [model] = elements(make_request(manifest=declared), "ai_AIPackage")
    found = [(entry["key"], entry["value"]) for entry in model["ai_hyperparameter"]]
    assert {("hyperparameter:observed:parameters", "7"), ("seed", "1")} <= set(found)
    assert len({key for key, _ in found}) == len(found)


def test_citations_point_at_facts_that_are_there(make_request: MakeRequest) -> None:
    """Every pointer of every citation resolves, every source is an object of the document."""
    for _, request in cases(make_request):
        value = parsed(request, "cyclonedx-json@1.7")
        refs = {c["bom-ref"] for c in value["metadata"]["tools"]["components"]}
        refs |= {f["bom-ref"] for f in value["components"][0]["components"]}
        refs |= {value["metadata"].get("supplier", {}).get("bom-ref")}
        for citation in value["citations"]:
            assert citation["attributedTo"] in refs
            assert all(resolves(value, pointer) for pointer in citation["pointers"])


def test_citations_tell_tool_card_and_supplier_apart(make_request: MakeRequest) -> None:
    """What was read from bytes is the tool's, what a card declares is the card's, what the manifest declares the supplier's."""
    value = parsed(rich(make_request), "cyclonedx-json@1.7")
    by_source: dict[str, list[str]] = {}
    for citation in value["citations"]:
        by_source.setdefault(citation["attributedTo"], []).extend(citation["pointers"])

    assert "/components/0/modelCard/modelParameters/modelArchitecture" in by_source["tool:model-provenance"]
    assert "/components/0/modelCard/modelParameters/task" in by_source["file:README.md"]
    assert "/components/0/licenses" in by_source["supplier"]
    assert any(pointer.startswith("/components/") for pointer in by_source["tool:syft"])


def test_what_the_training_ran_with_is_never_shipped(make_request: MakeRequest) -> None:
    """Packages of `--environment` are build tools in every format, and no component or dependency of the model."""
    lock = b"# frozen\ntorch==2.1.0 \\\n    --hash=sha256:00\nnumpy==1.26.4\nlocal @ file:///x\n-e git+https://x/y\n"
    request = make_request(environment=environment_of(lock, "requirements.lock"))
    spdx = parsed(request, "spdx-json")
    tools = {p["SPDXID"]: p["name"] for p in spdx["packages"] if p.get("comment") == "the training ran with it"}
    kinds = {(r["spdxElementId"], r["relationshipType"]) for r in spdx["relationships"] if r["spdxElementId"] in tools}
    cyclonedx = parsed(request, "cyclonedx-json")

    assert sorted(tools.values()) == ["local", "numpy", "torch"]
    assert {kind for _, kind in kinds} == {"BUILD_TOOL_OF"}
    assert [c["purl"] for c in cyclonedx["formulation"][0]["components"]][1:] == [
        "pkg:pypi/numpy@1.26.4",
        "pkg:pypi/torch@2.1.0",
    ]
    assert "torch" not in json.dumps(cyclonedx["components"])
    [uses] = [
        r
        for r in elements(request, "LifecycleScopedRelationship")
        if r["relationshipType"] == "usesTool" and "#Training" in r["from"]
    ]
    assert (uses["scope"], len(uses["to"])) == ("build", 3)
    assert "torch" in one(request, "spdx3-json").data.decode()


@pytest.mark.parametrize("format", ["spdx-json", "spdx-json@2.2", "cyclonedx-json", "cyclonedx-json@1.7"])
def test_an_sbom_describes_an_environment(make_request: MakeRequest, format: str) -> None:
    """The SBOM of an image, here one of ours, gives its packages."""
    data = one(rich(make_request), format).data

    assert "torch" in {package.name for package in environment_of(data, "image.json").packages}


@pytest.mark.parametrize(
    "data",
    [b"", b"#\n", b"{}", b'{"bomFormat": "CycloneDX"}', b'{"spdxVersion": "SPDX-2.3", "packages": [3]}', b"\xff\xfe",
     b"!!", b"a b c", b"{", b'{"bomFormat": "CycloneDX", "components": [{"name": 3}]}'],
)  # fmt: skip
def test_an_environment_that_cannot_be_read_is_refused(data: bytes) -> None:
    """Nothing, garbage and other documents are `sbom.environment`."""
    with pytest.raises(ModelProvenanceError) as caught:
        environment_of(data, "x")
    assert caught.value.code == "sbom.environment"


def test_each_predicate_type_is_that_of_one_document(make_request: MakeRequest) -> None:
    """SPDX 2, SPDX 3 and CycloneDX have types of their own, so each asked-for document can be signed beside the others."""
    request = replace(make_request(), formats=formats_of("spdx-json, spdx3-json,cyclonedx-json@1.7"))
    made = build_sboms(request).documents

    assert [m.predicate_type for m in made] == [Predicate.SPDX, Predicate.SPDX3, Predicate.CYCLONEDX]
    assert [m.file_name for m in made] == ["sbom.spdx.json", "sbom.spdx3.json", "sbom.cdx.json"]


@pytest.mark.parametrize("text", ["", "spdx-json,", "spdx-json,spdx-json@2.2", "cyclonedx-json@1.5", "syft-json"])
def test_formats_that_cannot_be_written_are_refused_early(text: str) -> None:
    """Unknown formats, empty names, and two versions of one format, which would be two files of one name."""
    with pytest.raises(ModelProvenanceError) as caught:
        formats_of(text)
    assert caught.value.code == "sbom.format"


def test_weights_cards_and_code_have_their_purpose_in_spdx_3(make_request: MakeRequest) -> None:
    """A reader of SPDX 3 tells weights from documentation without our comment."""
    files = {file["name"]: file["software_primaryPurpose"] for file in elements(make_request(), "software_File")}

    assert files == {
        "model.safetensors": "model",
        "config.json": "configuration",
        "README.md": "documentation",
        "acme-minilm:1.0.0": "manifest",
    }
    assert Role.WEIGHT.value in elements(make_request(), "software_File")[-2]["comment"]
