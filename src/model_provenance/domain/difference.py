"""What changed from one release of a model to the next, for reviewers. Read, not verified: it decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One release, as far as two are compared."""

    name: str
    version: str
    #: path -> digest of each file.
    files: Mapping[str, str]
    #: Label (licence, datasets, …) -> values; none where nothing is known.
    facts: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that is not what it was: the values that are gone, and the new ones."""

    label: str
    gone: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Files by what happened to them, and facts that changed."""

    #: Name and version of the earlier release.
    since: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    facts: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        """True where both are the same."""
        return not (self.added or self.removed or self.changed or self.facts)


def difference(before: Snapshot, after: Snapshot) -> Difference:
    """From `before` to `after`, sorted."""
    common = before.files.keys() & after.files.keys()
    labels = [*after.facts, *(label for label in before.facts if label not in after.facts)]
    return Difference(
        since=f"{before.name} {before.version}",
        added=tuple(sorted(after.files.keys() - common)),
        removed=tuple(sorted(before.files.keys() - common)),
        changed=tuple(sorted(path for path in common if before.files[path] != after.files[path])),
        facts=tuple(change for label in labels if (change := _change(label, before, after)) is not None),
    )


def _change(label: str, before: Snapshot, after: Snapshot) -> Change | None:
    old, new = before.facts.get(label, ()), after.facts.get(label, ())
    gone, added = tuple(v for v in old if v not in new), tuple(v for v in new if v not in old)
    return Change(label, gone, added) if gone or added else None
