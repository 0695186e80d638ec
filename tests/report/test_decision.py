"""A decision for people: in a terminal of any width, in a job summary, with whatever names others chose."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.finding import failed
from model_provenance.domain.policy import Answer, Decision, Verdict
from model_provenance.domain.result import Result
from model_provenance.domain.verification import Report, Scope
from model_provenance.report.decision import decision_section, explanation
from model_provenance.report.verification import verify_summary

HOSTILE = st.text(st.sampled_from("<>[]()!`*_~|\\\"'&;:#/@$-{} \n\r\t\u202e\x1bawhtps."), max_size=80)
ANSWERS = st.lists(
    st.builds(Answer, HOSTILE, st.sampled_from(list(Verdict)), HOSTILE, HOSTILE, HOSTILE), min_size=1, max_size=6
)


def decision(answers: list[Answer], name: str = "p") -> Decision:
    """A decision of these answers."""
    return Decision(name, "sha256:" + "ab" * 32, 1_795_392_000, tuple(answers))


@given(ANSWERS, HOSTILE, st.integers(60, 120))
def test_the_table_fits_and_commands_no_terminal(answers: list[Answer], name: str, width: int) -> None:
    """No line is wider than the terminal, none holds a control character, and every answer that was asked is there."""
    lines = explanation(decision(answers, name), target=name, titles={}, width=width).splitlines()
    assert not [line for line in lines if not line.isprintable()]
    assert max(map(len, lines[1:])) <= width
    told = [
        line for line in lines if re.fullmatch(rf".{{{max(14, width // 4)}}}  (PASS|FAIL|WARN|WAIVED|ERROR)\b.*", line)
    ]
    assert len(told) >= sum(answer.verdict is not Verdict.SKIPPED for answer in answers)


@given(ANSWERS, HOSTILE)
def test_a_document_has_one_row_for_each_answer_and_no_markup_of_others(answers: list[Answer], name: str) -> None:
    """Names and words render as themselves: three cells a row, no link, no image, no element but ours."""
    page = "\n".join(decision_section(decision(answers, name)))
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
    asked = sum(answer.verdict is not Verdict.SKIPPED for answer in answers)
    assert html.count("<tr>") == asked + 1
    assert len(re.findall("<t[dh][ >]", html)) == 3 * (asked + 1)
    allowed = {"h3", "p", "table", "thead", "tbody", "tr", "th", "td", "strong", "br", "code"}
    assert set(re.findall(r"</?([a-z0-9]+)", html)) <= allowed


def test_what_denies_comes_first_and_the_skipped_are_named() -> None:
    """Whoever reads three lines has read the reason."""
    found = explanation(
        decision(
            [
                Answer("a", Verdict.PASS, "good"),
                Answer("b", Verdict.WAIVED, "low", "pilot"),
                Answer("c", Verdict.FAIL, "bad", "asked", "mend it"),
                Answer("d", Verdict.SKIPPED, "not asked"),
                Answer("e", Verdict.ERROR, "unknown", "unread", "read it"),
            ]
        ),
        target="model",
        titles={"c": "nothing is bad", "d": "nothing is late"},
        width=80,
    )
    rows = re.findall(r"^(.+?) +(ERROR|FAIL|WAIVED|PASS) +(.*)$", found, re.MULTILINE)
    assert [verdict for _, verdict, _ in rows][:4] == ["ERROR", "FAIL", "WAIVED", "PASS"]
    assert "Nothing is bad (c)" in found
    assert found.startswith("ERROR model\n\nThe model must not be used: a requirement could not be decided.")
    assert "Not asked: Nothing is late (d)." in found


def test_the_summary_of_a_job_shows_the_decision_once() -> None:
    """In its table, and not again among the findings; who signed is known, since the policy was asked."""
    denied = decision([Answer("slsa", Verdict.FAIL, "build level 1", "the policy asks for 2", "Release in CI.")])
    report = Report(
        result=Result.FAIL,
        exit_status=13,
        scope=Scope.RELEASE,
        findings=(failed("policy.denied", "build level 1: the policy asks for 2", location="slsa"),),
        signer=SignerIdentity("key", "key:" + "ab" * 32),
        predicate_types=(),
        not_checked=(),
        log_entries=(),
        slsa_level=1,
        slsa_reasons=(),
        verified=None,
        decision=denied,
    )
    page = verify_summary(report, target="model")
    assert "### Policy p: FAIL" in page
    assert page.count("the policy asks for 2") == 1
    assert "not trusted" not in page
