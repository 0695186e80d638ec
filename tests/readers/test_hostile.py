"""The hostile corpus: every file gives its own finding, within a second and 64 MB, and none brings a reader down."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
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


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    """What a process of the corpus's own says of each case; the workers of a run share what they have learned."""
    mine = tmp_path_factory.getbasetemp()
    shared = (mine.parent if os.environ.get("PYTEST_XDIST_WORKER") else mine) / "hostile"
    shared.mkdir(exist_ok=True)
    # Large pieces go back to the system when they are free: what one case left could hide what another takes.
    kept = {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_TRIM_THRESHOLD_": "1000000"}
    environment = {"PYTHONPATH": f"{TESTS.parent / 'src'}:{TESTS}", **kept}
    command = [sys.executable, "-m", "readers.hostile_run", str(tmp_path_factory.mktemp("hostile"))]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Corpus(process, shared)


class Corpus:
    """Results of cases, each of which is inspected when it is first asked for."""

    def __init__(self, process: subprocess.Popen[str], shared: Path) -> None:
        self._process, self._shared = process, shared

    def of(self, name: str) -> Any:
        """The result of one case."""
        known = self._shared / f"{NUMBERS[name]}.json"
        if not known.exists():
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            print(name, file=self._process.stdin, flush=True)
            said = self._process.stdout.readline()
            assert said, "the process of the corpus has ended"
            whole = known.with_suffix(f".{os.getpid()}")
            whole.write_text(said)
            whole.rename(known)
        return json.loads(known.read_text())

    def all(self) -> dict[str, Any]:
        """Every result."""
        return {name: self.of(name) for name in NUMBERS}


def test_there_are_two_hundred_hostile_files_and_some_for_every_reader(corpus: Corpus) -> None:
    """Different files, counted by their bytes; each format whose bytes are read has files of its own."""
    results = corpus.all()
    assert len(NUMBERS) == len(CASES) == len(results)
    assert len({result["digest"] for result in results.values()}) >= 200
    refused = {result["format"] for result in results.values() if result["inspection"] == "unreadable"}
    named = {reader.format for reader in READERS} - UNREAD
    assert named <= refused | {result["format"] for result in results.values()}
    assert named - refused <= {"license"}


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_each_gives_its_own_finding(name: str, corpus: Corpus) -> None:
    """With the code of its format and words for this trick, not merely some error; facts stay small."""
    case, result = CASES[NUMBERS[name]], corpus.of(name)
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


def test_each_takes_a_second_at_most(corpus: Corpus) -> None:
    """Processor time of the inspection, in seconds of the machine that the figures were measured on."""
    assert {
        name: dear for name, result in corpus.all().items() if (dear := result["seconds"] / result["slower"]) > SECONDS
    } == {}


@pytest.mark.skipif(sys.platform != "linux", reason="this machine does not say what the peak of a process's memory was")
def test_each_takes_64_megabytes_at_most(corpus: Corpus) -> None:
    """Resident memory of the process at its peak, above what was there before."""
    results = corpus.all()
    assert {name: result["bytes"] for name, result in results.items() if result["bytes"] > BYTES} == {}
    # That something is measured at all: this file is read whole.
    assert results["dear: 4,900,000 short strings"]["bytes"] > 10e6
