"""The threat model names a test for every attack, and each of them exists."""

from __future__ import annotations

import ast
import re

from .markdown import ROOT

_PAGE = ROOT / "docs" / "threat-model.md"
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def test_each_attack_names_a_test() -> None:
    """The last column of both tables has at least one test."""
    rows = [line for line in _PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    attacks = [row for row in rows if not row.startswith("| who |")]
    assert len(attacks) > 30
    assert [row for row in attacks if not _TEST.search(row.rstrip("| ").rpartition(" | ")[2])] == []


def test_each_named_test_exists() -> None:
    """`file::name` is a test function in that file below tests/."""
    missing = [
        f"{file}::{name}"
        for file, name in _TEST.findall(_PAGE.read_text(encoding="utf-8"))
        if name not in _tests_in(file)
    ]
    assert missing == []


def _tests_in(file: str) -> set[str]:
    path = ROOT / "tests" / file
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
