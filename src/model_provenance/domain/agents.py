"""Who supplies, publishes or made something."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agent:
    """A person or an organisation."""

    name: str
    #: An e-mail address or a web address.
    contact: str | None = None
    is_person: bool = False

    @property
    def email(self) -> str | None:
        """The contact where it is an e-mail address."""
        return self.contact if self.contact and not self.url else None

    @property
    def url(self) -> str | None:
        """The contact where it is a web address."""
        return self.contact if self.contact and self.contact.startswith(("https://", "http://")) else None
