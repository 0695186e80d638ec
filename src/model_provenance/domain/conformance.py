"""How far an SBOM, or a release, has what a list of minimum elements asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Presence(Enum):
    """How an element is there: read from bytes or a runner, typed by a person, or not at all."""

    PRESENT = "present"
    DECLARED = "declared"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a profile, as its YAML file says."""

    id: str
    name: str
    #: Paths in the view; all of them are needed.
    facts: tuple[str, ...]
    required: bool
    #: What to add where it is absent.
    add: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A list of elements."""

    id: str
    title: str
    source: str
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One element, judged."""

    element: Element
    presence: Presence
    #: Where it comes from, e.g. `model.version: observed`; what lacks it where it is absent.
    where: str


@dataclass(frozen=True, slots=True)
class Conformance:
    """A profile, judged."""

    profile: Profile
    verdicts: tuple[Verdict, ...]

    @property
    def holds(self) -> bool:
        """Whether every required element is there."""
        return not any(v.element.required and v.presence is Presence.ABSENT for v in self.verdicts)

    @property
    def met(self) -> int:
        """Elements that are there."""
        return sum(1 for verdict in self.verdicts if verdict.presence is not Presence.ABSENT)

    @property
    def absent(self) -> tuple[Verdict, ...]:
        """What is not there, in the order of the profile."""
        return tuple(verdict for verdict in self.verdicts if verdict.presence is Presence.ABSENT)

    @property
    def score(self) -> str:
        """e.g. "5 of 7"."""
        return f"{self.met} of {len(self.verdicts)}"
