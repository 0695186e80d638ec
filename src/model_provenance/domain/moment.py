"""Moments as documents write them."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DAY = 86_400


def rfc3339(seconds: int) -> str:
    """Unix seconds as RFC 3339 in UTC, to the second: `1970-01-01T00:00:00Z`."""
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_rfc3339(text: object) -> int | None:
    """Unix seconds of exactly that form; None for anything else."""
    return _seconds(text, "%Y-%m-%dT%H:%M:%SZ") if isinstance(text, str) and _MOMENT.fullmatch(text) else None


def parse_day(text: object) -> int | None:
    """Unix seconds of the beginning, in UTC, of a day like `2026-11-28`; None for anything else."""
    return _seconds(text, "%Y-%m-%d") if isinstance(text, str) and _DAY.fullmatch(text) else None


def _seconds(text: str, form: str) -> int | None:
    try:
        return int(datetime.strptime(text, form).replace(tzinfo=timezone.utc).timestamp())
    except ValueError:
        return None
