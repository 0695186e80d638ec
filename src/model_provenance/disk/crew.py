"""All cores busy: jobs of known size, the biggest first, on as many threads as there are cores."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from model_provenance.errors import ModelProvenanceError

T = TypeVar("T")
R = TypeVar("R")

#: More threads than this would only take memory: each holds a block or a few.
_MOST = 16


class StoppedError(Exception):
    """Another job failed, or the run was interrupted; the failure itself is raised by `run`."""


def cores() -> int:
    """Cores that this process may use, at least one, at most sixteen."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(count, _MOST))


class Crew(Generic[T, R]):
    """Runs `work(job, crew)` for every job; the first failure stops all others."""

    def __init__(self, work: Callable[[T, Crew[T, R]], R], *, progress: Callable[[int], None] | None = None) -> None:
        self._work = work
        self._progress = progress
        self._lock = threading.Lock()
        self._stopped = False
        self._unfinished = 0
        self._cores = cores()

    def run(self, jobs: Sequence[T], size: Callable[[T], int]) -> list[R]:
        """The results in the order of `jobs`. Raises the first failure, after every thread has ended."""
        order = sorted(range(len(jobs)), key=lambda index: size(jobs[index]), reverse=True)
        results: dict[int, R] = {}
        remaining = iter(order)
        self._unfinished = len(jobs)
        workers = min(self._cores, len(jobs))
        with ThreadPoolExecutor(max(workers, 1), thread_name_prefix="crew") as pool:
            try:
                futures = [pool.submit(self._drain, jobs, remaining, results) for _ in range(workers)]
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                # Also on Ctrl-C: the pool's exit waits for its threads, which look at this between blocks.
                self._stopped = self._stopped or len(results) < len(jobs)
        _raise_first([future.exception() for future in futures])
        return [results[index] for index in range(len(jobs))]

    def idle(self) -> bool:
        """True when fewer jobs are left than there are cores."""
        return self._unfinished < self._cores

    def advance(self, count: int) -> None:
        """Report `count` bytes as read, one caller at a time; ends the job when another one failed."""
        if self._stopped:
            raise StoppedError
        if self._progress is not None:
            with self._lock:
                self._progress(count)

    def _drain(self, jobs: Sequence[T], remaining: object, results: dict[int, R]) -> None:
        while True:
            with self._lock:
                index = next(remaining, None)  # type: ignore[call-overload]
            if index is None or self._stopped:
                return
            try:
                results[index] = self._work(jobs[index], self)
            except BaseException:
                self._stopped = True
                raise
            with self._lock:
                self._unfinished -= 1


def _raise_first(errors: Sequence[BaseException | None]) -> None:
    real = [error for error in errors if error is not None and not isinstance(error, StoppedError)]
    if real:
        # Ours first: it names the file and what to do.
        raise next((error for error in real if isinstance(error, ModelProvenanceError)), real[0])
