"""The hostile corpus: every file gives its own finding, within a second and 64 MB, and none brings a reader down."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from model_provenance.readers.registry import READERS

from .build import is_shown
from .hostile_case import Case
from .hostile_cases import CASES

TESTS = Path(__file__).parents[1]
SECONDS, BYTES = 1.0, 64e6
#: Recognised by their name alone: nothing of them is read that could lie.
UNREAD = {"coreml-compiled", "sentencepiece"}

# One run of the corpus for all tests here.
pytestmark = pytest.mark.xdist_group("hostile corpus")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the corpus's own process says of each case."""
    command = [sys.executable, "-m", "readers.hostile_run", str(tmp_path_factory.mktemp("hostile"))]
    # Large pieces go back to the system when they are free: what one case left could hide what another takes.
    kept = {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_TRIM_THRESHOLD_": "1000000"}
    environment = {"PYTHONPATH": f"{TESTS.parent / 'src'}:{TESTS}", **kept}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return {result["name"]: result for result in map(json.loads, done.stdout.splitlines())}


@cache
def _by_name() -> dict[str, Case]:
    return {case.name: case for case in CASES}


def test_there_are_two_hundred_hostile_files_and_some_for_every_reader(results: dict[str, Any]) -> None:
    """Different files, counted by their bytes; each format whose bytes are read has files of its own."""
    assert len(_by_name()) == len(CASES) == len(results)
    assert len({result["digest"] for result in results.values()}) >= 200
    refused = {result["format"] for result in results.values() if result["inspection"] == "unreadable"}
    named = {reader.format for reader in READERS} - UNREAD
    assert named <= refused | {result["format"] for result in results.values()}
    assert named - refused <= {"license"}


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_each_gives_its_own_finding(name: str, results: dict[str, Any]) -> None:
    """With the code of its format and words for this trick, not merely some error; facts stay small."""
    case, result = _by_name()[name], results[name]
    assert "died" not in result, result
    assert result["inspection"] == case.inspection.value, result["findings"]
    if case.code is None:
        assert not any(code.endswith((".unreadable", *_CODES)) for code, _ in result["findings"])
    else:
        own = [message for code, message in result["findings"] if code == case.code]
        assert any(re.search(case.says, message) for message in own), result["findings"]
    assert all(is_shown(message) for _, message in result["findings"])
    assert result["details"] < 100_000
    assert result["element_types"] < 100


_CODES = tuple(reader.code.removeprefix("readers") for reader in READERS if reader.format != "license")


def test_each_takes_a_second_at_most(results: dict[str, Any]) -> None:
    """Processor time of the inspection."""
    assert {name: result["seconds"] for name, result in results.items() if result["seconds"] > SECONDS} == {}


@pytest.mark.skipif(sys.platform != "linux", reason="this machine does not say what the peak of a process's memory was")
def test_each_takes_64_megabytes_at_most(results: dict[str, Any]) -> None:
    """Resident memory of the process at its peak, above what was there before."""
    assert {name: result["bytes"] for name, result in results.items() if result["bytes"] > BYTES} == {}
    # That something is measured at all: this file is read whole.
    assert results["dear: 4,900,000 short strings"]["bytes"] > 10e6
