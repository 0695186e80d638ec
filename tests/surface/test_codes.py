"""The table of codes and the source agree: no code that is not explained, none that nothing raises."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from model_provenance.cli.catalogue import OPTIONS
from model_provenance.errors import CODES, DOCS_URL, Exit, ModelProvenanceError

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/model_provenance"
TABLE = SOURCE / "errors/codes.py"
#: Calls whose first argument is a code.
TELLING = {"ModelProvenanceError", "failed", "undecided", "warned", "skipped"}


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    """Every node of the package but those of the table itself and of the simulators."""
    for path in SOURCE.rglob("*.py"):
        if path != TABLE and "testing" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text())):
                yield path, node


def test_no_code_stands_twice_and_sections_are_sorted() -> None:
    """A later entry would silently replace an earlier one."""
    sections = re.split(r"^    # ---", TABLE.read_text(), flags=re.MULTILINE)[1:]
    lists = [re.findall(r'^    Code\("([^"]+)"', section, re.MULTILINE) for section in sections]

    assert [code for code, count in Counter(chain(*lists)).items() if count > 1] == []
    assert [section for section in lists if section != sorted(section)] == []
    assert sum(map(len, lists)) == len(CODES)


def test_what_is_raised_is_in_the_table() -> None:
    """An unknown code would end the program with a KeyError in the middle of an error."""
    unknown = []
    for path, node in nodes():
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        first = node.args[0]
        if name in TELLING and isinstance(first, ast.Constant) and first.value not in CODES:
            unknown.append((path.name, first.value))

    assert unknown == []


def test_what_is_in_the_table_is_raised() -> None:
    """A code that nothing raises explains what cannot happen."""
    texts = {node.value for _, node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    # `f"expect.{what}"` says a whole family.
    families = tuple(text for text in texts if re.fullmatch(r"[a-z]+\.", text))

    assert sorted(code for code in CODES if code not in texts and not code.startswith(families or ("\0",))) == []


def test_every_entry_is_complete() -> None:
    """A documented status, what happened, and what to do, as sentences; the error page has its anchor."""
    page = (ROOT / "docs/errors.md").read_text()
    for code in CODES.values():
        assert re.fullmatch(r"[a-z]+\.[a-z0-9_]+", code.id)
        assert code.status in set(Exit), code
        assert code.title[0].isupper(), code
        assert not code.title.endswith("."), code
        assert code.remedy.endswith((".", "`")), code
        anchor = ModelProvenanceError(code.id, "x").docs.removeprefix(f"{DOCS_URL}#")
        assert f'<a id="{anchor}"></a>' in page, code


def test_options_that_remedies_name_exist() -> None:
    """A remedy that names what is not there costs more time than none."""
    known = {f"--{option.name}" for option in OPTIONS} | {"--help", "--verbose", "--global", "--add"}
    named = {(code.id, flag) for code in CODES.values() for flag in re.findall(r"--[a-z][a-z-]+", code.remedy)}

    assert sorted((code, flag) for code, flag in named if flag not in known) == []
