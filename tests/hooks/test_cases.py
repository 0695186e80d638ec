"""tests/cases/hooks/ID/{pass,fail}/CASE: `tree/` is committed, `arguments` are added, `expected` is what is printed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .conftest import HOOKS, ROOT, Scratch, copied

CASES = sorted(path for path in (ROOT / "tests" / "cases" / "hooks").glob("*/*/*") if path.is_dir())


def _id(case: Path) -> str:
    return "/".join(case.parts[-3:])


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_case(case: Path, scratch: Scratch) -> None:
    """A passing case is silent with status 0; a failing one prints exactly its findings and ends with another status."""
    copied(case / "tree", scratch.folder)
    scratch.add()
    arguments = case / "arguments"

    done = scratch.hook(case.parts[-3], *(arguments.read_text().split() if arguments.exists() else ()))

    if os.environ.get("MODEL_PROVENANCE_WRITE_CASES") and case.parts[-2] == "fail":
        (case / "expected").write_text(done.stdout)
    expected = (case / "expected").read_text() if case.parts[-2] == "fail" else ""
    assert (done.stdout, done.stderr) == (expected, "")
    assert (done.returncode == 0) == (case.parts[-2] == "pass")


@pytest.mark.parametrize("id", HOOKS)
def test_every_hook_has_cases_of_both_kinds(id: str) -> None:
    """No hook without a folder that passes and one that fails."""
    kinds = {case.parts[-2] for case in CASES if case.parts[-3] == id}
    assert kinds == {"pass", "fail"}
