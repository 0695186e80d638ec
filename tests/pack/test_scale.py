"""Little memory, whatever the size. Many files and huge ones are released in `tests/cli/test_big_models.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model_provenance.domain.package import Layout

#: Reads a model in a process of its own and prints the package digest and the megabytes that the read took.
SCRIPT = """
import resource, sys
from pathlib import Path
from model_provenance.domain.package import Layout
from model_provenance.pack.read import read
from model_provenance.pack.walk import walk
with walk(Path(sys.argv[1])) as inventory:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    package = read(inventory, layout=Layout(sys.argv[2]))
    print(package.package_digest.hex, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def measured(root: Path, layout: Layout) -> tuple[str, int]:
    """Package digest and growth of the resident set, in MiB."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(root), layout.value], capture_output=True, text=True, check=True, env=env
    )
    digest, grown = done.stdout.split()
    return digest, int(grown)


@pytest.mark.parametrize("layout", [Layout.LAYERS, Layout.RAW, Layout.TAR_ZST])
def test_memory_does_not_grow_with_the_model(tmp_path: Path, layout: Layout) -> None:
    """A file of 300 MB takes a few buffers, not its size."""
    root = tmp_path / "m"
    root.mkdir()
    with (root / "model.gguf").open("wb") as file:
        file.truncate(300 * 10**6)
    _, grown = measured(root, layout)
    assert grown <= 20
