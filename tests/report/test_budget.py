"""Pages that are too large: whole lines, valid Markdown, verdict and findings first, and never a byte above the budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from model_provenance.domain.difference import Change, Difference
from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.receipt import Receipt
from model_provenance.flows.release import release
from model_provenance.flows.request import ReleaseRequest
from model_provenance.report.check import TEXT_LIMIT, release_check
from model_provenance.report.github import SUMMARY_LIMIT, append_summary
from model_provenance.report.markdown import SECTION_LIMIT, fence, fitted, table
from model_provenance.report.summary import ReleasePage

PARSER = MarkdownIt("commonmark").enable("table")
#: GitHub drops the summary of a step above this (actions/runner, FileCommandManager).
MEBIBYTE = 1024 * 1024


@pytest.fixture(name="receipt", scope="module")
def _receipt(tmp_path_factory: pytest.TempPathFactory) -> Receipt:
    """A dry run of a small model."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "model").mkdir()
    (folder / "model/config.json").write_text("{}")
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
    (folder / "model/model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    return release(
        ReleaseRequest(
            folder / "model", ModelName("minilm"), Version("1.0.0"), None, folder / "out", sbom_engine="native"
        )
    )


def huge(receipt: Receipt) -> ReleasePage:
    """The same release with as much to say as there can be: findings, datasets, base models, changes, of four-byte characters."""
    long = "🟡|" * 6000
    found = [
        Finding("readers.pickle", severity, Status.FAIL, f"{long}\n" * 20, long, f"{severity.value}{n}.bin")
        for severity in (Severity.WARNING, Severity.ERROR)
        for n in range(300)
    ]
    named = [{"name": "🟡" * 299 + str(n), "model": "🟡" * 299 + str(n)} for n in range(5000)]
    manifest = {**receipt.manifest, "datasets": named, "merged_from": named}
    names = tuple(f"{'🟡' * 900}{n}" for n in range(5000))
    facts = tuple(Change(label, names, names) for label in ("Datasets", "Licence", "Base model"))
    changes = Difference("minilm 0.9.0", names, names, names, facts)
    return ReleasePage(
        replace(receipt, findings=tuple(found), manifest=manifest), ("model-provenance", "verify"), changes
    )


def rendered(page: str) -> list[str]:
    """The top-level blocks of a page, as a reader of Markdown sees them: `heading Findings`, `table`, `fence mermaid`."""
    blocks = []
    tokens = PARSER.parse(page)
    for index, token in enumerate(tokens):
        if token.level == 0 and token.nesting >= 0:
            after = tokens[index + 1].content if token.type == "heading_open" else token.info
            blocks.append(f"{token.type.removesuffix('_open')} {after}".strip())
    return blocks


def test_the_summary_of_a_release_that_has_everything_stays_below_a_mebibyte(receipt: Receipt, tmp_path: Path) -> None:
    """Each section is cut to its own budget, so that none crowds out another: verdict, changes, findings, the rest."""
    page = huge(receipt).summary(notes=["🟡" * 5000])
    append_summary({"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}, page)
    written = (tmp_path / "summary.md").read_bytes()

    assert len(written) <= SUMMARY_LIMIT < MEBIBYTE
    assert written.decode() == page
    assert page.startswith("## 🔍 UNSIGNED, a dry run: minilm 1.0.0\n")
    blocks = [block for block in rendered(page) if block.startswith("heading")]
    assert blocks[1].startswith("heading Changes")
    assert [block.removeprefix("heading ") for block in blocks[2:]] == [
        "Findings",
        "What is in it",
        "Lineage",
        "SBOM",
    ]
    findings = page.partition("### Findings")[2].partition("\n### ")[0]
    assert len(findings.encode()) <= SECTION_LIMIT
    assert "❌" in findings
    assert "⚠️" not in findings
    assert "more lines did not fit; the release folder has everything." in findings


def test_the_check_of_the_same_release_is_taken(receipt: Receipt) -> None:
    """65,535 bytes of each field, with what a reviewer needs first, and a sentence about what is not there."""
    page = huge(receipt)
    about = {"head_sha": "d" * 40, "run": "1/1", "details_url": "https://github.com/acme/minilm/actions/runs/1"}
    check = release_check(page.receipt, summary=page.overview(), details=page.details() * 30, **about)

    for text in (check.summary, check.text):
        assert len(text.encode()) <= TEXT_LIMIT
        assert text.endswith("the summary of the job has more.\n")
        assert rendered(text)[-1] == "blockquote"
    assert check.summary.startswith("Nothing was signed or pushed")
    assert len(check.title) <= 201
    assert len(check.annotations) == 0


PARTS = ("Verdict", "Verify", "Findings", "Lineage", "SBOM")


def page_of(rows: int, text: str) -> str:
    """A page as ours are: tables, blocks of code, headings."""

    def parts() -> Iterator[str]:
        yield "## ✅ SIGNED: minilm 1.0.0\n"
        for part in PARTS:
            yield f"### {part}\n"
            yield "\n".join(table(("What", "How"), [(text, str(number)) for number in range(rows)]))
            yield "\n".join(["", *fence("text", "\n".join([f"### {text}"] * rows)), ""])

    return "\n".join(parts())


@settings(max_examples=60)
@given(st.integers(0, 60), st.sampled_from(["x", "ü" * 20, "🟡" * 30, "€"]), st.integers(2000, 12_000))
def test_whatever_is_cut_is_markdown_within_its_bytes(rows: int, text: str, limit: int) -> None:
    """At every budget: whole lines of the page, then one sentence in a block of its own, and no open block of code."""
    page = page_of(rows, text)
    cut = fitted(page, limit, rest="the receipt has everything")

    assert len(cut.encode()) <= limit
    if len(page.encode()) <= limit:
        assert cut == page
        return
    kept, _, note = cut.rpartition("\n\n> ")
    assert page.startswith(f"{kept}\n")
    assert cut.startswith("## ✅ SIGNED: minilm 1.0.0\n")
    assert note.endswith("; the receipt has everything.\n")
    assert int(note.split(" ")[0]) == len(page[len(kept) + 1 :].split("\n"))
    left = [part for part in PARTS if f"### {part}\n" not in kept + "\n"]
    assert note.partition("did not fit")[2].startswith(f", among them {', '.join(left)};" if left else ";")
    assert rendered(cut)[-1] == "blockquote"
    assert set(rendered(cut)) <= {f"heading {part}" for part in ("✅ SIGNED: minilm 1.0.0", *PARTS)} | {
        "table",
        "fence text",
        "blockquote",
    }


def test_a_block_of_code_is_kept_whole_or_not_at_all() -> None:
    """Half a diagram is none, and an open block would swallow what comes after it."""
    page = "\n".join(
        ["### Lineage", "", *fence("mermaid", "flowchart LR\n" + "a --> b\n" * 2000), "", "Solid: observed."]
    )
    cut = fitted(page, 4000, rest="the receipt has everything")

    assert rendered(cut) == ["heading Lineage", "blockquote"]
    assert "2005 more lines did not fit" in cut


def test_one_line_without_an_end_is_cut_to_the_sentence() -> None:
    """A page of one line that is too long shows that something is missing, not half a character."""
    assert fitted("🟡" * 100_000, 4000, rest="the receipt has everything") == (
        "\n\n> 1 more lines did not fit; the receipt has everything.\n"
    )
