"""The actions in every kind of run: summary, outputs, annotations and check runs are those of the golden files.

`make test` plays those that say `telling`, `make test-ci` all. MODEL_PROVENANCE_GOLDEN=write renews the golden files, for the
diff to be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from model_provenance.testing.sigstore_sim import SigstoreSim

from .act import fetched
from .scenarios import FOLDER, World, loaded, names, play


def marked() -> Iterator[object]:
    """Every scenario, with what says when it is played."""
    for name in names():
        telling = [pytest.mark.telling] if loaded(name).get("telling") else []
        yield pytest.param(name, marks=[pytest.mark.ci_surface, *telling])


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a runner fetches for `uses: org/model-provenance@v1`, without the program: the installed one runs."""
    return fetched(tmp_path_factory.mktemp("checkout") / "tool", without=("src", "requirements"))


@pytest.mark.parametrize("name", list(marked()))
def test_a_run_tells_its_runner_what_the_golden_file_holds(
    name: str, repository: Path, sim: SigstoreSim, checkout: Path, tmp_path: Path
) -> None:
    """The `says` of the scenario is the fact; the golden file is what shows it."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with ExitStack() as stack:
        text = "\n".join(play(World(repository, sim, checkout, scratch, stack), loaded(name)))

    golden = FOLDER / name / "golden.md"
    if os.environ.get("MODEL_PROVENANCE_GOLDEN") == "write":
        golden.write_text(text)
    assert "Traceback" not in text
    assert text == golden.read_text(), f"{golden} differs: read it, then renew with MODEL_PROVENANCE_GOLDEN=write"
