"""The README shows what `make demo` prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .markdown import Page, pages


def test_the_excerpt_in_the_readme_is_the_demos_output(tmp_path: Path) -> None:
    """Every line of the excerpt is one of the demo's output, in order, with the same digests; `…` is what was left out.

    Columns may be as wide as they are.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_"))}
    answer = subprocess.run(
        [sys.executable, "-I", "-m", "model_provenance.testing.demo"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    output = iter([" ".join(line.split()) for line in answer.stdout.splitlines()])
    missing = [line for line in _excerpt() if line != "…" and " ".join(line.split()) not in output]
    assert missing == []


def _excerpt() -> list[str]:
    readme: Page = next(page for page in pages() if page.name == "README.md")
    return next(readme.fences("text")).text.splitlines()
