"""Inspects every hostile file in a process of its own, and says what was found and what it cost.

    PYTHONPATH=src:tests python -m readers.hostile_run FOLDER < NAMES      # a name a line, and a line of JSON for it

A fork of a warm process is measured: its processor time begins at zero and its peak memory at what is resident, so
neither the interpreter, nor another case, nor a busy machine counts. A case that is too dear is measured again, beside a
piece of work that is always the same: the least of three is what it costs, the others are what the machine added, and on a
machine that does that work more slowly than the one of the figures a second is as much longer.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from model_provenance.domain.files import Entry
from model_provenance.domain.roles import role_of
from model_provenance.readers.inspect import inspect

from .hostile_case import Case
from .hostile_cases import CASES

SECONDS, BYTES = 1.0, 64e6
ATTEMPTS = 3
#: Processor time of `pace` on the machine that the figures of this corpus were measured on.
PACE = 0.031
#: What stops a case that has got out of hand, long after it has failed.
_PROCESSOR_LIMIT, _MEMORY_LIMIT = 20, 1 << 30


class Folder:
    """A `FileSource` of unbuffered files, as a release opens them."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, path: str) -> BinaryIO:
        """The bytes of one file."""
        return (self._root / path).open("rb", buffering=0)


def main() -> None:
    """The case of each name that is read."""
    root, cases = Path(sys.argv[1]), {case.name: case for case in CASES}
    inspect([], Folder(root))
    for number, line in enumerate(sys.stdin):
        case = cases[line.rstrip("\n")]
        folder = root / str(number)
        folder.mkdir()
        # A large file is made in a process of its own, so that making it leaves no free memory for reading it.
        large = case.name.startswith("dear: ")
        made = apart(lambda case=case, folder=folder: written(folder, case)) if large else written(folder, case)
        result = made if "died" in made else made | least(folder, case)
        (folder / case.file).unlink(missing_ok=True)
        print(json.dumps(result), flush=True)


def written(folder: Path, case: Case) -> dict[str, Any]:
    """Write the file; what tells it from the others."""
    content = case.content()
    (folder / case.file).write_bytes(content)
    return {"digest": hashlib.sha256(case.file.encode() + b"\0" + content).hexdigest(), "size": len(content)}


def least(folder: Path, case: Case) -> dict[str, Any]:
    """The least that a case cost in up to three attempts; `slower` is how much slower than the machine of the figures this is."""
    results: list[dict[str, Any]] = []
    for _ in range(ATTEMPTS):
        results.append({"slower": 1.0} | apart(lambda: looked_at(folder, case)))
        if "died" in results[-1] or (results[-1]["seconds"] <= SECONDS and results[-1]["bytes"] <= BYTES):
            break
        results[-1]["slower"] = max(1.0, apart(pace)["seconds"] / PACE)
    died = [result for result in results if "died" in result]
    return died[0] if died else min(results, key=lambda result: result["seconds"])


def looked_at(folder: Path, case: Case) -> dict[str, Any]:
    """What one inspection finds and costs."""
    entries = [Entry(case.file, (folder / case.file).stat().st_size, role_of(case.file))]
    before, start = resident("VmRSS"), time.process_time()
    facts = inspect(entries, Folder(folder))
    seconds, peak = time.process_time() - start, resident("VmHWM")
    (file,) = facts.files
    return {
        "seconds": seconds,
        "bytes": peak - before,
        "format": file.format,
        "inspection": file.inspection.value,
        "findings": [[finding.id, finding.message] for finding in facts.findings],
        "details": len(json.dumps(file.details, allow_nan=False, ensure_ascii=False).encode()),
        "element_types": len(facts.element_types),
    }


def pace() -> dict[str, Any]:
    """What a fixed piece of work costs that is of the readers' kind: numbers and names out of bytes, kept in a dictionary."""
    start, data, seen = time.process_time(), bytes(range(256)) * 40, dict[object, int]()
    for number in range(100_000):
        at = number * 7 % 10_000
        (value,) = struct.unpack_from("<Q", data, at)
        seen[value] = seen.get(value, 0) + 1
        seen[data[at : at + 9].hex()] = number
    return {"seconds": time.process_time() - start}


def resident(which: str) -> int:
    """Resident bytes now or at the peak; 0 where the system is not Linux."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(which))


def apart(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` returns in a forked process, or how that process died."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_LIMIT, _PROCESSOR_LIMIT))
        if sys.platform == "linux":
            size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + _MEMORY_LIMIT, size + _MEMORY_LIMIT))
        try:
            answer = work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the corpus says so
            answer = {"died": f"{type(error).__name__}: {error}"[:300]}
        os.write(writing, json.dumps(answer).encode()[:60_000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return {"died": f"signal {signal.Signals(os.WTERMSIG(status)).name}"}
    return dict(json.loads(said)) if said else {"died": "nothing was said"}


if __name__ == "__main__":
    main()
