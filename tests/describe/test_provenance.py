"""Provenance: what went in, who built it, which statements belong together; run facts only where there is a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_provenance.domain.context import Fact, Known
from model_provenance.domain.package import Layout
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.slsa import BUILD_TYPE, LOCAL_BUILDER, parse

GOLDEN = Path(__file__).parent / "golden"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOURCE = b"""\
training_container_digest: sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
training_container_image: registry.example.com:5000/acme/trainer
datasets:
  - {name: wiki, url: "https://example.com/wiki", digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}
  - {name: my books/2024, version: "3"}
fine_tuned_from: {model: acme/base}
"""


def predicate(release: Any) -> Any:
    """The predicate of a release's provenance."""
    return json.loads(release.statements[-1].payload)["predicate"]


def dependencies(release: Any) -> dict[str, Any]:
    """Dependencies by name."""
    return {entry["name"]: entry for entry in predicate(release)["buildDefinition"]["resolvedDependencies"]}


@pytest.mark.parametrize("context", ["local", "github", "gitlab"])
def test_provenance_is_byte_for_byte_the_one_that_is_kept(release: Any, context: str) -> None:
    """One statement for each place where releases are made; the kept file is the payload, indented."""
    payload = release(context=context, source=SOURCE, facts="card").statements[-1].payload
    kept = (GOLDEN / f"provenance-{context}.json").read_text(encoding="utf-8")
    assert json.dumps(json.loads(payload), indent=2) + "\n" == kept


def test_provenance_names_every_other_statement(release: Any) -> None:
    """By name, predicate type and digest of the exact payload: one release is one set."""
    made = release(context="github")
    *others, last = made.statements
    assert last.name == "provenance"
    assert predicate(made)["runDetails"]["byproducts"] == [
        {
            "name": other.name,
            "digest": {"sha256": other.digest.hex},
            "mediaType": "application/vnd.in-toto+json",
            "annotations": {"predicateType": other.predicate_type},
        }
        for other in others
    ]


def test_a_local_release_says_nothing_about_a_run(release: Any) -> None:
    """No invocation, no run, no times: two people who release the same commit make the same bytes."""
    made = release()
    value = predicate(made)
    assert value["buildDefinition"]["internalParameters"] == {"filesDigest": str(made.package.files_digest)}
    assert set(value["runDetails"]) == {"builder", "byproducts"}
    assert value["runDetails"]["builder"]["id"] == LOCAL_BUILDER
    git = replace(made.context.git, root="/home/somebody/else", shallow=True, tag="v1.2.0")
    assert release(context=replace(made.context, git=git)).statements == made.statements


def test_facts_about_the_run_are_only_where_they_may_be(release: Any) -> None:
    """With another run, everything but run details, internal parameters and the ref of the source stays the same."""
    made = release(context="github")
    other = replace(
        made.context.run, run_id="43", run_attempt="1", run_url="https://github.com/x", event="schedule", job="j"
    )
    first, second = predicate(made), predicate(replace(made, context=replace(made.context, run=other)))
    for value in (first, second):
        del value["runDetails"], value["buildDefinition"]["internalParameters"]
    assert first == second


def test_no_times_are_invented_and_no_person_is_named(release: Any) -> None:
    """No startedOn, no finishedOn, no actor."""
    text = release(context="github").statements[-1].payload.decode()
    assert "startedOn" not in text
    assert "finishedOn" not in text
    assert "somebody" not in text


@pytest.mark.parametrize(
    ("context", "builder"),
    [
        ("github", "https://github.com/org/model-provenance/.github/workflows/release-model.yml@refs/tags/v1"),
        ("gitlab", "https://gitlab.example.com/ml/team/minilm//.gitlab-ci.yml@refs/heads/main"),
        ("local", LOCAL_BUILDER),
    ],
)
def test_the_builder_is_the_workflow_that_signs(release: Any, context: str, builder: str) -> None:
    """The address that Fulcio writes into the certificate; nobody vouches for a local one."""
    assert predicate(release(context=context))["runDetails"]["builder"]["id"] == builder


def test_without_a_token_nobody_vouches_for_the_builder(release: Any) -> None:
    """A job that signs with a key knows only what its environment says, so its builder is the local one."""
    context = release(context="github").context
    unknown = replace(context, run=replace(context.run, builder_uri=None), identity=None)
    assert predicate(release(context=unknown))["runDetails"]["builder"]["id"] == LOCAL_BUILDER


# --- dependencies


def test_the_source_is_the_commit_that_released(release: Any) -> None:
    """With the ref of the run, the commit as gitCommit, and how it is known."""
    assert dependencies(release(context="github"))["source"] == {
        "name": "source",
        "uri": "git+https://github.com/acme/minilm@refs/tags/v1.2.0",
        "digest": {"gitCommit": COMMIT},
        "annotations": {"role": "source", "known": "observed"},
    }
    assert dependencies(release())["source"]["uri"] == "git+https://github.com/acme/minilm"


def test_changes_beside_the_commit_are_said(release: Any) -> None:
    """A dirty work tree is part of the truth about the source."""
    context = release().context
    dirty = replace(context, git=replace(context.git, dirty=True))
    assert dependencies(release(context=dirty))["source"]["annotations"]["uncommittedChanges"] is True


def test_the_training_commit_is_declared_and_apart(release: Any) -> None:
    """The commit that trained is never confused with the one that released."""
    training = dependencies(release(context="github"))["training-source"]
    assert training["uri"] == "git+https://github.com/acme/train"
    assert training["annotations"] == {"role": "training-source", "known": "declared"}


def test_the_containers_of_job_and_training_are_apart(release: Any) -> None:
    """The job's is observed, with its purl; a declared one of the training stands beside it."""
    found = dependencies(release(context="github", source=SOURCE))
    assert found["container"] == {
        "name": "container",
        "uri": f"pkg:oci/trainer@sha256:{'c' * 64}?repository_url=ghcr.io/acme/trainer",
        "digest": {"sha256": "c" * 64},
        "annotations": {"role": "container", "known": "observed"},
    }
    assert found["training-container"]["digest"] == {"sha256": "d" * 64}
    assert found["training-container"]["annotations"]["known"] == "declared"


def test_one_container_is_named_once(release: Any) -> None:
    """Where training ran in this job there is one container."""
    context = release(context="github").context
    here = replace(context, training_commit=Fact(context.release_commit.value, Known.DECLARED, "--trained-here"))
    assert "training-container" not in dependencies(release(context=here))


def test_datasets_and_base_model_have_an_address_and_what_is_known_of_them(release: Any) -> None:
    """The declared URL, else a generic purl that claims no place; a card's base model is of the hub."""
    found = dependencies(release(source=SOURCE))
    assert found["wiki"]["uri"] == "https://example.com/wiki"
    assert len(found["wiki"]["digest"]["sha256"]) == 64
    assert found["my books/2024"]["uri"] == "pkg:generic/dataset/my%20books/2024@3"
    assert "digest" not in found["my books/2024"]
    assert found["acme/base"]["uri"] == "pkg:generic/model/acme/base"
    (hub,) = (d for d in dependencies(release(facts="card")).values() if d["annotations"]["role"] == "base-model")
    assert hub["uri"].startswith("pkg:huggingface/nreimers/")
    assert all(entry["annotations"]["known"] == "declared" for entry in (found["wiki"], found["acme/base"], hub))


@given(name=st.text(min_size=1, max_size=60))
@settings(max_examples=100)
def test_any_name_of_a_dataset_gives_a_plain_address(release: Any, name: str) -> None:
    """Whatever a card calls a dataset, the address is ASCII without blanks."""
    facts = release(facts="card").facts
    made = release(facts=replace(facts, datasets=(replace(facts.datasets[0], name=name),)))
    for entry in dependencies(made).values():
        assert entry["uri"].isascii()
        assert entry["uri"].isprintable()
        assert " " not in entry["uri"]


# --- hostile runners


@pytest.mark.parametrize("field", ["repository", "ref", "event", "run_url", "job", "builder_uri", "runner_environment"])
@pytest.mark.parametrize("value", ["a\nb", "a\x1b[31m", "x" * 5000, "a\u202eb", ""])
def test_what_the_runner_says_is_one_bounded_line(release: Any, field: str, value: str) -> None:
    """Anything else is not recorded but refused, since it would be signed."""
    context = release(context="github").context
    if (field, value) == ("repository", ""):
        return
    with pytest.raises(ModelProvenanceError) as caught:
        _ = release(context=replace(context, run=replace(context.run, **{field: value}))).statements
    assert caught.value.code == "provenance.context"
    assert "\x1b" not in caught.value.message


# --- the reading side


@pytest.mark.parametrize("context", ["local", "github", "gitlab"])
@pytest.mark.parametrize("layout", [Layout.LAYERS, Layout.TAR])
def test_what_is_written_is_read(release: Any, context: str, layout: Layout) -> None:
    """The view holds exactly what a verifier compares with certificate, manifest and bundles."""
    made = release(context=context, layout=layout, source=SOURCE)
    view = parse(predicate(made))
    run = made.context.run
    assert view.build_type == BUILD_TYPE
    assert (view.model_name, view.version) == ("acme/minilm", "1.2.0")
    assert view.files_digest == made.package.files_digest
    assert f"{view.source_uri}@{view.source_commit}" == made.context.release_commit.value
    assert view.source_ref == (run.ref if run else None)
    assert view.invocation_id == (run.run_url if run else None)
    assert view.event == (run.event if run else None)
    assert [(b.name, b.predicate_type, b.digest) for b in view.byproducts] == [
        (s.name, s.predicate_type, s.digest) for s in made.statements[:-1]
    ]


def test_a_ref_may_hold_an_at_sign(release: Any) -> None:
    """The repository's address holds none, so the first one begins the ref."""
    context = release(context="github").context
    made = release(context=replace(context, run=replace(context.run, ref="refs/heads/a@b")))
    assert parse(predicate(made)).source_ref == "refs/heads/a@b"


def broken(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """A copy of `value` with `new` at `path`; `...` removes."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, Mapping) else list(value)
    if new is ... and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = broken(copy[path[0]] if len(path) > 1 else None, path[1:], new)
    return copy


DEFINITION, DETAILS = "buildDefinition", "runDetails"


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ((DEFINITION,), ...),
        ((DEFINITION,), []),
        ((DEFINITION, "buildType"), "https://actions.github.io/buildtypes/workflow/v1"),
        ((DEFINITION, "externalParameters", "extra"), 1),
        ((DEFINITION, "externalParameters", "model"), "minilm"),
        ((DEFINITION, "externalParameters", "model", "name"), ...),
        ((DEFINITION, "externalParameters", "model", "version"), 1),
        ((DEFINITION, "internalParameters"), ...),
        ((DEFINITION, "internalParameters", "filesDigest"), ...),
        ((DEFINITION, "internalParameters", "filesDigest"), "a" * 64),
        ((DEFINITION, "internalParameters", "filesDigest"), "sha256:" + "A" * 64),
        ((DEFINITION, "internalParameters", "run"), []),
        ((DEFINITION, "internalParameters", "run", "event"), 1),
        ((DEFINITION, "resolvedDependencies"), {}),
        (
            (DEFINITION, "resolvedDependencies"),
            [{"annotations": {"role": "source"}, "digest": {"gitCommit": COMMIT}}] * 2,
        ),
        ((DEFINITION, "resolvedDependencies", 0, "digest"), ...),
        ((DEFINITION, "resolvedDependencies", 0, "digest", "gitCommit"), COMMIT.upper()),
        ((DEFINITION, "resolvedDependencies", 0, "digest", "gitCommit"), COMMIT[:39]),
        ((DEFINITION, "resolvedDependencies", 0, "uri"), ["x"]),
        ((DETAILS,), ...),
        ((DETAILS, "builder"), ...),
        ((DETAILS, "builder", "id"), ""),
        ((DETAILS, "builder", "id"), "a\nb"),
        ((DETAILS, "builder", "id"), "x" * 5000),
        ((DETAILS, "metadata", "invocationId"), None),
        ((DETAILS, "byproducts"), "x"),
        ((DETAILS, "byproducts"), [{}] * 1000),
        ((DETAILS, "byproducts", 0), "x"),
        ((DETAILS, "byproducts", 0, "name"), ...),
        ((DETAILS, "byproducts", 0, "digest", "sha256"), "x"),
        ((DETAILS, "byproducts", 0, "annotations"), ...),
        ((DETAILS, "byproducts", 1, "name"), "oms"),
    ],
    ids=str,
)
def test_provenance_with_one_wrong_field_is_refused(release: Any, path: tuple[str | int, ...], new: Any) -> None:
    """Missing, of another type, out of bounds, ambiguous: never guessed, never a crash."""
    value = predicate(release(context="github"))
    with pytest.raises(ModelProvenanceError) as caught:
        parse(broken(value, path, new))
    assert caught.value.code == "provenance.malformed"
    assert int(caught.value.exit_status) == 12


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
@settings(max_examples=200)
def test_no_change_makes_the_reader_crash(release: Any, data: st.DataObject) -> None:
    """Any value at any place of a real predicate gives a view or the reader's own error."""
    value = predicate(release(context="github", source=SOURCE))
    path: tuple[str | int, ...] = ()
    node = value
    while isinstance(node, (dict, list)) and node and data.draw(st.booleans() if path else st.just(value=True)):
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else list(range(len(node)))))
        path, node = (*path, key), node[key]
    changed = broken(value, path, data.draw(JSON))
    try:
        view = parse(changed)
    except ModelProvenanceError as error:
        assert error.code == "provenance.malformed"  # noqa: PT017 - both outcomes are fine, others are not
    else:
        assert view.build_type == BUILD_TYPE
