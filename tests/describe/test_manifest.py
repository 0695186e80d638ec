"""The released manifest: observed beats declared, contradictions stop, and every field says how it is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_provenance.domain.context import Fact, Known
from model_provenance.domain.digest import Digest
from model_provenance.domain.facts import DatasetFact, LicenseFact
from model_provenance.domain.package import Layout
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import document
from model_provenance.formats.manifest import check_source, parse_released, released

GOLDEN = Path(__file__).parent / "golden"
HEX = "0123456789abcdef" * 4
SOURCE = b"""\
model_name: acme/minilm
license: Apache-2.0
training_container_digest: sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
training_container_image: registry.example.com/acme/trainer
datasets:
  - name: wiki
    digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    license: CC-BY-SA-4.0
    retention: P5Y
    consent: published by their authors
    url: https://example.com/wiki
  - name: books
    version: "3"
fine_tuned_from:
  model: nreimers/MiniLM-L6-H384-uncased
  digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
usage: {commercial: allowed, ip_claims: [{claimant: Example Ltd, claim: a patent}]}
hyperparameters: {lr: 2e-5, epochs: 3, betas: [0.9, 0.999]}
tests: [{name: sts-b, metric: spearman, value: 0.82, result: passed}]
data_governance: {owner: Acme Research}
"""


def golden(name: str, data: bytes) -> None:
    """`data` is byte for byte what is kept under `name`."""
    assert data.decode() == (GOLDEN / name).read_text(encoding="utf-8")


def test_a_full_manifest_is_byte_for_byte_the_one_that_is_kept(release: Any) -> None:
    """Run on GitHub, declarations, a card: the bytes never change for the same input."""
    manifest = release(source=SOURCE, facts="card", context="github", layout=Layout.TAR_GZ, syft="1.18.1").manifest
    golden("manifest-full.json", manifest.data)
    assert json.loads(manifest.data) == manifest.value


def test_a_bare_manifest_is_byte_for_byte_the_one_that_is_kept(release: Any) -> None:
    """Nothing declared, no card, no CI: what the bytes and git say."""
    golden("manifest-bare.json", release().manifest.data)


@pytest.mark.parametrize("layout", list(Layout))
def test_a_released_manifest_reads_back_as_itself(release: Any, layout: Layout) -> None:
    """Parsing the bytes gives the same value, the same bytes and the typed digests of the package."""
    made = release(layout=layout, source=SOURCE, facts="card")
    manifest = made.manifest

    parsed = parse_released(manifest.data)

    assert (parsed.value, parsed.data) == (manifest.value, manifest.data)
    assert parsed.package_digest == made.package.package_digest
    assert parsed.model_digest == made.package.model_digest
    assert parsed.files_digest == made.package.files_digest
    assert parsed.layout is layout
    assert [(s.name, s.digest) for s in parsed.sboms] == [(s.file_name, s.digest) for s in made.sboms]
    assert (parsed.model_name, parsed.version) == ("acme/minilm", "1.2.0")


def test_a_released_manifest_can_be_checked_like_a_source_manifest(release: Any) -> None:
    """`manifest check` knows it by its `schema` and finds nothing, or what is wrong at its place."""
    manifest = release(source=SOURCE).manifest
    assert check_source(manifest.data, "model-manifest.json") == ()
    (finding,) = check_source(document({**manifest.value, "artifact": "other:1"}), "model-manifest.json")
    assert finding.message == "`artifact` is not `acme-minilm:1.2.0`"


@pytest.mark.parametrize(
    ("layout", "artifact"),
    [
        (Layout.LAYERS, "acme-minilm:1.2.0"),
        (Layout.RAW, "acme-minilm:1.2.0"),
        (Layout.TAR, "acme-minilm-1.2.0.tar"),
        (Layout.TAR_GZ, "acme-minilm-1.2.0.tar.gz"),
        (Layout.TAR_ZST, "acme-minilm-1.2.0.tar.zst"),
    ],
)
def test_the_artifact_is_named_after_name_and_version(release: Any, layout: Layout, artifact: str) -> None:
    """Slashes of the name are hyphens; the digest is bare hex, as sha256sum prints it."""
    made = release(layout=layout)
    assert made.manifest.value["artifact"] == artifact
    assert made.manifest.value["artifact_sha256"] == made.package.package_digest.hex
    assert ("compression" in made.manifest.value) == (layout in (Layout.TAR_GZ, Layout.TAR_ZST))


def test_nothing_about_the_run_is_in_the_manifest(release: Any) -> None:
    """Two runs of one commit, even on two services, give the same bytes."""
    made = release(context="github", source=SOURCE)
    run = made.context.run
    again = replace(
        made.context,
        run=replace(run, run_id="43", run_attempt="1", run_url="https://x", job="other", actor="b", event="schedule"),
        identity=None,
    )
    assert release(context=again, source=SOURCE).manifest.data == made.manifest.data
    text = made.manifest.data.decode()
    assert "runs/42" not in text
    assert "somebody" not in text


# --- what is known, and how


def test_every_field_says_how_it_is_known(release: Any) -> None:
    """Bytes and git are observed, people declare, and what nobody said is unknown."""
    known = release().manifest.value["known"]
    assert known["model_digest"] == known["release_commit"] == known["timestamp"] == known["sboms"] == "observed"
    assert known["model_name"] == known["version"] == "declared"
    for field in ("training_commit", "training_container_digest", "datasets", "license", "fine_tuned_from"):
        assert known[field] == "unknown"
        assert field not in release().manifest.value


def test_names_of_a_card_are_declared_and_have_no_digest(release: Any) -> None:
    """Datasets and base model of the card join the manifest's, by name, after them."""
    manifest = release(source=SOURCE, facts="card").manifest
    assert [d["name"] for d in manifest.value["datasets"]] == ["wiki", "books", "s2orc"]
    assert manifest.value["datasets"][2] == {"name": "s2orc"}
    assert "digest" in manifest.value["datasets"][0]
    assert manifest.known("datasets") is Known.DECLARED


def test_a_base_model_of_the_card_keeps_its_hub_address(release: Any) -> None:
    """A card names models of the hub, so there is a purl; for a name in a source manifest nobody knows the place."""
    from_card = release(facts="card").manifest.value["fine_tuned_from"]
    assert from_card == {
        "model": "nreimers/MiniLM-L6-H384-uncased",
        "purl": "pkg:huggingface/nreimers/MiniLM-L6-H384-uncased",
    }
    assert "purl" not in release(source=SOURCE).manifest.value["fine_tuned_from"]


def test_several_base_models_are_a_merge(release: Any) -> None:
    """None of two is the one that was fine-tuned."""
    made = release(facts="card")
    value = release(facts=replace(made.facts, base_models=("a/b", "c/d"))).manifest.value
    assert [entry["model"] for entry in value["merged_from"]] == ["a/b", "c/d"]
    assert "fine_tuned_from" not in value
    assert "fine_tuned_from" not in value["known"]


def test_the_relation_to_the_base_model_is_kept(release: Any) -> None:
    """A quantised model says that it is one; the word is the card's."""
    made = release(facts="card")
    value = release(facts=replace(made.facts, base_models=("a/b",), base_relation="quantized")).manifest.value
    assert value["fine_tuned_from"] == {"model": "a/b", "purl": "pkg:huggingface/a/b", "relation": "quantized"}
    several = release(
        facts=replace(made.facts, base_models=("a/b", "c/d"), base_relations={"a/b": "merge", "c/d": "merge"})
    ).manifest.value
    assert [entry["relation"] for entry in several["merged_from"]] == ["merge", "merge"]


def test_another_relation_in_the_manifest_is_a_conflict(release: Any) -> None:
    """The manifest's word stands, and the finding says the files' word."""
    source = b"fine_tuned_from: {model: nreimers/MiniLM-L6-H384-uncased, relation: finetune}\n"
    made = release(source=source, facts="card")
    manifest = release(source=source, facts=replace(made.facts, base_relation="quantized")).manifest
    (finding,) = manifest.findings
    assert finding.id == "manifest.conflict"
    assert "`quantized`" in finding.message
    assert manifest.value["fine_tuned_from"]["relation"] == "finetune"
    assert release(source=source, facts=replace(made.facts, base_relation="finetune")).manifest.findings == ()


def test_another_base_model_in_the_card_is_said(release: Any) -> None:
    """The manifest wins, and the finding names both, with the place of the declaration."""
    made = release(source=SOURCE, facts="card")
    manifest = release(source=SOURCE, facts=replace(made.facts, base_models=("other/base",))).manifest
    (finding,) = manifest.findings
    assert finding.id == "manifest.conflict"
    assert "other/base" in finding.message
    assert finding.location == "model.yaml:14:1"
    assert manifest.value["fine_tuned_from"]["model"] == "nreimers/MiniLM-L6-H384-uncased"


def test_the_licence_of_the_card_is_written_as_spdx_writes_it(release: Any) -> None:
    """The manifest's licence comes first, then the card's, then that of the licence text, which is observed."""
    made = release(facts="card")
    assert release(source=b"license: MIT\n", facts="card").manifest.value["license"] == "MIT"
    assert made.manifest.value["license"] == "Apache-2.0"
    assert made.manifest.known("license") is Known.DECLARED
    of_text = release(facts=replace(made.facts, licenses=(LicenseFact("MIT", "LICENSE"),))).manifest
    assert of_text.value["license"] == "MIT"
    assert of_text.known("license") is Known.OBSERVED


def test_numbers_with_a_fraction_are_the_text_as_written(release: Any) -> None:
    """A signed manifest holds no floats."""
    parameters = release(source=SOURCE).manifest.value["hyperparameters"]
    assert parameters == {"lr": "2e-5", "epochs": 3, "betas": ["0.9", "0.999"]}


def test_the_timestamp_is_never_that_of_the_run(release: Any) -> None:
    """Commit time is observed, SOURCE_DATE_EPOCH declared, the source manifest's used only without both."""
    made = release()
    assert made.manifest.value["timestamp"] == "2023-11-14T22:13:20Z"
    moved = release(context=replace(made.context, epoch=0)).manifest
    assert (moved.value["timestamp"], moved.known("timestamp")) == ("1970-01-01T00:00:00Z", Known.DECLARED)
    nowhere = replace(made.context, epoch=None, git=None)
    assert "timestamp" not in release(context=nowhere).manifest.value
    declared = release(context=nowhere, source=b"timestamp: 2020-01-01T00:00:00Z\n").manifest
    assert declared.value["timestamp"] == "2020-01-01T00:00:00Z"
    overruled = release(source=b"timestamp: 2020-01-01T00:00:00Z\n").manifest
    assert overruled.value["timestamp"] == "2023-11-14T22:13:20Z"
    assert [finding.id for finding in overruled.findings] == ["manifest.conflict"]


# --- containers


def test_the_container_of_the_job_is_taken_unless_another_commit_trained(release: Any) -> None:
    """A release job's container is not the training's where the training is known to have been elsewhere."""
    github = release(context="github").context
    here = f"sha256:{'c' * 64}"
    assert "training_container_digest" not in release(context=github).manifest.value

    unknown = replace(github, training_commit=Fact(None, Known.UNKNOWN))
    trained_here = replace(github, training_commit=Fact(github.release_commit.value, Known.DECLARED, "--trained-here"))
    for context in (unknown, trained_here):
        manifest = release(context=context).manifest
        assert manifest.value["training_container_digest"] == here
        assert manifest.value["training_container_image"] == "ghcr.io/acme/trainer"
        assert manifest.known("training_container_digest") is Known.OBSERVED


def test_a_given_container_is_declared(release: Any) -> None:
    """`--container-digest` speaks of the training wherever that was."""
    github = release(context="github").context
    given = replace(
        github, container_digest=Fact(f"sha256:{HEX}", Known.DECLARED, "--container-digest"), container_image=None
    )
    manifest = release(context=given).manifest
    assert manifest.value["training_container_digest"] == f"sha256:{HEX}"
    assert manifest.known("training_container_digest") is Known.DECLARED


def test_another_declared_container_contradicts_a_training_in_this_job(release: Any) -> None:
    """With --trained-here the job's container is the training's; a manifest that names another is wrong."""
    github = release(context="github").context
    context = replace(github, training_commit=Fact(github.release_commit.value, Known.DECLARED, "--trained-here"))
    with pytest.raises(ModelProvenanceError) as caught:
        _ = release(context=context, source=SOURCE).manifest
    assert caught.value.code == "manifest.contradiction"
    assert "training_container_digest" in caught.value.message


# --- contradictions


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_name", "acme/other"),
        ("version", "'1.3.0'"),
        ("artifact", "acme-minilm-1.2.0.tar"),
        ("artifact_sha256", HEX),
        ("model_digest", f"sha256:{HEX}"),
        ("files_digest", f"sha256:{HEX}"),
        ("sbom", "other.json"),
    ],
)
def test_a_declaration_of_another_release_stops(release: Any, field: str, value: str) -> None:
    """What is declared about name, version and bytes has to hold; the message names the place and both values."""
    with pytest.raises(ModelProvenanceError) as caught:
        _ = release(source=f"license: MIT\n{field}: {value}\n".encode()).manifest
    assert caught.value.code == "manifest.contradiction"
    assert f"model.yaml:2:1: `{field}` is " in caught.value.message
    assert value.strip("'") in caught.value.message


def test_all_contradictions_are_said_at_once(release: Any) -> None:
    """One run is enough to learn all of them."""
    with pytest.raises(ModelProvenanceError) as caught:
        _ = release(source=b"model_name: a\nversion: '2'\ntraining_commit: abcdef0\n", context="github").manifest
    assert all(f"`{field}`" in caught.value.message for field in ("model_name", "version", "training_commit"))


def test_equal_declarations_are_no_contradiction(release: Any) -> None:
    """A manifest may repeat what is released, with a short commit id too."""
    first = release(context="github").manifest.value
    fields = ("model_name", "version", "artifact", "artifact_sha256", "model_digest", "files_digest", "sbom")
    lines = [*(f"{field}: '{first[field]}'" for field in fields), "training_commit: fedcba98"]
    again = release(context="github", source="\n".join(lines).encode()).manifest
    assert again.value == first


# --- the reading side


def changed(manifest: Any, **changes: Any) -> bytes:
    """The manifest's bytes with some fields set, or removed by `...`."""
    return document({k: v for k, v in {**manifest.value, **changes}.items() if v is not ...})


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "https://model-provenance.dev/schemas/manifest/v2"},
        {"model_name": "Acme"},
        {"version": "latest"},
        {"artifact_sha256": f"sha256:{HEX}"},
        {"artifact_sha256": HEX.upper()},
        {"artifact": "../x"},
        {"model_digest": HEX},
        {"model_digest": ...},
        {"layout": "zip"},
        {"file_count": 0},
        {"file_count": "4"},
        {"total_bytes": -1},
        {"sboms": []},
        {"sbom": "other.json"},
        {"known": {}},
        {"known": ...},
        {"tool": {"name": "another", "version": "1"}},
        {"training_commit": "main"},
        {"training_commit": "git+https://me:pw@host/x@" + HEX[:40]},
        {"timestamp": "2026-02-30T00:00:00Z"},
        {"license": "not a licence"},
        {"datasets": [{"name": "a"}, {"name": "a"}]},
        {"usage": {"notes": "a\u202eb"}},
        {"sbom": "sbom.spdx.json\n"},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_signed_manifest_with_one_wrong_field_is_refused(release: Any, changes: dict[str, Any]) -> None:
    """Strict: schema, forms, relations, unknown keys; never a crash."""
    with pytest.raises(ModelProvenanceError) as caught:
        parse_released(changed(release().manifest, **changes))
    assert caught.value.code == "manifest.invalid"
    assert int(caught.value.exit_status) == 12


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b"\xff",
        b"[" * 1000,
        b'{"file_count": 1.0}',
        b'{"usage": {"notes": "\\ud800"}}',
        b'{"known": []}',
    ],
)
def test_bytes_that_are_no_manifest_are_refused(data: bytes) -> None:
    """Whatever stands in a predicate, the reader answers with its own error."""
    with pytest.raises(ModelProvenanceError) as caught:
        parse_released(data)
    assert caught.value.code == "manifest.invalid"


def test_one_point_zero_is_not_an_integer_in_a_signed_manifest(release: Any) -> None:
    """JSON Schema counts 1.0 as an integer; bytes that a second writer would change are refused."""
    data = release().manifest.data.replace(b'"file_count": 4', b'"file_count": 4.0')
    with pytest.raises(ModelProvenanceError, match="fraction"):
        parse_released(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=10,
    )
)
@settings(max_examples=100)
def test_any_value_is_answered(value: Any) -> None:
    """No JSON value makes the reader raise anything but its own error."""
    with pytest.raises(ModelProvenanceError):
        released(value)


TEXT = st.text(max_size=400)


@given(
    datasets=st.lists(TEXT, max_size=4),
    bases=st.lists(TEXT, max_size=3),
    licenses=st.lists(TEXT, max_size=2),
)
@settings(max_examples=150)
def test_no_card_can_break_a_release(release: Any, datasets: list[str], bases: list[str], licenses: list[str]) -> None:
    """Whatever an author writes into a card, the completed manifest is valid against our own rules."""
    facts = replace(
        release().facts,
        datasets=tuple(DatasetFact(name, "README.md") for name in datasets),
        base_models=tuple(bases),
        licenses=tuple(LicenseFact(name, "README.md") for name in licenses),
    )
    manifest = release(facts=facts).manifest
    assert parse_released(manifest.data).value == manifest.value


def test_the_digest_of_the_file_follows_from_the_statement(release: Any) -> None:
    """The predicate, written in our stable form, is the file: `sha256sum` of one proves the other."""
    made = release(source=SOURCE, facts="card")
    statement = json.loads(made.statements[1].payload)
    assert Digest.of(document(statement["predicate"])) == Digest.of(made.manifest.data)
