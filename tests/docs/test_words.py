"""Codes, exit statuses and checks that pages name exist in the code."""

from __future__ import annotations

import re

import pytest

from model_provenance.errors import CODES, Exit
from model_provenance.verify.checks import CHECKS

from .markdown import ROOT, Page, pages

_ROOMS = {code.partition(".")[0] for code in CODES}
_FILES = {"json", "yaml", "yml", "md", "py", "key", "pub", "sig", "v1", "svg", "txt", "log"}
_STATUS = re.compile(r"(?:exit status|status|ends? with|refused with|stops? with) (\d+)\b")
_NUMBERS = {"sixteen": 16, "fifteen": 15, "seventeen": 17, "eighteen": 18, "twenty": 20}
_COUNT = re.compile(r"\b([A-Za-z]+|\d+) (?:numbered )?checks\b")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_codes_exist(page: Page) -> None:
    """`room.reason` in code is a code of the table."""
    for span in page.spans():
        room, dot, reason = span.partition(".")
        if dot and room in _ROOMS and re.fullmatch(r"[a-z_]+", reason) and reason not in _FILES:
            assert span in CODES, f"{page.name}: {span}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_exit_statuses_exist(page: Page) -> None:
    """A status that prose names is one that the program can end with."""
    for number in _STATUS.findall(page.prose):
        assert int(number) in set(Exit), f"{page.name}: {number}"


def test_every_page_that_counts_the_checks_counts_right() -> None:
    """`Sixteen checks`, `16 checks`: as many as there are, in pages and in pictures."""
    texts = [page.prose for page in pages() if page.name != "CHANGELOG.md"]
    texts += [path.read_text() for path in (ROOT / "docs" / "images").glob("*.svg")]
    counts = [_NUMBERS.get(word.lower(), word) for text in texts for word in _COUNT.findall(text)]
    told = {int(count) for count in counts if str(count).isdigit()}
    assert told == {len(CHECKS)}


def test_the_verify_page_has_each_check_with_its_number() -> None:
    """The list of docs/verify.md is the list of the verifier."""
    headings = re.findall(r"^### (\d+)\. `(\w+)`", (ROOT / "docs" / "verify.md").read_text(), re.MULTILINE)
    assert headings == [(str(check.number), check.id) for check in CHECKS]
