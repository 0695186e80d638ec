"""How often and how long a request is tried again: bounded, with jitter, as long as the registry asks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

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
    """Seconds that the registry asks to wait, as a number or as a date (RFC 9110, 10.2.3); 0 where it does not say.

    A date counts from the answer's own `Date`: both are of one clock, and ours may be another.
    """
    text = "" if answer is None else (answer.header("retry-after") or "")
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
        return float(text)
    then = _moment(text)
    if answer is None or then is None:
        return 0.0
    now = _moment(answer.header("date") or "") or datetime.now(timezone.utc)
    return max((then - now).total_seconds(), 0.0)


def _moment(text: str) -> datetime | None:
    """An HTTP date; None for anything else."""
    try:
        moment = parsedate_to_datetime(text[:64])
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
