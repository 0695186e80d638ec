"""Links lead somewhere."""

from __future__ import annotations

import pytest

from .markdown import ROOT, Page, pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_internal_links_and_anchors_resolve(page: Page) -> None:
    """A relative link names a file of the repository, and its fragment a heading or an anchor there."""
    for link in page.links():
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, fragment = link.partition("#")
        target = (page.path.parent / name).resolve() if name else page.path
        assert target.exists(), f"{page.name}: {link}"
        assert target.is_relative_to(ROOT), f"{page.name}: {link}"
        if fragment:
            assert fragment in Page(target).anchors(), f"{page.name}: {link}"


def test_every_page_is_reached_from_the_readme() -> None:
    """From the README one can get to each page of docs/ and spec/ by links."""
    reached, new = set(), {ROOT / "README.md"}
    while new:
        reached |= new
        linked = {(path.parent / link.partition("#")[0]).resolve() for path in new for link in Page(path).links()}
        new = {path for path in linked if path.suffix == ".md" and path.exists()} - reached
    decisions = set((ROOT / "docs" / "adr").glob("*.md"))
    missing = {page.path for page in pages()} - reached - decisions
    assert {path.name for path in missing} == set()


def test_decisions_are_numbered_without_gaps() -> None:
    """docs/adr has 0001, 0002 and so on, each with its number and the same three parts."""
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    for number, path in enumerate(decisions, 1):
        text = path.read_text(encoding="utf-8")
        assert path.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert "**Decision.**" in text
        assert "**Consequences.**" in text
