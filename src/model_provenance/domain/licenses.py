"""A licence, as SPDX writes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Restriction(Enum):
    """What a licence does not simply allow; for a reader, not a legal opinion."""

    NON_COMMERCIAL = "non-commercial"
    RESEARCH_ONLY = "research-only"
    NO_DERIVATIVES = "no-derivatives"
    SHARE_ALIKE = "share-alike"
    USE_RESTRICTED = "use-restricted"
    ACCEPTABLE_USE = "acceptable-use-policy"
    USER_THRESHOLD = "user-threshold"


@dataclass(frozen=True, slots=True)
class License:
    """One licence as SPDX writes it: an identifier of the list, an expression, or a `LicenseRef-`."""

    expression: str
    #: As the author wrote it.
    written: str
    #: Every `LicenseRef-` in `expression` -> its full name; the text itself is not ours to copy.
    references: tuple[tuple[str, str], ...] = ()
    url: str | None = None
    restrictions: tuple[Restriction, ...] = ()
    #: The author named a family (`gpl`, `cc`) and no version: never resolved to one of its members.
    ambiguous: bool = False

    @property
    def is_compound(self) -> bool:
        """True for `A AND B`, `A OR B`, `A WITH B`."""
        return " " in self.expression
