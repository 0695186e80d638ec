"""One hostile file: its name, how it is made, and the finding that it must give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from model_provenance.domain.facts import Inspection


@dataclass(frozen=True)
class Case:
    """A file called `file`; `data` is its bytes, or makes them where they are many."""

    name: str
    file: str
    data: bytes | Callable[[], bytes]
    #: The finding that it must give; None where it must be read, however much it costs.
    code: str | None
    #: What the finding's message says, as a regular expression: this trick was met, not merely some error.
    says: str = ""
    inspection: Inspection = Inspection.UNREADABLE

    def content(self) -> bytes:
        """The bytes, the same on every machine."""
        return self.data if isinstance(self.data, bytes) else self.data()


def cut(name: str, file: str, whole: bytes, code: str, points: dict[str, tuple[int, str]]) -> Iterator[Case]:
    """`whole` ended at each of the named places, with what the finding says of each."""
    for where, (length, says) in points.items():
        assert 0 <= length < len(whole), where
        yield Case(f"{name}: cut {where}", file, whole[:length], code, says)
