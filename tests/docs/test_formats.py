"""What docs/formats.md and docs/verify.md say of documents is what the code writes."""

from __future__ import annotations

import ast
import json
import re

from model_provenance.domain.evidence import Predicate

from .markdown import ROOT, Page

_SOURCE = ROOT / "src" / "model_provenance"
_FORMATS = Page(ROOT / "docs" / "formats.md")
_WIRE = re.compile(r"(?:application/vnd|org|dev)\.[a-z0-9.+-]+", re.IGNORECASE)


def test_media_types_and_annotations_are_those_of_the_code() -> None:
    """Each that the page names stands in a file of the package; KIND and FORM are its placeholders."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in _SOURCE.rglob("*.py"))
    told = {span for span in _FORMATS.spans() if _WIRE.fullmatch(span)}
    named = {span.replace("KIND", "{kind}").replace("FORM", "{form}") for span in told}
    assert len(named) > 12
    assert {name for name in named if name not in source} == set()


def test_every_predicate_type_is_named() -> None:
    """Those of a release with their bundle, the others as what never counts."""
    types = {value for name, value in vars(Predicate).items() if name.isupper()}
    assert types <= set(_FORMATS.spans())


def test_the_receipts_members_are_those_of_its_schema() -> None:
    """No more and no less."""
    schema = json.loads((_SOURCE / "formats" / "schemas" / "receipt.v1.json").read_text())
    assert _members(_FORMATS, "## Receipt") == set(schema["properties"]) - {"schema"}


def test_the_members_of_a_report_are_those_that_verify_writes() -> None:
    """The table of `verify --format json` has each key of the report."""
    tree = ast.parse((_SOURCE / "formats" / "report.py").read_text(encoding="utf-8"))
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "report_value")
    value = next(node for node in ast.walk(function) if isinstance(node, ast.Dict))
    keys = {key.value for key in value.keys if isinstance(key, ast.Constant)}
    assert _members(Page(ROOT / "docs" / "verify.md"), "## In scripts") == keys - {"schema"}


def _members(page: Page, heading: str) -> set[str]:
    """Code in the first column of the first table below a heading."""
    table = page.text.partition(f"\n{heading}\n")[2].partition("\n|---|")[2].partition("\n\n")[0]
    return {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split(" | ")[0])}
