"""`tools/ci.sh` runs nothing that another user, another job or the repository may have prepared."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "tools" / "ci.sh"


def run(tmp_path: Path, **env: str) -> tuple[int, str]:
    """Status, and the environment that the interpreter in place of Python was told to make."""
    python, told = tmp_path / "python", tmp_path / "told"
    python.write_text(f'#!/bin/sh\necho "$4" >"{told}"\nexit 1\n')
    python.chmod(0o755)
    (tmp_path / "work").mkdir(exist_ok=True)
    variables = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "MODEL_PROVENANCE_PYTHON": str(python), **env}
    answer = subprocess.run(["sh", SCRIPT, "verify"], env=variables, cwd=tmp_path / "work", check=False)
    return answer.returncode, told.read_text().strip()


def test_the_environment_has_no_name_that_others_could_have_taken(tmp_path: Path) -> None:
    """Outside of a folder of the job alone it is a fresh one each time, and it goes with the job."""
    first, second = run(tmp_path), run(tmp_path)

    assert first[0] == second[0] == 22
    assert first[1] != second[1]
    assert not Path(first[1]).parent.exists()
    job = tmp_path / "job"
    assert run(tmp_path, RUNNER_TEMP=str(job))[1] == str(job / "model-provenance-venv")


def test_a_gitlab_job_that_dies_early_says_error(tmp_path: Path) -> None:
    """Even where the repository brought a verdict of its own, or a link in its place."""
    work, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    work.mkdir()
    elsewhere.write_text("mine\n")
    (work / "model-provenance.env").symlink_to(elsewhere)

    assert run(tmp_path, GITLAB_CI="true")[0] == 22
    assert (work / "model-provenance.env").read_text() == "MODEL_PROVENANCE_RESULT=ERROR\n"
    assert elsewhere.read_text() == "mine\n"
