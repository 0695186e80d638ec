"""Everything that a model may not hold, said at once: a person fixes one list, not one name a run."""

from __future__ import annotations

from model_provenance.domain.text import shown
from model_provenance.errors import CODES, ModelProvenanceError

#: Names in one message; a folder of 10,000 links must not make 10,000 lines.
_SHOWN = 20


class Refusals:
    """Collects refused names; `settle` raises one error that lists them."""

    def __init__(self) -> None:
        self._items: list[tuple[str, str, str]] = []
        self._remedies: dict[str, str] = {}

    def add(self, code: str, path: str, reason: str, remedy: str | None = None) -> None:
        """Refuse `path`; `reason` finishes the line `PATH: …` and holds no unescaped hostile text."""
        self._items.append((code, shown(path), reason))
        self._remedies.setdefault(code, remedy or CODES[code].remedy)

    @property
    def count(self) -> int:
        """How many names have been refused so far."""
        return len(self._items)

    def settle(self, root: str) -> None:
        """Raise when anything was refused: its code where all share one, else `pack.refused`."""
        if not self._items:
            return
        items = sorted(self._items, key=lambda item: item[1])
        lines = [f"{path}: {reason}" for _, path, reason in items[:_SHOWN]]
        if len(items) > _SHOWN:
            lines.append(f"and {len(items) - _SHOWN} more")
        codes = sorted(self._remedies)
        code = codes[0] if len(codes) == 1 else "pack.refused"
        remedy = " ".join(self._remedies[code] for code in codes)
        if len(items) == 1:
            raise ModelProvenanceError(code, lines[0], remedy=remedy, location=shown(root, 400))
        head = f"{len(items)} names in the model are refused:"
        raise ModelProvenanceError(code, "\n  ".join([head, *lines]), remedy=remedy, location=shown(root, 400))
