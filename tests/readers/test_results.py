"""Result files of evaluations: what people's tools write is read, and nothing hostile is more than one error."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.domain.digest import Digest
from model_provenance.domain.evaluation import Measured
from model_provenance.errors import ModelProvenanceError
from model_provenance.readers.results import LIMIT, read_results

#: The layout that lm-evaluation-harness has written since 0.4, with numbers of our own.
HARNESS: dict[str, Any] = {
    "results": {
        "hellaswag": {
            "alias": "hellaswag",
            "sample_len": 10042,
            "acc,none": 0.61,
            "acc_stderr,none": 0.012,
            "acc_norm,none": 0.7211810396335391,
            "acc_norm_stderr,none": "N/A",
        },
        "gsm8k": {
            "exact_match,strict-match": 0.2,
            "exact_match_stderr,strict-match": 0.01,
            "exact_match,flexible-extract": 1e-05,
        },
        "crows_pairs_english": {"pct_stereotype,none": 1, "likelihood_diff,none": "N/A"},
        "mmlu": {" ,none": " ", "alias": "mmlu"},
    },
    "groups": {"mmlu": {"acc,none": 0.5}},
    "configs": {"hellaswag": {"dataset_path": "Rowan/hellaswag", "doc_to_text": "{{query}}" * 100}},
    "versions": {"hellaswag": 1.0},
    "n-shot": {"hellaswag": 10, "gsm8k": 5},
    "higher_is_better": {"hellaswag": {"acc": True}},
    "config": {"model": "hf", "model_args": "pretrained=acme/minilm", "limit": None},
    "date": 1762318309.331636,
}


def read(value: Any, name: str = "results.json") -> tuple[Measured, ...]:
    """What a file with this JSON value measured."""
    return read_results(json.dumps(value).encode(), name).measured


def refusal(data: bytes) -> str:
    """Why a file is refused."""
    with pytest.raises(ModelProvenanceError) as refused:
        read_results(data, "results.json")
    assert refused.value.code == "evaluation.malformed"
    assert refused.value.location == "results.json"
    return refused.value.message


def test_results_of_the_harness_are_read_in_their_order() -> None:
    """Each metric of each task, under its filter where it has one; what could not be measured is left out."""
    assert read(HARNESS) == (
        Measured(
            "hellaswag", "acc", "0.61", "Rowan/hellaswag", notes="10-shot; task version 1.0; standard error 0.012"
        ),
        Measured("hellaswag", "acc_norm", "0.7211810396335391", "Rowan/hellaswag", notes="10-shot; task version 1.0"),
        Measured("gsm8k", "exact_match,strict-match", "0.2", notes="5-shot; standard error 0.01"),
        Measured("gsm8k", "exact_match,flexible-extract", "1e-05", notes="5-shot"),
        Measured("crows_pairs_english", "pct_stereotype", 1, kind="bias"),
    )


def test_results_of_the_harness_before_filters_are_read() -> None:
    """Version 0.3 wrote the bare name of the metric."""
    found = read({"results": {"lambada": {"acc": 0.5, "acc_stderr": 0.02, "ppl": 5}}})
    assert found == (
        Measured("lambada", "acc", "0.5", notes="standard error 0.02"),
        Measured("lambada", "ppl", 5),
    )


@pytest.mark.parametrize(
    ("task", "kind"), [("bbq_age", "bias"), ("winogender_female", "bias"), ("toxigen", "safety"), ("arc_easy", None)]
)
def test_tasks_about_bias_and_safety_are_known_as_such(task: str, kind: str | None) -> None:
    """By the names that the harness gives them; of others nothing is said."""
    assert [found.kind for found in read({"results": {task: {"acc,none": 0.5}}})] == [kind]


def test_a_list_of_our_own_is_read() -> None:
    """For every tool that is not the harness: the fields of the manifest's `tests`, without bounds and results."""
    entry = {
        "name": "parity",
        "kind": "bias",
        "metric": "tpr_gap",
        "value": 0.04,
        "group": "women",
        "dataset": "held out",
    }
    assert read({"tests": [entry, {"name": "ppl", "value": "12.50", "url": "https://example.org/r"}]}) == (
        Measured("parity", "tpr_gap", "0.04", "held out", "bias", "women"),
        Measured("ppl", None, "12.50", url="https://example.org/r"),
    )


def test_the_model_index_of_a_card_is_read() -> None:
    """A card that is named says what it says; numbers stay as they are written."""
    card = b"""---
model-index:
- name: m
  results:
  - task: {type: text-generation}
    dataset: {name: HumanEval, type: openai_humaneval}
    metrics: [{type: pass@1, value: 0.410}]
---
# M
"""
    assert read_results(card, "README.md").measured == (Measured("text-generation", "pass@1", "0.410", "HumanEval"),)


def test_the_digest_is_that_of_the_bytes() -> None:
    """Whoever has the file can find it again."""
    data = json.dumps(HARNESS).encode()
    assert read_results(data, "r.json").digest == Digest.of(data)


@pytest.mark.parametrize(
    "written", ["0.69999999999999999999", "0.7000000000000000000001", "7.0E-1", "-0.0", "0.720", "1e-999"]
)
def test_a_number_is_kept_to_its_last_digit(written: str) -> None:
    """The nearest float to one that misses a bound might keep it."""
    files = ('{"results": {"a": {"acc,none": %s}}}', '{"tests": [{"name": "a", "value": %s}]}')
    assert [read_results((file % written).encode(), "r.json").measured[0].value for file in files] == [written] * 2


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "neither JSON nor a model card"),
        (b"[]", "neither JSON nor a model card"),
        (b"{}", "neither `results`"),
        (b'{"results": []}', "no object"),
        (b'{"results": {"a": 1}}', "no object"),
        (b'{"results": {}}', "no result"),
        (b'{"results": {"a": {"acc,none": "N/A"}}}', "no result"),
        (b'{"results": {"a": {"acc,none": 0.9, "f1,none": "0.1"}}}', "a number written as text"),
        (b'{"results": {"a": {"acc,none": NaN}}}', "not valid JSON"),
        (b'{"results": {"a": {"acc,none": 1e999}}}', "no finite number"),
        (b'{"results": {"a": {"acc,none": 0.%s}}}' % (b"7" * 31), "30 digits"),
        (b'{"results": {"a": {"acc,none": 0.5}}, "results": {}}', "twice"),
        (b'{"results": {"a": {"x": 1, "x": 2}}}', "twice"),
        (b'{"results": {"a": {"acc,none": 0.5}}} x', "follows"),
        (b'{"results": {"a": {"acc,none": 0.5}}', "ends early"),
        (b'{"results": {"": {"acc,none": 0.5}}}', "a task"),
        (b'{"results": {"%s": {"acc,none": 0.5}}}' % (b"x" * 300), "a task"),
        (b'{"tests": {}}', "no list"),
        (b'{"tests": [1]}', "no list"),
        (b'{"tests": [{"name": "a"}]}', "neither a number nor text"),
        (b'{"tests": [{"name": "a", "value": true}]}', "neither a number nor text"),
        (b'{"tests": [{"value": 1}]}', "a name"),
        (b'{"tests": [{"name": "a", "value": 1, "min": 0}]}', "bounds stand in the manifest"),
        (b'{"tests": [{"name": "a", "value": 1, "result": "passed"}]}', "bounds stand in the manifest"),
        (b'{"tests": [{"name": "a", "value": 1, "kind": "vibes"}]}', "a kind"),
        (b'{"tests": [{"name": "a", "value": 1, "url": "javascript:alert(1)"}]}', "a url"),
        (b"---\nlicense: mit\n---\n", "no result"),
        (b"---\nlicense: mit\n", "does not end"),
        (b'{"results": ' + b"[" * 200 + b"]" * 200 + b"}", "nested"),
        (b" " * (LIMIT + 1), "more than"),
    ],
)
def test_what_is_no_result_file_is_refused_with_the_reason(data: bytes, why: str) -> None:
    """Nothing is guessed, and nothing is read in part."""
    assert why in refusal(data)


def test_more_results_than_a_manifest_holds_are_refused() -> None:
    """None is dropped silently."""
    assert "more than 1000" in refusal(json.dumps({"results": {f"t{n}": {"acc": 0.5} for n in range(1001)}}).encode())


def test_names_cannot_write_to_a_terminal() -> None:
    """Control characters and turns of direction are gone before a name is used."""
    [found] = read({"results": {"a\u001b[31m\u202eb": {"acc,none": 0.5}}})
    assert found.name == "a [31m b"


@pytest.mark.parametrize(
    "data",
    [
        b'{"x":' + b"[" * (LIMIT - 10),
        b'{"results":' + b'{"a":' * 100_000,
        b"{" + b",".join(b'"k%d":[1]' % number for number in range(1_000_000)) + b"}",
        b'{"results":{' + b",".join(b'"t%d":{"acc,none":0.5}' % number for number in range(100_000)) + b"}}",
        b'{"x":"' + b'\\"' * (7 * 1024 * 1024) + b'","results":{"a":{"acc":1}}}',
    ],
    ids=["brackets", "depth", "keys", "tasks", "escapes"],
)
def test_the_largest_files_cost_a_second_at_most(data: bytes) -> None:
    """Whatever is in them: 0.03 to 0.5 s each where this was measured, and twice that is left for a slower machine."""
    started = time.process_time()
    with contextlib.suppress(ModelProvenanceError):
        read_results(data, "r.json")
    assert time.process_time() - started < 1


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
PARTS = st.dictionaries(st.sampled_from(["results", "tests", "configs", "n-shot", "versions", "x"]), JSON, max_size=6)


@given(PARTS)
def test_any_json_is_read_or_refused(value: Any) -> None:
    """With one error, and every name and value within what a manifest holds."""
    _held(json.dumps(value).encode())


@given(st.binary(max_size=300) | st.builds(bytes.__add__, st.just(b'{"results": '), st.binary(max_size=100)))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """The same for what is no JSON."""
    _held(data)


def _held(data: bytes) -> None:
    code, found = "", None
    try:
        found = read_results(data, "r.json").measured
    except ModelProvenanceError as error:
        code = error.code
    assert code in ("", "evaluation.malformed")
    assert found is None or 0 < len(found) <= 1000
    for each in found or ():
        assert 0 < len(each.name) <= 300
        assert isinstance(each.value, int) or 0 < len(each.value) <= 300
