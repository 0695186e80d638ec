"""Whole-process measurements: wall time, processor time, peak memory and bytes read, as the kernel accounts them."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One finished process. Times in seconds, memory and bytes in bytes; `read` is what read(2) returned, -1 if unknown."""

    wall: float
    cpu: float
    peak: int
    read: int
    status: int


def run(command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end. A child that forks is accounted with its children, but for `peak` (the largest one)."""
    start = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        cwd=cwd,
        env=None if env is None else dict(env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # Wait without reaping, so that the kernel's counters can still be read.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    wall = time.perf_counter() - start
    read = _bytes_read(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, read, process.returncode)


def median(runs: Sequence[Run]) -> Run:
    """The middle of each figure; every run must have ended with 0, or the comparison would be of failures."""
    failed = [r.status for r in runs if r.status != 0]
    if failed:
        raise SystemExit(f"a measured command failed with status {failed[0]}")
    return Run(
        statistics.median(r.wall for r in runs),
        statistics.median(r.cpu for r in runs),
        max(r.peak for r in runs),
        int(statistics.median(r.read for r in runs)),
        0,
    )


def _bytes_read(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return -1
    return int(next(line for line in lines if line.startswith("rchar")).split()[1])
