"""The hostile corpus: every file gives its own finding, within a second and 64 MB, and none brings a reader down."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model_provenance.readers.registry import READERS

from .build import is_shown
from .hostile_cases import CASES

TESTS = Path(__file__).parents[1]
SECONDS, BYTES = 1.0, 64e6
#: Recognised by their name alone: nothing of them is read that could lie.
UNREAD = {"coreml-compiled", "sentencepiece"}
NUMBERS = {case.name: number for number, case in enumerate(CASES)}

#: The corpus is inspected once in a run of the tests, by all its workers: whoever first needs a part inspects that part.
PARTS = 6


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """What the corpus's own process says of each case, a part at a time."""
    mine = tmp_path_factory.getbasetemp()
    shared = (mine.parent if os.environ.get("PYTEST_XDIST_WORKER") else mine) / "hostile"
    shared.mkdir(exist_ok=True)
    return Parts(shared)


class Parts:
    """Results of parts of the corpus, each made once for all workers of a run."""

    def __init__(self, shared: Path) -> None:
        self._shared, self._read = shared, dict[int, dict[str, Any]]()

    def of(self, name: str) -> Any:
        """The result of one case."""
        return self._part(NUMBERS[name] % PARTS)[name]

    def all(self) -> dict[str, Any]:
        """Every result; those of the other workers last."""
        return {name: result for part in range(PARTS) for name, result in self._part(part).items()}

    def _part(self, part: int) -> dict[str, Any]:
        if part not in self._read:
            with (self._shared / f"{part}.jsonl").open("a+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                said = file.read()
                if not said:
                    said = _inspected(part, self._shared / str(part))
                    file.write(said)
            self._read[part] = {result["name"]: result for result in map(json.loads, said.splitlines())}
        return self._read[part]


def _inspected(part: int, folder: Path) -> str:
    folder.mkdir()
    names = [case.name for case in CASES[part::PARTS]]
    # Large pieces go back to the system when they are free: what one case left could hide what another takes.
    kept = {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_TRIM_THRESHOLD_": "1000000"}
    environment = {"PYTHONPATH": f"{TESTS.parent / 'src'}:{TESTS}", **kept}
    command = [sys.executable, "-m", "readers.hostile_run", str(folder), *names]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_there_are_two_hundred_hostile_files_and_some_for_every_reader(parts: Parts) -> None:
    """Different files, counted by their bytes; each format whose bytes are read has files of its own."""
    results = parts.all()
    assert len(NUMBERS) == len(CASES) == len(results)
    assert len({result["digest"] for result in results.values()}) >= 200
    refused = {result["format"] for result in results.values() if result["inspection"] == "unreadable"}
    named = {reader.format for reader in READERS} - UNREAD
    assert named <= refused | {result["format"] for result in results.values()}
    assert named - refused <= {"license"}


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_each_gives_its_own_finding(name: str, parts: Parts) -> None:
    """With the code of its format and words for this trick, not merely some error; facts stay small."""
    case, result = CASES[NUMBERS[name]], parts.of(name)
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


def test_each_takes_a_second_at_most(parts: Parts) -> None:
    """Processor time of the inspection, in seconds of the machine that the figures were measured on."""
    assert {
        name: dear for name, result in parts.all().items() if (dear := result["seconds"] / result["slower"]) > SECONDS
    } == {}


@pytest.mark.skipif(sys.platform != "linux", reason="this machine does not say what the peak of a process's memory was")
def test_each_takes_64_megabytes_at_most(parts: Parts) -> None:
    """Resident memory of the process at its peak, above what was there before."""
    results = parts.all()
    assert {name: result["bytes"] for name, result in results.items() if result["bytes"] > BYTES} == {}
    # That something is measured at all: this file is read whole.
    assert results["dear: 4,900,000 short strings"]["bytes"] > 10e6
