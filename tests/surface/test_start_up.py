"""What everybody pays on every call: help, version, completion and the pre-commit hook import next to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
#: Each costs between 40 and 500 ms to import.
HEAVY = {"sigstore", "git", "requests", "cryptography", "rich", "nacl", "pydantic", "zstandard", "actions_toolkit"}
CODE = """
import sys
from model_provenance.cli.main import run
status = run(sys.argv[1:])
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize(
    ("words", "also"),
    [
        (["--help"], {"yaml", "jsonschema", "json.tool"}),
        (["--version"], {"yaml", "jsonschema"}),
        (["release", "--help"], {"yaml", "jsonschema"}),
        (["verify", "--help"], {"yaml", "jsonschema"}),
        (["exec", "--help"], {"yaml", "jsonschema"}),
        (["ci", "--help"], {"yaml", "jsonschema"}),
        (["manifest", "check", "model.json"], {"yaml"}),
        (["manifest", "check", "model.yaml"], set()),
    ],
)
def test_nothing_heavy_is_imported(words: list[str], also: set[str], tmp_path: Path) -> None:
    """Seen in `sys.modules` of a process of its own; times would depend on the machine."""
    (tmp_path / "model.json").write_text('{"license": "MIT"}')
    (tmp_path / "model.yaml").write_text("license: MIT\n")

    ran = subprocess.run(
        [sys.executable, "-c", CODE, *words],
        cwd=tmp_path,
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran
    assert set(ran.stderr.split()) & (HEAVY | also) == set()


def test_the_python_api_imports_nothing_heavy() -> None:
    """`from model_provenance import load` costs a program next to nothing until it verifies, and no loader at all."""
    code = (
        "import sys; from model_provenance import load; print(*{name.partition('.')[0] for name in sys.modules},"
        " *(name for name in sys.modules if name.startswith('model_provenance.')))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True
    )
    found = set(ran.stdout.split())

    loaders = {"safetensors", "gguf", "onnxruntime", "numpy", "torch"}
    assert found & (HEAVY | loaders | {"yaml", "jsonschema", "click"}) == set()
    assert {name for name in found if name.startswith("model_provenance.")} == {"model_provenance.load"}
