"""The one exception family: every failure has a stable code, an exit status, a cause and a remedy.

Codes are `room.reason`; `codes.py` lists each with its exit status, its title and the remedy that is true whatever the
details. Findings (`domain.finding`) use the same identifiers, so a reader looks up one table (`docs/errors.md`).
Foreign exceptions are translated where they enter, with `raise … from`; nothing else may leave a public function.
"""

from __future__ import annotations

from enum import IntEnum

from model_provenance.errors.codes import CODES, Code

__all__ = ["CODES", "Code", "Exit", "ModelProvenanceError", "exit_status_of"]

DOCS_URL = "https://model-provenance.dev/docs/errors"


class Exit(IntEnum):
    """Process exit statuses: stable, documented in `docs/errors.md`, each proven reachable by a test."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    NOTHING_TO_DO = 3
    SIGNATURE = 10
    CONTENT = 11
    EVIDENCE_MISSING = 12
    POLICY = 13
    REVOKED = 14
    UNDECIDED = 15
    SERVICE = 20
    CI_IDENTITY = 21
    TOOL_MISSING = 22
    UNSIGNED = 23


class ModelProvenanceError(Exception):
    """A failure that the user can act on.

    `code` is a key of `CODES`; `message` says what happened and why, in one or a few lines, already free of control
    characters from hostile input (use `domain.text.shown`); `remedy` overrides the code's general remedy with the exact
    thing to do; `location` is a file, a reference or `file:line:column`.
    """

    def __init__(self, code: str, message: str, *, remedy: str | None = None, location: str | None = None) -> None:
        entry = CODES[code]
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy or entry.remedy
        self.location = location

    @property
    def exit_status(self) -> Exit:
        """The status that the process ends with when nothing outranks this failure."""
        return exit_status_of(self.code)

    @property
    def docs(self) -> str:
        """The address of this code's paragraph."""
        return f"{DOCS_URL}#{self.code.replace('.', '')}"

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.message}"


def exit_status_of(code: str) -> Exit:
    """The exit status of a code; an unknown code is our own defect, hence a KeyError."""
    return Exit(CODES[code].status)
