"""Coverage-guided fuzzing (atheris) of the three readers whose files are most often somebody else's.

A bounded number of runs from a fixed seed here; `make fuzz N=1000000` runs as many as are asked for, from another seed
each time. What it finds becomes a case of the hostile corpus.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
RUNS, SEED = 5_000, 1


@pytest.fixture(scope="module", autouse=True)
def has_atheris() -> None:
    """CI fails where it was expected; no wheel is the machine's affair."""
    if sys.platform != "linux" or platform.machine() != "x86_64" or platform.python_implementation() != "CPython":
        pytest.skip(
            "this machine has no wheel of atheris (CPython for Linux on x86-64): nothing was fuzzed by coverage"
        )
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed (requirements/dev.in): nothing was fuzzed by coverage")


@pytest.mark.parametrize("format", ["safetensors", "gguf", "pickle"])
def test_coverage_finds_no_file_that_brings_a_reader_down(format: str, tmp_path: Path) -> None:
    """Every run ends in a status with findings of ours and small plain facts, within a second."""
    asked = os.environ.get("MODEL_PROVENANCE_FUZZ")
    runs = int(asked) if asked else RUNS
    seed = random.SystemRandom().randrange(1, 2**31) if asked else SEED
    folder = tmp_path / format
    command = [sys.executable, "-m", "readers.fuzz_target", format, str(folder), f"-runs={runs}", f"-seed={seed}"]
    environment = {"PYTHONPATH": f"{TESTS.parent / 'src'}:{TESTS}"}
    # By way of a shell: libFuzzer counts as its own what the process that started it once held, and a test worker holds much.
    done = subprocess.run(
        ["sh", "-c", '"$@"; exit $?', "sh", *command], env=environment, check=False, capture_output=True, text=True
    )
    found = [path.read_bytes() for path in folder.glob("*") if path.is_file()]
    assert (done.returncode, found) == (0, []), f"seed {seed}\n{done.stderr[-4000:]}"
    said = re.search(r"Done ([0-9]+) runs", done.stderr)
    assert said is not None
    assert int(said[1]) >= runs
    # Seeds alone cover less: that the readers were instrumented at all.
    covered = re.findall(r" cov: ([0-9]+) ", done.stderr)
    assert int(covered[-1]) > 200
