"""How long signing waits for services, and several pieces of work at once within that time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

#: A log that answers after a second is asked for a whole release at once, and not by a crowd.
_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits in seconds."""

    connect: float = 10.0
    #: Without a byte from the service.
    read: float = 15.0
    #: The same for a transparency log: Rekor v2 answers only when an entry is in its tree, which takes up to twenty seconds.
    log: float = 22.0
    #: For all attempts of one request together, pauses aside: a service that is silent, or says only after long that it could
    #: not, would cost as much each time.
    waiting: float = 30.0
    #: Requests in all, where a service is down or overloaded.
    attempts: int = 4
    #: Before the second attempt, doubled each time, with jitter.
    pause: float = 0.5
    #: For one step of signing as a whole (the certificate; all entries), retries included.
    total: float = 180.0


def in_time(tasks: Sequence[Callable[[], T]], *, seconds: float) -> list[T]:
    """Run tasks side by side and return their results in order; the first failure is raised at once.

    TimeoutError when they are not done after `seconds`: socket time-outs restart with every byte, so a service that
    drips would hold a caller for ever. The threads are daemons and are left behind then; they end with the process.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, T | None, Exception | None]] = queue.SimpleQueue()
    for index in range(len(tasks)):
        waiting.put(index)

    def work() -> None:
        while True:
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((index, tasks[index](), None))
            except Exception as error:  # noqa: BLE001 - raised again by the caller's thread, whatever it is
                done.put((index, None, error))
                return

    for _ in range(min(_WORKERS, len(tasks))):
        threading.Thread(target=work, daemon=True, name="model-provenance-sign").start()
    return _collect(done, len(tasks), time.monotonic() + seconds)


def _collect(done: queue.SimpleQueue[tuple[int, T | None, Exception | None]], count: int, deadline: float) -> list[T]:
    results: dict[int, T] = {}
    while len(results) < count:
        try:
            index, result, error = done.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty as empty:
            raise TimeoutError from empty
        if error is not None:
            raise error
        results[index] = result  # type: ignore[assignment] # None only where T is None
    return [results[index] for index in range(count)]
