"""Markdown and diagrams made of text that others chose."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from model_provenance.report.lineage import _label
from model_provenance.report.markdown import (
    SECTION_LIMIT,
    budgeted,
    code,
    commit_link,
    escaped,
    fence,
    link,
    prose,
    prose_lines,
    table,
)

HOSTILE = st.text(st.sampled_from("<>[]()!`*_~|\\\"'&;:#/@$-{} \n\r\t\u202eawhtps."), max_size=60) | st.text(
    max_size=60
)


@given(HOSTILE)
def test_escaped_text_has_no_markup(text: str) -> None:
    """In a paragraph and in a cell it renders as text alone: no element, no link, no code, no second cell."""
    page = MarkdownIt("gfm-like", {"linkify": False}).render(f"x {escaped(text)} y\n")
    assert re.sub(r"&[a-z]+;", "", page).count("<") == 2, page

    cell = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .render("\n".join(table(("a", "b"), [(escaped(text), "x")])))
    )
    assert cell.count("<td") == 2, cell


@given(HOSTILE)
def test_a_message_has_no_markup_but_words_in_monospace(text: str) -> None:
    """What stands between backticks becomes `<code>`, always closed, and nothing in it is markup."""
    page = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(f"x {prose(text)} y\n")
    rest = re.sub(r"<code>[^<]*</code>", "", page)

    assert re.sub(r"&[a-z]+;", "", rest).count("<") == 2, page


def test_yaml_in_a_remedy_keeps_its_indentation() -> None:
    """A cell of a table eats spaces, and YAML without them is another document."""
    assert prose_lines("jobs:\n  release: `x`") == "jobs:<br>&nbsp;&nbsp;release: <code>x</code>"


def test_a_message_that_is_cut_says_so() -> None:
    """Twenty names, their head and how many more there are stand whole; of more, an ellipsis says that there is more."""
    listed = ["names are refused:", *(f"  {n}: a symbolic link" for n in range(20)), "  and 757 more"]
    assert prose_lines("\n".join(listed)).endswith("and 757 more")
    assert prose_lines("\n".join([*listed, "x"])).endswith("and 757 more<br>…")
    assert prose_lines("x\n" * 3000).endswith("<br>…")
    assert prose_lines("x" * 5000).endswith("<br>…")


def test_a_commit_is_a_link_only_where_its_address_is_plain() -> None:
    """`git+https` with a full commit leads to its page; everything else is text."""
    sha = "a" * 40
    page = f"https://github.com/acme/minilm/commit/{sha}"
    assert commit_link(f"git+https://github.com/acme/minilm@{sha}") == f"[acme/minilm&#64;{sha[:12]}]({page})"
    assert commit_link(f"git+https://github.com/acme/minilm.git@{sha}").endswith(f"({page})")
    for other in (f"git+https://x.example/a) [b](javascript:c@{sha}", f"git+ssh://x.example/a@{sha}", "main"):
        assert "](" not in commit_link(other)


@given(HOSTILE)
def test_a_fence_is_closed_only_by_us(text: str) -> None:
    """A text with fences of its own stays inside."""
    page = MarkdownIt("commonmark").render("\n".join([*fence("text", text), "", "after"]))

    assert page.endswith("<p>after</p>\n")
    assert page.count("<pre>") == 1


@given(HOSTILE)
def test_a_label_of_the_diagram_is_one_string(text: str) -> None:
    """No quote, bracket, arrow or directive of a name reaches Mermaid."""
    label = _label((text,))

    assert label[0] == label[-1] == '"'
    assert re.fullmatch(r"[A-Za-z0-9 .,_/:@+=#;-]*", label[1:-1])


def test_a_link_is_one_only_where_the_address_is_plain() -> None:
    """What could end the parenthesis or run a script is shown as text."""
    assert link("5", "https://rekor.example/api?logIndex=5") == "[5](https://rekor.example/api?logIndex=5)"
    for url in ("javascript:alert(1)", "https://a.example/) <b>", "data:text/html,x", None):
        assert link("5", url) == "5"


def test_a_section_is_cut_and_the_next_one_stands() -> None:
    """Each section has its own budget."""
    page = budgeted(["row " + "x" * 1000] * 200, ["### Next"])

    assert len(page.encode()) <= SECTION_LIMIT + len("\n\n### Next\n\n")
    assert "more lines did not fit" in page
    assert page.endswith("### Next\n\n")


def test_code_cannot_be_left() -> None:
    """HTML inside `<code>` is escaped."""
    assert code("</code><script>") == "<code>&#60;/code&#62;&#60;script&#62;</code>"
