"""SPDX 2.3 and CycloneDX 1.6 documents: complete, valid, byte-stable, and ours to read back."""

from __future__ import annotations

import json
import os
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from model_provenance.describe.sbom.build import SbomRequest, build_sboms
from model_provenance.domain.context import Fact, Known
from model_provenance.domain.digest import Digest
from model_provenance.domain.sbom import EngineScan, SoftwarePackage, Tool
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import cyclonedx, spdx
from model_provenance.formats.canonical import document

from .models import COMMIT, cases, hostile, rich

GOLDEN = Path(__file__).parent / "golden"


def documents(request: SbomRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """(SPDX, CycloneDX) of a request, parsed."""
    first, second = build_sboms(request).documents
    return json.loads(first.data), json.loads(second.data)


def faults(request: SbomRequest) -> list[str]:
    """What the two reference validators have against the documents of a request."""
    spdx_document, cyclonedx_document = build_sboms(request).documents
    parsed = JsonLikeDictParser().parse(  # type: ignore[no-untyped-call]  # its constructor has no types
        json.loads(spdx_document.data)
    )
    found = [message.validation_message for message in validate_full_spdx_document(parsed)]
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(cyclonedx_document.data.decode())
    return [*found, *([repr(fault)] if fault else [])]


def strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for part in pair for text in strings(part))
    elif isinstance(value, list):
        yield from (text for part in value for text in strings(part))


def test_both_validators_accept_the_real_model(minilm: SbomRequest) -> None:
    """Neither spdx-tools nor cyclonedx-python-lib's strict validator finds anything wrong with MiniLM's documents."""
    assert faults(minilm) == []


def test_the_real_model_is_described_from_its_bytes_and_its_card(minilm: SbomRequest) -> None:
    """Architecture, parameters, task, licence, 21 datasets and 12 files with roles stand in the documents."""
    first, second = documents(minilm)
    model = second["components"][0]
    parameters = model["modelCard"]["modelParameters"]
    properties = {entry["name"]: entry["value"] for entry in model["modelCard"]["properties"]}
    roles = {entry["name"]: entry["properties"][0]["value"] for entry in model["components"]}

    assert (parameters["modelArchitecture"], parameters["architectureFamily"]) == ("BertModel", "bert")
    assert parameters["task"] == "sentence-similarity"
    assert properties["cdx:ai-ml:model:parameter:count"] == "22713728"
    assert len(parameters["datasets"]) == 21
    assert model["licenses"] == [{"license": {"id": "Apache-2.0", "acknowledgement": "declared"}}]
    assert first["packages"][0]["licenseConcluded"] == "Apache-2.0"
    assert len(roles) == 12
    assert (roles["model.safetensors"], roles["tokenizer.json"], roles["README.md"]) == ("weight", "tokenizer", "card")


def test_both_validators_accept_every_kind_of_model(make_request: Callable[..., SbomRequest]) -> None:
    """Shards, GGUF, adapter, archives, no context, licence conflicts and hostile text all give valid documents."""
    assert {name: [] for name, _ in cases(make_request)} == {n: faults(r) for n, r in cases(make_request)}


def test_every_file_is_in_both_documents_with_its_digest(make_request: Callable[..., SbomRequest]) -> None:
    """Reading the files back gives exactly the files of the package, by exact path."""
    for _, request in cases(make_request):
        expected = {file.path: file.digest.hex for file in request.package.files}
        first, second = documents(request)

        assert expected == spdx.files_of(first)
        assert expected == cyclonedx.files_of(second)


def test_both_documents_are_bound_to_the_release(make_request: Callable[..., SbomRequest]) -> None:
    """Name, version, package, model and files digests are read back from both, and are those of the package."""
    for _, request in cases(make_request):
        first, second = documents(request)
        binding = spdx.binding_of(first)

        assert binding == cyclonedx.binding_of(second)
        assert (shown(request.name), shown(request.version)) == (binding.name, binding.version)
        assert request.package.package_digest == binding.package_digest
        assert request.package.model_digest == binding.model_digest
        assert request.package.files_digest == binding.files_digest


def test_documents_survive_a_round_trip_as_predicates(make_request: Callable[..., SbomRequest]) -> None:
    """The file's bytes are recomputed from the JSON object, so a statement's predicate proves the file's digest."""
    for _, request in cases(make_request):
        for sbom in build_sboms(request).documents:
            assert sbom.data == document(json.loads(sbom.data))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_the_readable_form_is_the_one_of_the_standard_library(value: Any) -> None:
    """Sorted keys, two spaces, UTF-8, one newline at the end: any JSON tool writes the same bytes."""
    expected = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    assert document(value) == expected.encode()


@pytest.mark.parametrize("value", [1.5, float("nan"), 2**53, -(2**53), b"x", {"a": [{1.0: 1}]}, {"a": [0.0]}])
def test_what_languages_write_differently_is_no_document(value: Any) -> None:
    """Floats, integers that a double cannot hold, and what is not JSON are refused."""
    with pytest.raises(TypeError):
        document(value)


def test_equal_facts_give_equal_bytes_whatever_the_order_of_files(minilm: SbomRequest) -> None:
    """The order in which a directory lists its files is not seen in a document."""
    turned = replace(minilm, package=replace(minilm.package, files=minilm.package.files[::-1]))

    assert build_sboms(minilm).documents == build_sboms(turned).documents


def test_documents_that_differ_have_different_names(make_request: Callable[..., SbomRequest]) -> None:
    """Namespace and serial number are functions of the content: one changed fact changes both."""
    first, second = documents(make_request())
    third, fourth = documents(make_request(facts={"architecture": "BertModel"}))

    assert first["documentNamespace"] != third["documentNamespace"]
    assert second["serialNumber"] != fourth["serialNumber"]


def test_without_a_known_time_no_time_is_invented(make_request: Callable[..., SbomRequest]) -> None:
    """CycloneDX has no timestamp then; SPDX, which demands one, has that of 1970."""
    first, second = documents(make_request(context={"epoch": None}))

    assert first["creationInfo"]["created"] == "1970-01-01T00:00:00Z"
    assert "timestamp" not in second["metadata"]


def test_the_time_is_that_of_the_context(make_request: Callable[..., SbomRequest]) -> None:
    """SOURCE_DATE_EPOCH or the commit's time, in UTC, in both documents."""
    first, second = documents(make_request())

    assert "2023-11-14T22:13:20Z" == first["creationInfo"]["created"] == second["metadata"]["timestamp"]


def test_lineage_is_rendered_in_each_formats_own_words(make_request: Callable[..., SbomRequest]) -> None:
    """Datasets, base model, container, commits and packages stand where readers of the format look for them."""
    first, second = documents(rich(make_request))
    kinds = {relation["relationshipType"] for relation in first["relationships"]}
    model = second["components"][0]
    base = model["pedigree"]["ancestors"][0]

    assert {
        "DESCRIBES", "CONTAINS", "DOCUMENTATION_OF", "DATA_FILE_OF", "TEST_OF", "DESCENDANT_OF", "BUILD_TOOL_OF",
        "DEPENDS_ON",
    } == kinds  # fmt: skip
    assert f"pkg:huggingface/meta-llama/Llama-3.1-8B@{COMMIT}" == base["purl"]
    assert Digest.of(b"base").hex == base["hashes"][0]["content"]
    assert model["pedigree"]["commits"][0]["uid"] == COMMIT
    assert model["pedigree"]["commits"][0]["url"] == "https://gitlab.com/acme/research/train"
    assert [entry["ref"] for entry in model["modelCard"]["modelParameters"]["datasets"]] == [
        "dataset:declared",
        "dataset:held out",
        "dataset:acme/chat",
    ]
    job, container = second["formulation"][0]["components"]
    assert job["purl"].endswith("?repository_url=ghcr.io/acme/release")
    assert container["name"] == "registry.example.com:5000/acme/train:2.1"
    assert container["purl"].startswith("pkg:oci/train@sha256")
    assert second["dependencies"][1]["dependsOn"] == ["package:npm/left-pad@", "package:pkg:pypi/torch@2.1.0"]
    assert first["creationInfo"]["creators"] == [
        "Tool: model-provenance-0.1.0",
        "Tool: syft-1.18.1",
        "Organization: acme",
    ]


def test_how_facts_are_known_is_part_of_both_documents(make_request: Callable[..., SbomRequest]) -> None:
    """Observed, declared and unknown are told apart, with where each was read."""
    first, second = documents(rich(make_request))
    properties = {entry["name"]: entry["value"] for entry in second["components"][0]["properties"]}
    model = first["packages"][0]

    assert properties["model-provenance:known:architecture"] == "observed"
    assert properties["model-provenance:known:task"] == "declared (README.md)"
    assert properties["model-provenance:known:license"] == "declared (manifest)"
    assert properties["model-provenance:known:supplier"] == "observed"
    assert "task declared (README.md)" in model["sourceInfo"]
    assert "supplier observed;" in model["sourceInfo"]


def test_nothing_of_the_run_or_the_machine_is_in_a_document(minilm: SbomRequest, minilm_folder: Path) -> None:
    """No path of this machine, no user, no host: only what the release says."""
    for sbom in build_sboms(minilm).documents:
        assert str(minilm_folder).encode() not in sbom.data
        assert str(Path.home()).encode() + b"/" not in sbom.data


def test_a_local_repository_never_reaches_a_document(make_request: Callable[..., SbomRequest]) -> None:
    """A commit of a folder on this machine is left out, and then there is no supplier either."""
    fact = Fact(f"git+file:///home/ann/secret@{COMMIT}", Known.OBSERVED, "git")
    request = make_request(context={"release_commit": fact, "training_commit": fact})
    sboms = build_sboms(request)

    assert all(b"/home/ann" not in sbom.data for sbom in sboms.documents)
    assert "sbom.supplier_unknown" in [finding.id for finding in sboms.findings]


def test_a_base_model_named_by_a_path_is_a_finding(make_request: Callable[..., SbomRequest]) -> None:
    """A path of the author's machine names nothing: it is left out, and said."""
    request = make_request(facts={"base_models": ("/home/ann/llama", "../base", "C:\\base", "acme/base")})
    sboms = build_sboms(request)

    assert sboms.summary.base_models == ("acme/base",)
    assert [finding.id for finding in sboms.findings].count("sbom.base_model_local") == 3
    assert all(b"/home/ann" not in sbom.data for sbom in sboms.documents)


@pytest.mark.parametrize(
    "address",
    [
        "https://ann:secret@hub.example/a/b",
        "https://hub.example/a?token=secret",
        "git@secret.example:a/b",
        "ann:secret@hub/a",
    ],
)
def test_a_base_model_that_is_called_by_an_address_is_left_out(make_request: Any, address: str) -> None:
    """It names no model, and a password in it would be published; the finding does not show it either."""
    request = make_request(facts={"base_models": (address, "acme/base@v1")}, formats=("spdx-json", "cyclonedx-json"))
    sboms = build_sboms(request)
    assert sboms.summary.base_models == ("acme/base@v1",)
    assert "sbom.base_model_local" in {finding.id for finding in sboms.findings}
    assert "secret" not in "".join(f"{document.data!r}" for document in sboms.documents) + repr(sboms.findings)


def test_secrets_in_addresses_are_dropped(make_request: Callable[..., SbomRequest]) -> None:
    """Addresses with user information are not written, whoever declared them."""
    assert all(b"secret" not in sbom.data for sbom in build_sboms(hostile(make_request)).documents)


def test_a_folder_without_a_name_still_has_a_description(make_request: Callable[..., SbomRequest]) -> None:
    """`sbom /` has no last segment to take a name from."""
    assert faults(make_request(name="", version="")) == []


def test_where_a_fact_about_the_run_was_read_changes_no_byte(make_request: Callable[..., SbomRequest]) -> None:
    """Token, environment or git: the same commit and container give the same documents."""
    made = set()
    for source in ("identity token", "git"):
        fact = Fact(f"git+https://github.com/acme/minilm@{COMMIT}", Known.OBSERVED, source)
        container = Fact(str(Digest.of(b"job")), Known.OBSERVED, source)
        made.add(build_sboms(make_request(context={"release_commit": fact, "container_digest": container})).documents)

    assert len(made) == 1


def test_hostile_text_is_escaped(make_request: Callable[..., SbomRequest]) -> None:
    """No control character, direction override or lone surrogate of a card stands in a document."""
    for sbom in build_sboms(hostile(make_request)).documents:
        text = sbom.data.decode("utf-8")

        assert {"\n"} == {character for character in text if unicodedata.category(character)[0] == "C"}
        assert not any("\n" in value for value in strings(json.loads(text)))


def test_packages_that_no_file_of_the_release_names_are_left_out(make_request: Callable[..., SbomRequest]) -> None:
    """An engine may have looked at an ignored file: what it found there is not described."""
    sboms = build_sboms(hostile(make_request))

    assert sboms.summary.packages == 1
    assert "sbom.outside" in [finding.id for finding in sboms.findings]
    assert all(b"outside" not in sbom.data for sbom in sboms.documents)


def test_one_package_named_by_two_files_is_one_entry(make_request: Callable[..., SbomRequest]) -> None:
    """Equal packages are merged with all their locations."""
    found = [SoftwarePackage("torch", "2", "python", None, None, (path,)) for path in ("config.json", "README.md")]
    _, second = documents(make_request(scan=EngineScan(tuple(found), Tool("syft", "1"))))

    assert [place["location"] for place in second["components"][1]["evidence"]["occurrences"]] == [
        "README.md",
        "config.json",
    ]


def test_an_unknown_format_is_refused_by_name(make_request: Callable[..., SbomRequest]) -> None:
    """The error lists the formats that there are."""
    with pytest.raises(ModelProvenanceError, match=r"spdx-json, .*cyclonedx-json") as caught:
        build_sboms(make_request(formats=["spdx-xml"]))

    assert caught.value.code == "sbom.format"


def test_only_the_formats_asked_for_are_written_in_their_order(make_request: Callable[..., SbomRequest]) -> None:
    """The first is the manifest's `sbom`."""
    names = [d.file_name for d in build_sboms(make_request(formats=["cyclonedx-json", "spdx-json"])).documents]

    assert names == ["sbom.cdx.json", "sbom.spdx.json"]
    assert len(build_sboms(make_request(formats=["spdx-json"])).documents) == 1


def test_ten_thousand_files_are_written_and_read_in_seconds(make_request: Callable[..., SbomRequest]) -> None:
    """Cost is linear: 10,000 files take well under a second for both documents on an idle machine."""
    files = {f"folder-{n % 100}/part-{n}.safetensors": Digest.of(b"%d" % n) for n in range(10_000)}
    request = make_request(files)
    started = time.process_time()
    sboms = build_sboms(request)
    elapsed = time.process_time() - started

    assert elapsed < 4  # four times the goal, for a busy machine
    assert len(spdx.files_of(json.loads(sboms.documents[0].data))) == 10_000


@pytest.mark.parametrize("name", ["rich", "hostile"])
def test_documents_equal_the_golden_ones(make_request: Callable[..., SbomRequest], name: str) -> None:
    """Every byte of the formats is held; a change of a format is seen in review (UPDATE_GOLDEN=1 writes them anew)."""
    request = dict(cases(make_request))[name]
    for sbom in build_sboms(request).documents:
        if os.environ.get("UPDATE_GOLDEN"):
            (GOLDEN / f"{name}.{sbom.file_name}").write_bytes(sbom.data)
        assert (GOLDEN / f"{name}.{sbom.file_name}").read_bytes() == sbom.data
