"""Programs that stand where `opa` would: one repeats what the real one has said about a case, one writes it down.

The recordings are the real one's, over the very bytes of the case; `tests/interop/test_opa.py` compares them again.
"""

from __future__ import annotations

import sys
from pathlib import Path

RECORDING = "opa.json"
_CAPABILITIES = '{"builtins": [{"name": "count"}, {"name": "http.send", "nondeterministic": true}]}'


def stand_in(folder: Path, recorded: Path) -> Path:
    """An executable in `folder` that prints what was recorded, whatever it is asked to evaluate."""
    return executable(
        folder,
        f"""
import json, sys
if sys.argv[1] == "capabilities":
    print({_CAPABILITIES!r})
    raise SystemExit(0)
said = json.load(open({str(recorded)!r}))
print(json.dumps(said["output"]))
raise SystemExit(said["status"])
""",
    )


def writing_down(folder: Path, opa: Path, record: Path) -> Path:
    """An executable that runs the real `opa` and writes down what it says."""
    return executable(
        folder,
        f"""
import json, subprocess, sys
answer = subprocess.run([{str(opa)!r}, *sys.argv[1:]], capture_output=True)
if sys.argv[1] == "eval":
    said = {{"status": answer.returncode, "output": json.loads(answer.stdout)}}
    json.dump(said, open({str(record)!r}, "w"), indent=2, sort_keys=True)
sys.stdout.buffer.write(answer.stdout)
sys.stderr.buffer.write(answer.stderr)
raise SystemExit(answer.returncode)
""",
    )


def executable(folder: Path, program: str) -> Path:
    """A program in Python, which needs no PATH."""
    path = folder / "opa"
    path.write_text(f"#!{sys.executable} -I\n{program}")
    path.chmod(0o755)
    return path
