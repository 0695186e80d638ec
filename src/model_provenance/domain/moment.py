"""Moments as documents write them."""

from __future__ import annotations

from datetime import datetime, timezone


def rfc3339(seconds: int) -> str:
    """Unix seconds as RFC 3339 in UTC, to the second: `1970-01-01T00:00:00Z`."""
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
