"""The table of evaluations in the job summary and at the terminal."""

from __future__ import annotations

from typing import Any

from markdown_it import MarkdownIt

from model_provenance.report.evaluations import evaluation_rows, evaluations_line
from model_provenance.report.summary import _evaluations

TESTS: list[dict[str, Any]] = [
    {"name": "ppl", "value": 12},
    {
        "name": "hellaswag",
        "metric": "acc_norm",
        "min": "0.7",
        "value": "0.72",
        "result": "passed",
        "report": "results.json",
    },
    {"name": "red team", "result": "passed"},
    {
        "name": "parity",
        "kind": "bias",
        "metric": "gap",
        "group": "women",
        "max": "0.05",
        "value": "0.08",
        "result": "failed",
    },
]


def test_what_failed_comes_first_and_what_was_only_measured_last() -> None:
    """Each with its value, its bound, how it came out and where the value is known from."""
    assert [tuple(row) for row in evaluation_rows({"tests": TESTS})] == [
        ("parity: gap [women] · bias", "0.08", "≤ 0.05", "FAILED", "declared"),
        ("red team", "", "", "said to have passed", "declared"),
        ("hellaswag: acc_norm", "0.72", "≥ 0.7", "passed", "results.json"),
        ("ppl", "12", "", "measured", "declared"),
    ]
    assert evaluations_line({"tests": TESTS}) == "FAILED: 1 failed, 1 said to have passed, 1 passed, 1 measured"


def test_the_summary_has_a_table_of_them() -> None:
    """And none where nothing was evaluated."""
    assert _evaluations({}) == []
    assert _evaluations({"tests": TESTS}) == [
        "### Evaluations",
        "",
        "**FAILED: 1 failed, 1 said to have passed, 1 passed, 1 measured**",
        "",
        "| Evaluation | Value | Bound | Outcome | Known from |",
        "|:---|:---|:---|:---|:---|",
        "| parity: gap &#91;women&#93; · bias | 0.08 | ≤ 0.05 | ❌ FAILED | declared |",
        "| red team |  |  | said to have passed | declared |",
        "| hellaswag: acc&#95;norm | 0.72 | ≥ 0.7 | ✅ passed | results.json |",
        "| ppl | 12 |  | measured | declared |",
    ]


def test_names_of_evaluations_have_no_markup() -> None:
    """They come from files that others wrote."""
    hostile = "<img src=x>|[a](javascript:b)`*"
    test = {"name": hostile, "metric": hostile, "value": hostile, "report": hostile, "dataset": hostile}
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render("\n".join(_evaluations({"tests": [test]})))
    assert "<img" not in page
    assert "<a " not in page
    assert page.count("<td") == 5


def test_a_thousand_evaluations_do_not_crowd_out_the_page() -> None:
    """As many rows as any table has, and how many more there are."""
    lines = _evaluations({"tests": [{"name": f"t{number}"} for number in range(1000)]})
    assert len(lines) == 6 + 51
    assert "950 more" in lines[-1]
