"""What only people can say about a model and its data: each declaration has its place in each format, and none is made up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from model_provenance.describe.sbom.build import SbomRequest, build_sboms
from model_provenance.domain.context import Fact, Known
from model_provenance.domain.package import Layout
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import spdx3_reading
from model_provenance.formats.spdx3_profiles import missing
from model_provenance.formats.spdx3_view import view

from .conftest import COMMIT
from .models import DATASET, MANIFEST

MakeRequest = Callable[..., SbomRequest]
FORMATS = ("spdx-json", "spdx-json@2.2", "spdx3-json", "cyclonedx-json", "cyclonedx-json@1.7")
#: Field of the manifest -> what the Dataset profile lacks without it.
MANDATORY = {
    "originated_by": "originatedBy",
    "built": "builtTime",
    "released": "releaseTime",
    "url": "software_downloadLocation",
}


def parsed(request: SbomRequest, format: str) -> dict[str, Any]:
    """The document of a request in one format."""
    [made] = build_sboms(replace(request, formats=[format])).documents
    value = json.loads(made.data)
    assert isinstance(value, dict)
    return value


def elements(request: SbomRequest, kind: str) -> list[dict[str, Any]]:
    """Elements of one type of the SPDX 3 document."""
    return [element for element in parsed(request, "spdx3-json")["@graph"] if element["type"] == kind]


def claimed(request: SbomRequest) -> list[str]:
    """Profiles that the document claims."""
    [document] = elements(request, "SpdxDocument")
    return list(document["profileConformance"])


def test_a_dataset_has_every_property_of_its_profile(make_request: MakeRequest) -> None:
    """Each field of the manifest becomes the property of SPDX 3 that means the same."""
    [dataset] = elements(make_request(manifest=MANIFEST), "dataset_DatasetPackage")
    [person] = elements(make_request(manifest=MANIFEST), "Person")

    assert {name: held for name, held in dataset.items() if name.startswith("dataset_")} == {
        "dataset_anonymizationMethodUsed": ["names were replaced"],
        "dataset_confidentialityLevel": "amber",
        "dataset_dataCollectionProcess": "dumps of the projects",
        "dataset_dataPreprocessing": ["deduplication", "tokenization"],
        "dataset_datasetAvailability": "directDownload",
        "dataset_datasetNoise": "markup",
        "dataset_datasetSize": 1024,
        "dataset_datasetType": ["text", "timestamp"],
        "dataset_datasetUpdateMechanism": "a dump each month",
        "dataset_hasSensitivePersonalInformation": "yes",
        "dataset_intendedUse": "language models",
        "dataset_knownBias": ["few women write", "mostly English"],
        "dataset_sensor": [
            {"type": "DictionaryEntry", "key": "microphone", "value": "2024-01"},
            {"type": "DictionaryEntry", "key": "camera", "value": "not stated"},
        ],
    }
    assert (dataset["builtTime"], dataset["releaseTime"]) == ("2024-01-31T00:00:00Z", "2024-02-01T12:00:00Z")
    assert dataset["originatedBy"] == [person["spdxId"]]
    assert (person["name"], person["externalIdentifier"][0]["identifier"]) == ("Ann", "ann@example.com")
    assert person["externalIdentifier"][0]["externalIdentifierType"] == "email"


def test_the_dataset_profile_is_claimed_exactly_where_every_dataset_holds_to_it(make_request: MakeRequest) -> None:
    """One dataset of which less is known takes the claim from all; without datasets nothing is claimed of them."""
    assert "dataset" in claimed(make_request(manifest=MANIFEST))
    assert "dataset" not in claimed(make_request(manifest={**MANIFEST, "datasets": []}))
    named_only = {**MANIFEST, "datasets": [DATASET, {"name": "other"}]}
    assert "dataset" not in claimed(make_request(manifest=named_only))
    for field, name in MANDATORY.items():
        less = {**MANIFEST, "datasets": [{k: v for k, v in DATASET.items() if k != field}]}
        request = make_request(manifest=less)
        assert ("dataset" in claimed(request), missing(parsed(request, "spdx3-json")["@graph"])) == (
            False,
            {"ai_AIPackage": [], "dataset_DatasetPackage": [name], "build_Build": []},
        )
    untyped = {**MANIFEST, "datasets": [{k: v for k, v in DATASET.items() if k not in ("types", "license")}]}
    # The vocabulary has a word for "nobody says", and a licence relation may lead to it.
    assert "dataset" in claimed(make_request(manifest=untyped))


def test_the_build_profile_is_claimed_only_where_every_build_says_what_it_asks_for(make_request: MakeRequest) -> None:
    """Input or tool, output and invoker of release and training, scoped to the build; who invoked it nobody asserts."""
    trained = {"training_commit": Fact(f"git+https://example.com/acme/train@{COMMIT}", Known.DECLARED, "manifest")}
    for request in (make_request(), make_request(context=trained), make_request(manifest=MANIFEST, context=trained)):
        assert "build" in claimed(request)
        graph = parsed(request, "spdx3-json")["@graph"]
        scoped = [e for e in graph if e["type"] == "LifecycleScopedRelationship" and e["scope"] == "build"]
        invokers = [e["to"] for e in scoped if e["relationshipType"] == "invokedBy"]
        assert invokers == [["https://spdx.org/rdf/3.0.1/terms/Core/NoAssertionElement"]] * len(invokers)
        for kind, name in (("usesTool", "hasInput"), ("hasOutput", "hasOutput"), ("invokedBy", "invokedBy")):
            of_release = [e for e in scoped if e["relationshipType"] == kind and e["from"].endswith("#Release")]
            assert len(of_release) == 1
            assert missing([e for e in graph if e not in of_release])["build_Build"] == [name]
            elsewhere = [{**e, "scope": "runtime"} if e in of_release else e for e in graph]
            assert missing(elsewhere)["build_Build"] == [name]


def test_two_originators_are_one_too_many(make_request: MakeRequest) -> None:
    """The profile gives `originatedBy` of a dataset a maximum of one."""
    graph = parsed(make_request(manifest=MANIFEST), "spdx3-json")["@graph"]
    [dataset] = [e for e in graph if e["type"] == "dataset_DatasetPackage"]
    dataset["originatedBy"] *= 2

    assert missing(graph)["dataset_DatasetPackage"] == ["originatedBy"]


def test_our_check_names_what_a_dataset_lacks(make_request: MakeRequest) -> None:
    """The view of a bare dataset has no time and nobody; of a declared one it has all."""
    bare = view(parsed(make_request(manifest={"datasets": [{"name": "a"}]}), "spdx3-json"))["datasets"][0]
    full = view(parsed(make_request(manifest=MANIFEST), "spdx3-json"))["datasets"][0]

    assert (bare["built"], bare["released"], bare["originator"], bare["url"]) == (None, None, [], None)
    assert (bare["purpose"], bare["license_relations"], bare["content"]) == (True, True, [])
    assert (full["built"], full["originator"], full["content"]) == (
        "2024-01-31T00:00:00Z",
        ["Ann"],
        ["text", "timestamp"],
    )


@pytest.mark.parametrize("format", FORMATS)
def test_what_lawyers_ask_for_is_in_every_document(make_request: MakeRequest, format: str) -> None:
    """Commercial use, claims with their address, usage policy, retention and consent of model and dataset."""
    text = json.dumps(parsed(make_request(manifest=MANIFEST), format), ensure_ascii=False)
    for said in (
        "restricted",
        "wrote part of the data",
        "https://example.com/claim",
        "holds a patent",
        "https://example.com/policy",
        "P5Y",
        "published by their authors",
        "P10Y",
        "opt-in",
        "Acme Data Office",
        "Copyright 2026 Acme Research",
    ):
        assert (said, said in text) == (said, True)


def test_legal_fields_stand_where_a_format_has_a_place(make_request: MakeRequest) -> None:
    """References, copyright, governance and data of a dataset have fields; the rest is named in a comment or property."""
    request = make_request(manifest=MANIFEST)
    [model] = elements(request, "ai_AIPackage")
    assert {(r["externalRefType"], r["locator"][0], r["comment"]) for r in model["externalRef"]} == {
        ("other", "https://example.com/policy", "usage policy"),
        ("other", "https://example.com/claim", "claim of Ann: wrote part of the data"),
        ("privacyAssessment", "https://example.com/assessment", "of the data"),
    }
    assert model["software_copyrightText"].startswith("Copyright 2026 Acme Research")
    assert "commercial use: restricted" in model["comment"]
    assert "data governance retention: P10Y" in model["comment"]

    component, dataset = parsed(request, "cyclonedx-json")["components"]
    properties = [(p["name"], p["value"]) for p in component["modelCard"]["properties"]]
    assert ("model-provenance:usage:commercial", "restricted") in properties
    assert ("model-provenance:usage:ip-claim", "Ben: holds a patent") in properties
    assert ("model-provenance:data-governance:retention", "P10Y") in properties
    assert component["copyright"].startswith("Copyright 2026 Acme Research")
    [data] = dataset["data"]
    assert (data["classification"], data["sensitiveData"], data["description"]) == (
        "amber",
        ["personal data"],
        "articles only",
    )
    named = [(p["name"], p["value"]) for p in dataset["properties"]]
    assert ("model-provenance:dataset:retention", "P5Y") in named
    assert ("model-provenance:dataset:consent", "published by their authors") in named

    packages = {p["name"]: p for p in parsed(request, "spdx-json")["packages"]}
    assert packages["acme/minilm"]["copyrightText"].startswith("Copyright 2026 Acme Research")
    wiki = packages["wiki"]
    assert (wiki["originator"], wiki["builtDate"]) == ("Person: Ann (ann@example.com)", "2024-01-31T00:00:00Z")
    assert "retention: P5Y" in wiki["comment"]
    older = {p["name"]: p for p in parsed(request, "spdx-json@2.2")["packages"]}["wiki"]
    assert not {"builtDate", "releaseDate"} & older.keys()
    assert "built: 2024-01-31" in older["comment"]


def test_the_supplier_is_whom_the_manifest_names_else_who_released(make_request: MakeRequest) -> None:
    """A declared supplier says that it is declared; the owner of the repository is observed; nobody stays nobody."""
    declared, observed = make_request(manifest=MANIFEST), make_request()
    [model], [bare] = elements(declared, "ai_AIPackage"), elements(observed, "ai_AIPackage")
    names = {e["spdxId"]: e["name"] for e in elements(declared, "Organization")}

    assert names[model["suppliedBy"]] == "Acme Research (Berlin) GmbH"
    assert "supplier declared (manifest)" in model["software_sourceInfo"]
    assert [names[ref] for ref in model["originatedBy"]] == ["Example"]
    assert "supplier observed" in bare["software_sourceInfo"]
    # Who owns a repository may have imported what lies in it.
    assert "originatedBy" not in bare
    assert bare["software_copyrightText"] == "NOASSERTION"
    package = parsed(declared, "spdx-json")["packages"][0]
    # SPDX 2 would take parentheses of the name for an address.
    assert package["supplier"] == "Organization: Acme Research [Berlin] GmbH (sbom@example.com)"
    own = {name: held for name, held in MANIFEST.items() if name != "origin"}
    [made_here] = elements(make_request(manifest=own), "ai_AIPackage")
    assert made_here["originatedBy"] == [made_here["suppliedBy"]]


@pytest.mark.parametrize("layout", list(Layout))
def test_what_is_handed_on_is_named_with_its_digests(make_request: MakeRequest, layout: Layout) -> None:
    """The model index has a SHA-512, an archive has none; both have the name that the manifest gives the artifact."""
    request = make_request(layout=layout)
    value = parsed(request, "spdx3-json")
    [handed] = [e for e in value["@graph"] if e.get("spdxId", "").endswith("#Distribution")]
    digests = {h["algorithm"]: h["hashValue"] for h in handed["verifiedUsing"]}
    index = request.package.index

    assert digests["sha256"] == request.package.package_digest.hex
    assert digests.get("sha512") == (None if index is None else hashlib.sha512(index.data).hexdigest())
    assert handed["name"] == (f"acme-minilm-1.0.0.{layout.value}" if layout.is_archive else "acme-minilm:1.0.0")
    assert ("archive" in handed["software_additionalPurpose"]) == layout.is_archive
    assert handed["name"] not in spdx3_reading.files_of(value)
    component = parsed(request, "cyclonedx-json")["components"][0]
    stated = {h["alg"]: h["content"] for h in component["hashes"]}
    assert stated.get("SHA-512") == digests.get("sha512")


def _another_digest(document: dict[str, Any], handed: dict[str, Any]) -> None:
    handed["verifiedUsing"][0]["hashValue"] = "0" * 64


def _a_part(document: dict[str, Any], handed: dict[str, Any]) -> None:
    next(e for e in document["@graph"] if e.get("relationshipType") == "contains")["to"].append(handed["spdxId"])


def _two(document: dict[str, Any], handed: dict[str, Any]) -> None:
    second = {**handed, "spdxId": f"{handed['spdxId']}-2"}
    document["@graph"].append(second)
    relation = next(e for e in document["@graph"] if e.get("relationshipType") == "hasDistributionArtifact")
    relation["to"].append(second["spdxId"])


def _not_there(document: dict[str, Any], handed: dict[str, Any]) -> None:
    document["@graph"].remove(handed)


@pytest.mark.parametrize("spoil", [_another_digest, _a_part, _two, _not_there])
def test_no_file_hides_behind_what_is_handed_on(
    make_request: MakeRequest, spoil: Callable[[dict[str, Any], dict[str, Any]], None]
) -> None:
    """The one file beside those of the model is the package itself: another digest, a part, a second one are refused."""
    value = deepcopy(parsed(make_request(), "spdx3-json"))
    [handed] = [e for e in value["@graph"] if e.get("spdxId", "").endswith("#Distribution")]
    spoil(value, handed)

    with pytest.raises(ModelProvenanceError) as caught:
        spdx3_reading.files_of(value)
    assert caught.value.code == "sbom.malformed"
