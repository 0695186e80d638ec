"""The files of one model as they were found, and the only way to open them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, final

from model_provenance.disk.failure import failure
from model_provenance.disk.opening import NotRegularError, Stamp, open_file
from model_provenance.domain.files import Entry, Keeper
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bytes of an entry lie: beneath which descriptor, and what the file looked like when it was found."""

    root: int
    parts: tuple[bytes, ...]
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Survey:
    """What one walk found; two walks of an unchanged model are equal."""

    entries: tuple[Entry, ...]
    places: Mapping[str, Place]
    links: tuple[tuple[str, str], ...]


@final
class Inventory:
    """A model's files, sorted by name. Holds its root open: close it, or use it as a context manager.

    It is a `FileSource`; `open` and `reading` may be called from several threads.
    """

    def __init__(
        self,
        root: Path,
        *,
        survey: Callable[[], Survey],
        close: Callable[[], None],
        ignored: tuple[str, ...],
        keeper: Keeper | None = None,
    ) -> None:
        self.root = root
        self._keeper = keeper
        #: What the keeper answered with, and its stamp.
        self._kept: dict[str, tuple[int, Stamp]] = {}
        self._survey = survey
        self._close = close
        #: The caller's own ignore paths and exclusions beneath the root, relative to it.
        self.ignored = ignored
        self._found = survey()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every file of the model, in code-point order of its path."""
        return self._found.entries

    @property
    def stamps(self) -> Mapping[str, Stamp]:
        """What tells for every path whether the file is still the one that was found."""
        return {path: place.stamp for path, place in self._found.places.items()}

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """(path, target) of each symbolic link that was followed."""
        return self._found.links

    def __enter__(self) -> Inventory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the root; safe to call twice."""
        self._close()

    def open(self, path: str) -> BinaryIO:
        """An unbuffered stream at offset 0. Raises `pack.changed`, `pack.vanished`, `machine.*`."""
        kept = self._keeper is not None
        descriptor = os.dup(self._read_from(path)[0]) if kept else self._descriptor(path)
        return os.fdopen(descriptor, "rb", buffering=0)

    @contextmanager
    def reading(self, path: str) -> Iterator[int]:
        """A descriptor at offset 0; after a block that ends well, an error when the file changed or was removed."""
        descriptor, stamp = self._read_from(path)
        try:
            yield descriptor
            status = os.fstat(descriptor)
            if Stamp.of(status) != stamp:
                raise changed(path) if status.st_nlink else _vanished(path)
        finally:
            if self._keeper is None:
                os.close(descriptor)

    def keep(self) -> None:
        """Open every file that is not open yet and give it to the keeper, without reading it. Raises as `reading`."""
        for entry in self.entries:
            self._read_from(entry.path)

    def recheck(self) -> None:
        """Walk again and compare: a file that came, went or changed since the first walk is `pack.changed`."""
        again = self._survey()
        before, after = self._found.places, again.places
        if before == after and self._found.links == again.links:
            return
        names = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path)) or sorted(
            path for path, _ in {*self._found.links} ^ {*again.links}
        )
        lines = [f"{shown(path)}: {_difference(path, before, after)}" for path in names[:_SHOWN]]
        if len(names) > _SHOWN:
            lines.append(f"and {len(names) - _SHOWN} more")
        gone = all(path in before and path not in after for path in names)
        raise ModelProvenanceError(
            "pack.vanished" if gone else "pack.changed",
            "the model changed while it was read:\n  " + "\n  ".join(lines),
            location=shown(str(self.root), 400),
        )

    def _read_from(self, path: str) -> tuple[int, Stamp]:
        """What is read, and its stamp: a descriptor of our own, or for good the one that the keeper gave."""
        if self._keeper is None:
            descriptor = self._descriptor(path)
            return descriptor, self._found.places[path].stamp
        if path not in self._kept:
            descriptor = self._keeper.keep(path, self._descriptor(path))
            stamp = Stamp.of(os.fstat(descriptor))
            if stamp.size != self._found.places[path].stamp.size:
                raise changed(path)
            self._kept[path] = descriptor, stamp
        descriptor, stamp = self._kept[path]
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor, stamp

    def _descriptor(self, path: str) -> int:
        place = self._found.places.get(path)
        if place is None:
            raise ModelProvenanceError("pack.vanished", "the model has no file of this name", location=shown(path))
        try:
            descriptor, stamp = open_file(place.root, place.parts)
        except NotRegularError as error:
            raise changed(path) from error
        except FileNotFoundError as error:
            raise _vanished(path) from error
        except OSError as error:
            raise _not_opened(error, path) from error
        if stamp != place.stamp:
            os.close(descriptor)
            raise changed(path)
        return descriptor


def changed(path: str) -> ModelProvenanceError:
    """A file is not what it was when the model was listed."""
    return ModelProvenanceError("pack.changed", "the file changed while the model was read", location=shown(path))


def _vanished(path: str) -> ModelProvenanceError:
    return ModelProvenanceError(
        "pack.vanished", "the file was there when the model was listed and is gone", location=shown(path)
    )


def _not_opened(error: OSError, path: str) -> ModelProvenanceError:
    # O_NOFOLLOW on a link that replaced a file or a folder (ELOOP, ENOTDIR), a socket that did (ENXIO).
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EMLINK):
        return changed(path)
    return failure(error, path, doing="read")


def _difference(path: str, before: Mapping[str, Place], after: Mapping[str, Place]) -> str:
    if path not in after:
        return "gone"
    return "changed" if path in before else "new"
