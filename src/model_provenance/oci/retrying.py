"""How often and how long a request is tried again: bounded, with jitter, as long as the registry asks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from model_provenance.oci.transport import Answer

#: 408 and 429 (RFC 9110, RFC 6585), and what proxies and storage say when they are unwell.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Retrying:
    """Tries of one request or one blob. Pauses double from `first` to `longest` seconds, less a random part."""

    tries: int = 8
    first: float = 0.5
    longest: float = 60.0
    sleep: Callable[[float], None] = time.sleep

    def pause(self, attempt: int, answer: Answer | None = None) -> None:
        """Wait before the try after number `attempt` (from 0)."""
        wanted = min(self.first * 2**attempt, self.longest)
        # Full jitter on the upper half: many jobs that were refused together do not come back together.
        wanted *= 0.5 + random.random() / 2  # noqa: S311 - not a secret
        self.sleep(max(wanted, min(retry_after(answer), self.longest)))


def is_passing(answer: Answer) -> bool:
    """True for an answer that another try may turn into a good one."""
    return answer.status in _PASSING


def retry_after(answer: Answer | None) -> float:
    """Seconds that the registry asks to wait; 0 without a number (a date would need two clocks to agree)."""
    text = "" if answer is None else (answer.header("retry-after") or "")
    return float(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0.0
