"""`examples/revocation`: one revoked dataset, two descendants that are refused from three sides, two replacements that run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .command import SOURCE, plain_environment

EXAMPLE = SOURCE.parent / "examples/revocation/run.sh"


def test_a_revoked_dataset_denies_its_two_descendants_and_their_replacements_run(tmp_path: Path) -> None:
    """The script goes on only where each answer is the expected one; the receipts say what was started and what was not."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**plain_environment(tmp_path), "PATH": path, "PYTHONPATH": str(SOURCE)}
    ran = subprocess.run(
        ["bash", str(EXAMPLE)], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1] == "== the poisoned models are refused, their replacements run"
    assert ran.stdout.count("\nlistening: ") == 4
    assert ran.stdout.count("exit status 14") == 4
    receipts = [json.loads(line)["Attributes"] for line in (tmp_path / "receipts.jsonl").read_text().splitlines()]
    assert [(one["model_provenance.result"], one.get("error.type")) for one in receipts] == [
        *[("PASS", None)] * 2,
        *[("FAIL", "status.revoked")] * 2,
        *[("PASS", None)] * 2,
    ]
