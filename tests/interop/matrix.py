"""The matrix of who accepts whose evidence: collected from the tests that ran, printed, and kept in docs/interop.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "interop.md"
TITLES = {
    "validators": ("SBOMs before others", ("What", "By")),
    "runs": ("Releases as a CI job", ("What", "Sigstore")),
    "registries": ("Through registries", ("What", "Registry")),
    "ours": ("Ours, checked by others", ("Signed by model-provenance", "Checked by")),
    "theirs": ("Others', checked by us", ("Signed by", "What it signs")),
}
_INTRODUCTION = """\
# Interoperability

Written by `make interop` from the tests that it ran (`tests/interop`); do not edit. Real servers, built from the versions below,
issue the certificates, keep the logs and stamp the time, in a network namespace that reaches nothing but itself. A row holds when
its test passed; wherever one program checks another's evidence, the test also expects a refusal of another signer, content,
digest or type.
"""


class Matrix:
    """Rows by part, with the worst outcome of the tests that make each."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], bool] = {}

    def add(self, mark: pytest.Mark, parameters: Mapping[str, object], *, passed: bool) -> None:
        """`mark` is `matrix(part, first column, second column)`; `{name}` in it is a parameter of the test."""
        named = {name: getattr(value, "name", value) for name, value in parameters.items()}
        part, first, second = (str(a).format(**named) for a in mark.args)
        key = (part, first, second)
        self.rows[key] = self.rows.get(key, True) and passed

    def tables(self) -> str:
        """The rows as Markdown tables."""
        text = ""
        for part, (title, columns) in TITLES.items():
            rows = sorted((*key[1:], "yes" if ok else "**NO**") for key, ok in self.rows.items() if key[0] == part)
            if rows:
                text += f"\n## {title}\n\n" + table((*columns, "Holds"), rows)
        return text

    def write(self, versions: list[tuple[str, ...]]) -> None:
        """The page, when every row holds."""
        text = f"{_INTRODUCTION}{self.tables()}\n## Versions\n\n{table(('Program', 'Version'), versions)}"
        PAGE.write_text(text, encoding="utf-8")


def table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def versions(tools: ModuleType) -> list[tuple[str, ...]]:
    """What ran, as pinned and as installed."""
    import importlib.metadata
    import json

    rows = [(name, str(entry["version"])) for name, entry in tools.VERSIONS["go"].items()]
    lock = json.loads((tools.INTEROP / "package.json").read_text())["dependencies"]
    rows += [(name, version) for name, version in lock.items() if name.startswith(("@actions/", "@sigstore/"))]
    rows += [(name, importlib.metadata.version(name)) for name in ("sigstore", "model-signing")]
    required = [line.split() for line in (tools.MODULE / "go.mod").read_text().splitlines()]
    rows += [(w[0].split("/")[-1], w[1]) for w in required if w and w[0].endswith(("/tesseract", "/olareg"))]
    return sorted(rows)
