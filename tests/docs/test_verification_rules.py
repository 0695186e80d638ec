"""Every rule of verification names a test in which it holds and one in which it is broken, and both exist."""

from __future__ import annotations

import ast
import re

import pytest

from .markdown import ROOT

_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
_ROWS = [
    line.strip("| ").split(" | ")
    for line in (ROOT / "docs" / "verification-rules.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| rule ")
]


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row[0][:60])
def test_a_rule_has_a_test_that_holds_and_one_that_is_refused(row: list[str]) -> None:
    """Three columns, and nothing in the last two but tests; where one test has both sides it says so in its code."""
    rule, *sides = row
    assert rule
    assert len(sides) == 2
    for side in sides:
        assert _TEST.sub("", side).strip(", ") == ""
        found = _TEST.findall(side)
        assert found
        assert [f"{file}::{name}" for file, name in found if name not in _tests_in(file)] == []


def test_the_rules_are_all_there() -> None:
    """A table that is not read as one would hold nothing."""
    assert len(_ROWS) > 50
    assert len({row[0] for row in _ROWS}) == len(_ROWS)


def _tests_in(file: str) -> set[str]:
    path = ROOT / "tests" / file
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
