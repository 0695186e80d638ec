"""One result of one check. A check that was skipped is a finding too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from model_provenance.errors import CODES


class Severity(Enum):
    """How much a finding matters: an ERROR fails the run, a WARNING is shown, INFO is only recorded."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Status(Enum):
    """What the check said: it held, it did not, it could not be carried out, it was left out, or it has no meaning here."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    ERROR = "error"
    SKIPPED = "skipped"
    #: E.g. the certificate of a signature by a key.
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True, slots=True)
class Finding:
    """`id` is a code of `errors.codes`, or the check's own identifier where the check passed."""

    id: str
    severity: Severity
    status: Status
    message: str
    remedy: str = ""
    location: str = ""


def failed(id: str, message: str, *, remedy: str = "", location: str = "") -> Finding:
    """A check that did not hold."""
    return Finding(id, Severity.ERROR, Status.FAIL, message, remedy or _remedy(id), location)


def undecided(id: str, message: str, *, remedy: str = "", location: str = "") -> Finding:
    """A check that could not be carried out: never a pass."""
    return Finding(id, Severity.ERROR, Status.ERROR, message, remedy or _remedy(id), location)


def warned(id: str, message: str, *, remedy: str = "", location: str = "") -> Finding:
    """Something a person should know, which does not decide."""
    return Finding(id, Severity.WARNING, Status.FAIL, message, remedy or _remedy(id), location)


def skipped(id: str, message: str, *, remedy: str = "", location: str = "") -> Finding:
    """A check that was left out, with the reason."""
    return Finding(id, Severity.WARNING, Status.SKIPPED, message, remedy or _remedy(id), location)


def passed(id: str, message: str, *, location: str = "") -> Finding:
    """A check that held."""
    return Finding(id, Severity.INFO, Status.PASS, message, location=location)


def not_applicable(id: str, message: str) -> Finding:
    """A check that has no meaning for what was put before it, with the reason."""
    return Finding(id, Severity.INFO, Status.NOT_APPLICABLE, message)


def _remedy(id: str) -> str:
    """What helps in general with this code, where the check knows nothing better."""
    code = CODES.get(id)
    return "" if code is None else code.remedy
