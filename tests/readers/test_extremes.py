"""The bounds hold: a second and 64 MB for the most expensive files that can be made. A busy machine is allowed more time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .extremes import EXTREMES

# A process of its own, so that its peak memory is that of inspecting and not of making the files.
CHILD = """
import json, sys, time
from pathlib import Path
from model_provenance.domain.files import Entry
from model_provenance.domain.roles import role_of
from model_provenance.readers.inspect import inspect

class Folder:
    def __init__(self, root): self.root = root
    def open(self, path): return (self.root / path).open("rb", buffering=0)

def peak():
    # VmHWM begins anew with the process; ru_maxrss would begin with the parent's. Nothing to measure elsewhere than on Linux.
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

inspect([], Folder(Path()))
before, seconds = peak(), {}
for root in sorted(Path(sys.argv[1]).iterdir()):
    entries = [Entry(path.name, path.stat().st_size, role_of(path.name)) for path in root.iterdir()]
    start = time.thread_time()
    assert len(inspect(entries, Folder(root)).files) == 1
    seconds[root.name] = time.thread_time() - start
print(json.dumps({"seconds": seconds, "bytes": peak() - before}))
"""


def test_the_most_expensive_files_stay_within_time_and_memory(tmp_path: Path) -> None:
    """Processor time of each file, and the memory of the whole process over all of them, whatever their content."""
    for case, (name, make) in EXTREMES.items():
        (tmp_path / case).mkdir()
        (tmp_path / case / name).write_bytes(make())
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    result = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    assert result["bytes"] < 80e6  # 64 MB, and what the allocator keeps between files
    slow = {case: seconds for case, seconds in result["seconds"].items() if seconds > 3}
    assert not slow
    assert len(result["seconds"]) == len(EXTREMES)
