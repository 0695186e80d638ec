"""Declared evaluations and result files become one list; what disagrees is an error, and bounds alone say what passed."""

from __future__ import annotations

from typing import Any

import pytest

from model_provenance.describe.evaluations import with_results
from model_provenance.domain.digest import Digest
from model_provenance.domain.evaluation import Measured, Outcome, Results
from model_provenance.domain.manifest import SourceManifest
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.evaluations import outcome, titles, together
from model_provenance.formats.manifest import check_source, load_source

DIGEST = Digest("ab" * 32)
#: What every entry that was read from the file has.
READ = {"report": "results.json", "digest": str(DIGEST)}


def source(*tests: dict[str, Any]) -> SourceManifest:
    """A source manifest that declares these."""
    return SourceManifest({"license": "MIT", "tests": list(tests)}, "m.yaml", {"tests": "m.yaml:2:1"})


def results(*measured: Measured, file: str = "results.json", digest: Digest = DIGEST) -> Results:
    """A result file."""
    return Results(file, digest, measured)


def joined(manifest: SourceManifest | None, *files: Results) -> list[dict[str, Any]]:
    """The tests after joining."""
    value, _ = with_results(manifest, files)
    assert value is not None
    return list(value.value["tests"])


def refusal(manifest: SourceManifest | None, *files: Results) -> tuple[str, str]:
    """Code and message."""
    with pytest.raises(ModelProvenanceError) as refused:
        with_results(manifest, files)
    return refused.value.code, refused.value.message


ACC = Measured("hellaswag", "acc", "0.61", "Rowan/hellaswag", notes="10-shot")
NORM = Measured("hellaswag", "acc_norm", "0.72", "Rowan/hellaswag")


def test_without_evaluations_nothing_changes() -> None:
    """A release without them has the bytes that it always had."""
    assert with_results(None, ()) == (None, ())
    manifest = SourceManifest({"license": "MIT"}, "m.yaml", {})
    assert with_results(manifest, ())[0] is manifest


def test_declared_evaluations_without_bounds_stay_as_they_are() -> None:
    """Nothing is added to what somebody declared."""
    tests = [{"name": "sts-b", "value": "0.82", "result": "passed"}, {"name": "smoke"}]
    assert joined(source(*tests)) == tests


def test_a_file_alone_is_measured_and_nothing_more() -> None:
    """Without a manifest no number has passed."""
    [test] = joined(None, results(ACC))
    assert test == {"name": "hellaswag", "metric": "acc", "value": "0.61", "dataset": "Rowan/hellaswag", "notes": "10-shot",
                    "result": "measured", **READ}  # fmt: skip
    assert outcome(test) is None


@pytest.mark.parametrize(
    ("bound", "result"),
    [({"min": "0.7"}, "passed"), ({"min": "0.72"}, "passed"), ({"min": "0.8"}, "failed"), ({"max": 1}, "passed"),
     ({"max": "0.7199999999999999999"}, "failed"), ({"min": "0.7", "max": "0.71"}, "failed"), ({"min": "7e-1"}, "passed")],
)  # fmt: skip
def test_a_bound_is_held_against_the_value_of_the_file(bound: dict[str, Any], result: str) -> None:
    """Exactly, as both are written; a value on the bound keeps it."""
    [test] = joined(source({"name": "hellaswag", "metric": "acc_norm", **bound}), results(NORM))
    assert (test["value"], test["result"]) == ("0.72", result)
    assert READ.items() <= test.items()


def test_a_failure_is_a_finding_with_the_numbers() -> None:
    """Said where the bound is declared; the release goes on, and says FAILED in what it signs."""
    _, [finding] = with_results(source({"name": "hellaswag", "metric": "acc_norm", "min": "0.8"}), [results(NORM)])
    assert (finding.id, finding.location) == ("evaluation.failed", "m.yaml:2:1")
    assert finding.message == "hellaswag: acc_norm (Rowan/hellaswag) is 0.72, and at least 0.8 is asked for"


def test_a_declared_failure_stays_one_whatever_its_bounds_say() -> None:
    """Who says that a test failed is believed."""
    manifest = source({"name": "hellaswag", "metric": "acc_norm", "min": "0.1", "result": "failed"})
    assert joined(manifest, results(NORM))[0]["result"] == "failed"


def test_an_equal_value_in_manifest_and_file_is_the_files() -> None:
    """Equal as numbers; the spelling of the file is kept, since its digest stands beside."""
    assert (
        joined(source({"name": "hellaswag", "metric": "acc_norm", "value": "0.720"}), results(NORM))[0]["value"]
        == "0.72"
    )


def test_what_people_say_of_an_evaluation_is_kept() -> None:
    """Kind, group, notes and address of the manifest stand beside the value of the file, before what nobody declared."""
    entry = {
        "name": "hellaswag",
        "metric": "acc_norm",
        "kind": "bias",
        "group": "women",
        "notes": "n",
        "url": "https://a.example",
    }
    first, second = joined(source(entry), results(ACC, NORM))
    assert entry.items() <= first.items()
    assert (first["value"], second["metric"], second["notes"]) == ("0.72", "acc", "10-shot")


def test_an_entry_without_numbers_speaks_of_every_metric_of_its_name() -> None:
    """`{name, kind}` marks all that the file has of it."""
    tests = joined(source({"name": "hellaswag", "kind": "safety"}), results(ACC, NORM))
    assert [(test["metric"], test["kind"]) for test in tests] == [("acc", "safety"), ("acc_norm", "safety")]


def test_another_value_in_the_manifest_is_a_conflict() -> None:
    """Neither is chosen."""
    code, message = refusal(source({"name": "hellaswag", "metric": "acc_norm", "value": "0.75"}), results(NORM))
    assert code == "evaluation.conflict"
    assert "0.75 in the manifest, and 0.72 in results.json" in message


def test_another_dataset_in_the_manifest_is_a_conflict() -> None:
    """A bound for other data was held against nothing; unless another entry means the data of the file."""
    other = {"name": "hellaswag", "metric": "acc_norm", "dataset": "held out", "value": "0.9"}
    assert refusal(source(other), results(NORM))[0] == "evaluation.conflict"
    mine = {"name": "hellaswag", "metric": "acc_norm", "dataset": "Rowan/hellaswag"}
    assert [test["value"] for test in joined(source(other, mine), results(NORM))] == ["0.9", "0.72"]


def test_another_digest_of_the_report_is_a_conflict() -> None:
    """The manifest means another file."""
    entry = {"name": "hellaswag", "metric": "acc_norm", "digest": "sha256:" + "cd" * 32}
    assert refusal(source(entry), results(NORM))[0] == "evaluation.conflict"


def test_two_files_that_disagree_are_a_conflict() -> None:
    """Which of them counts is nobody's to choose; the same number twice is one."""
    other = Measured("hellaswag", "acc_norm", "0.70", "Rowan/hellaswag")
    assert refusal(None, results(NORM), results(other, file="again.json"))[0] == "evaluation.conflict"
    assert len(joined(None, results(NORM), results(NORM, file="again.json"))) == 1


def test_a_word_against_its_bounds_is_a_conflict() -> None:
    """`result: passed` beside a value that misses its bound, where the value comes from a file."""
    entry = {"name": "hellaswag", "metric": "acc_norm", "min": "0.8", "result": "passed"}
    assert refusal(source(entry), results(NORM))[0] == "evaluation.conflict"


def test_a_bound_that_could_mean_several_metrics_is_ambiguous() -> None:
    """The one that happens to keep it is not chosen."""
    code, message = refusal(source({"name": "hellaswag", "min": "0.7"}), results(ACC, NORM))
    assert code == "evaluation.ambiguous"
    assert "hellaswag: acc (Rowan/hellaswag), hellaswag: acc_norm (Rowan/hellaswag)" in message


@pytest.mark.parametrize("value", [{}, {"value": "good"}, {"value": "NaN"}, {"value": "Infinity"}])
def test_a_bound_that_nothing_was_held_against_stops_the_release(value: dict[str, Any]) -> None:
    """A bound is a promise: forgotten to measure is not passed."""
    code, message = refusal(source({"name": "hellaswag", "metric": "acc_norm", "min": "0.7", **value}), results(ACC))
    assert code == "evaluation.unmeasured"
    assert "hellaswag: acc_norm" in message


def test_more_evaluations_than_a_manifest_holds_stop_the_release() -> None:
    """None is left out."""
    many = [results(*(Measured(f"t{number}", None, 1) for number in range(n, n + 600)), file=f"{n}") for n in (0, 600)]
    assert refusal(None, *many)[0] == "evaluation.malformed"


@pytest.mark.parametrize(
    ("entry", "ended"),
    [
        ({"result": "failed"}, Outcome.FAILED),
        ({"result": "passed"}, Outcome.WARNED),
        ({"result": "measured", "value": "1"}, None),
        ({}, None),
        ({"min": 1, "value": 1}, Outcome.PASSED),
        ({"min": 1, "value": 1, "result": "failed"}, Outcome.FAILED),
        ({"min": 1, "value": "0.9999"}, Outcome.FAILED),
        ({"min": 1, "value": "0.5", "result": "passed"}, Outcome.FAILED),
        ({"min": 1}, Outcome.FAILED),
        ({"min": "x", "value": 1}, Outcome.FAILED),
        ({"min": 1, "value": True}, Outcome.FAILED),
        ({"max": None, "value": 1}, Outcome.FAILED),
    ],
)
def test_only_bounds_make_a_pass(entry: dict[str, Any], ended: Outcome | None) -> None:
    """Somebody's word is WARNED, a bound that cannot be judged is FAILED, a number alone is nothing."""
    assert outcome({"name": "a", **entry}) is ended


def test_the_whole_is_its_worst_part() -> None:
    """And where nothing had a bound, the whole did not pass."""
    passed, warned, failed = Outcome.PASSED, Outcome.WARNED, Outcome.FAILED
    assert together([passed, None]) is passed
    assert together([passed, warned]) is warned
    assert together([passed, warned, failed]) is failed
    assert together([None]) is warned
    assert together([]) is warned


def test_titles_tell_evaluations_apart() -> None:
    """Name, metric, data and group; what is still alike is numbered."""
    full = {"name": "a", "metric": "m", "dataset": "d", "group": "g"}
    assert titles([full, {"name": "a"}, {"name": "a"}]) == ("a: m (d) [g]", "a", "a #2")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{name: a, min: 0.7, max: 0.6, value: 0.65}", "nothing could hold"),
        ("{name: a, min: 0.7, value: 0.6, result: passed}", "at least 0.7"),
        ("{name: a, min: 70%}", "no number"),
        ("{name: a, kind: vibes}", "`performance`, `bias`, `safety`"),
        ("{name: a, report: r.json}", "report"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_found_before_a_release(line: str, why: str) -> None:
    """`manifest check` says it where it stands."""
    [finding] = check_source(f"tests:\n  - {line}\n".encode(), "m.yaml")
    assert why in finding.message
    assert finding.location.startswith("m.yaml:2:")


def test_a_bound_is_the_text_as_written() -> None:
    """In YAML and in JSON."""
    for data, name in (
        (b"tests: [{name: a, min: 0.70}]", "m.yaml"),
        (b'{"tests": [{"name": "a", "min": 0.70}]}', "m.json"),
    ):
        assert load_source(data, name).value["tests"] == [{"name": "a", "min": "0.70"}]
