"""Pages of documentation as a reader's program sees them: fences, headings, anchors, links, code spans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "spec").glob("*.md")),
)

_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Fence:
    """One fenced block: the words after the fence, and what is in it."""

    info: tuple[str, ...]
    text: str

    @property
    def language(self) -> str:
        return self.info[0] if self.info else ""


@dataclass(frozen=True)
class Page:
    """One page. Fences and comments are no prose."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        return _COMMENT.sub("", _FENCE.sub("", self.text))

    def fences(self, language: str) -> Iterator[Fence]:
        """The blocks of one language, in order."""
        for match in _FENCE.finditer(self.text):
            fence = Fence(tuple(match[1].split()), match[2])
            if fence.language == language:
                yield fence

    def links(self) -> list[str]:
        """Targets of links and images."""
        return _LINK.findall(_SPAN.sub("", self.prose))

    def spans(self) -> list[str]:
        """Inline code, as it would be shown."""
        return [span.replace("\\|", "|") for span in _SPAN.findall(self.prose)]

    def anchors(self) -> set[str]:
        """What a fragment may name: headings as GitHub slugs them, and explicit anchors."""
        explicit = set(re.findall(r'<a id="([^"]+)">', self.text))
        return explicit | {_slug(heading) for heading in _HEADING.findall(_FENCE.sub("", self.text))}


def pages() -> list[Page]:
    """Every page that somebody may read."""
    return [Page(path) for path in PAGES]


def _slug(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
