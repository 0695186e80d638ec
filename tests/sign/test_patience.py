"""Several pieces of work within one time."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from model_provenance.sign.patience import in_time


def test_results_come_in_order() -> None:
    """Whoever is done first, the results stand in the order of the tasks."""

    def task(number: int) -> int:
        time.sleep(0.05 - number / 100)
        return number

    assert in_time([partial(task, n) for n in range(5)], seconds=5) == [0, 1, 2, 3, 4]


def test_waiting_is_shared() -> None:
    """Five tasks that wait do so at the same time: each waits here for the four others."""
    together = threading.Barrier(5)
    assert sorted(in_time([lambda: together.wait(20)] * 5, seconds=30)) == [0, 1, 2, 3, 4]


def test_no_crowd_is_sent() -> None:
    """A hundred tasks run at most eight at a time, and all of them run."""
    lock, running, most = threading.Lock(), 0, 0

    def task() -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1
        return 1

    assert sum(in_time([task] * 100, seconds=10)) == 100
    assert most <= 8


def test_a_failure_does_not_wait_for_the_others() -> None:
    """The first failure is raised while the others still run."""
    gate = threading.Event()

    def fail() -> None:
        raise LookupError

    began = time.monotonic()
    with pytest.raises(LookupError):
        in_time([lambda: gate.wait(30), fail], seconds=30)
    assert time.monotonic() - began < 20
    gate.set()


def test_time_runs_out() -> None:
    """A task that never ends is given up after the time, in a thread that does not keep the process alive."""
    gate = threading.Event()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        in_time([lambda: gate.wait(30)], seconds=0.1)
    assert time.monotonic() - began < 20
    assert all(t.daemon for t in threading.enumerate() if t.name == "model-provenance-sign")
    gate.set()


def test_nothing_to_do_is_done() -> None:
    """No tasks give no results at once."""
    assert in_time([], seconds=0) == []
