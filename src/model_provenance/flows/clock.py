"""Wall time of the steps of a flow, for receipts and reports; never part of a digest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Collects `(step, seconds)` in the order in which steps ended."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step; a step that fails is not recorded, because then there is no receipt."""
        start = time.perf_counter()
        yield
        self.steps.append((name, time.perf_counter() - start))
