"""The verdict: what a verification, and a decision over it, end with."""

from __future__ import annotations

from enum import Enum


class Result(Enum):
    """The verdict of a verification."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    ERROR = "ERROR"
