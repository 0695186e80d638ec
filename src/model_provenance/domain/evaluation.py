"""Evaluations of a model: what result files measured, and how a number stands to the bounds that were set for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from model_provenance.domain.digest import Digest

#: What an evaluation is about; bias tests are named as such wherever a format has a place for it.
KINDS = ("performance", "bias", "safety")
_NUMBER = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][-+]?[0-9]{1,3})?")


class Outcome(Enum):
    """How one evaluation ended, in the words of in-toto's test results."""

    #: It keeps the bounds that were declared for it.
    PASSED = "PASSED"
    #: Somebody says that it passed, and no bound says what passing means.
    WARNED = "WARNED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Measured:
    """One number of a result file."""

    name: str
    metric: str | None
    #: As written in the file.
    value: str | int
    dataset: str | None = None
    kind: str | None = None
    #: The people, or the part of the data, that it was measured for.
    group: str | None = None
    url: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """A result file, as read."""

    #: Its name without folders.
    file: str
    digest: Digest
    measured: tuple[Measured, ...]


def number_of(value: object) -> Decimal | None:
    """The exact number that a JSON value is or that a text writes; None for anything else, also for infinities."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def beyond(value: Decimal, at_least: Decimal | None, at_most: Decimal | None) -> str | None:
    """How a value misses its bounds, in words that follow its name; None where it keeps them."""
    if at_least is not None and value < at_least:
        return f"is {value}, and at least {at_least} is asked for"
    if at_most is not None and value > at_most:
        return f"is {value}, and at most {at_most} is allowed"
    return None
