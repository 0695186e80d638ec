"""What a check of a manifest costs: it is a hook, people wait for it at every commit."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "cases" / "manifest"
SOURCE = Path(__file__).parents[2] / "src"
CHECK = """
import sys
import click
from pathlib import Path
from model_provenance.formats.manifest import check_source
path = Path(sys.argv[1])
assert check_source(path.read_bytes(), path.name) == ()
print("\\n".join(sys.modules))
"""


def run(code: str, *arguments: str) -> str:
    """Standard output of a fresh interpreter."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={"PYTHONPATH": str(SOURCE)}).stdout


@pytest.mark.parametrize("path", ["good_json/model.json", "good_yaml/model.yaml"])
def test_a_check_imports_nothing_that_it_does_not_need(path: str) -> None:
    """No signing, no network, no grammar of licences for one identifier, no format checkers; YAML only for YAML."""
    modules = set(run(CHECK, str(CASES / path)).split())
    heavy = {"sigstore", "cryptography", "git", "requests", "rich", "rfc8785", "rfc3987_syntax", "isoduration", "lark"}
    assert not modules & heavy
    assert ("yaml" in modules) == path.endswith(".yaml")


def test_a_check_costs_at_most_a_quarter_of_a_second(tmp_path: Path) -> None:
    """Processor time of the fastest of five whole processes: start, click, jsonschema, YAML, the check itself."""
    manifest = tmp_path / "model.yaml"
    manifest.write_text("license: Apache-2.0\ndatasets:\n  - {name: wiki, retention: P5Y}\n")

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(CHECK, str(manifest))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) <= 0.25


def test_our_copy_of_jsonschema_takes_nothing_from_the_program() -> None:
    """Who imports jsonschema after us gets a copy with every checker that is installed; ours goes on working."""
    pytest.importorskip("isoduration")
    run(
        """
from model_provenance.formats.manifest import check_source
assert check_source(b"{}", "m.json") == ()
import sys
sys.modules["rfc3987_syntax"] = None  # a second that this test need not wait
assert not [name for name in sys.modules if name.partition(".")[0] in ("jsonschema", "isoduration")]
import jsonschema
assert "duration" in jsonschema.Draft202012Validator.FORMAT_CHECKER.checkers
assert check_source(b'{"license": 1}', "m.json")[0].id == "manifest.type"
"""
    )


def test_a_loaded_jsonschema_is_used_as_it_is() -> None:
    """Where the program has imported jsonschema, there is no second copy."""
    run(
        """
import sys
sys.modules["rfc3987_syntax"] = None
import jsonschema
from model_provenance.formats.lean_jsonschema import lean_jsonschema
assert lean_jsonschema().validators is jsonschema.validators
"""
    )
