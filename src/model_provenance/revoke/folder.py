"""A status list in a folder, which may be a checkout of git; or one snapshot in a file, carried to where no network is."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import final

from model_provenance.disk.failure import failure
from model_provenance.disk.opening import open_named
from model_provenance.disk.publish import PublishedFile
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import BUNDLE_LIMIT
from model_provenance.formats.status_layout import LOOKED_AT, SNAPSHOTS, is_outdated


@final
class StatusFolder:
    """A `StatusStore` at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def location(self) -> str:
        """The path."""
        return shown(str(self._path), 400)

    def snapshots(self) -> tuple[tuple[str, bytes], ...]:
        """Of a file, itself. What is no snapshot is sorted out by whoever verifies them. Raises `machine.*`."""
        if self._path.is_file():
            return ((self._path.name, self._read(self._path)),)
        folder = self._path / SNAPSHOTS
        try:
            names = sorted((entry.name for entry in folder.iterdir()), reverse=True)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise failure(error, str(folder), doing="read") from error
        if len(names) > LOOKED_AT:
            raise ModelProvenanceError(
                "status.too_many",
                f"there are {len(names)} snapshots, more than the {LOOKED_AT} that are looked at",
                location=self.location,
            )
        return tuple((f"{SNAPSHOTS}/{name}", self._read(folder / name)) for name in names)

    def add(self, snapshot: tuple[str, bytes], revocation: tuple[str, bytes] | None) -> None:
        """The revocation first: a snapshot is what counts. Each file appears whole or not at all. Raises `machine.*`."""
        for name, data in (*([revocation] if revocation else []), snapshot):
            path = self._path / name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise failure(error, str(path.parent), doing="write") from error
            with PublishedFile(path) as file:
                file.write(data)
                file.publish()
        for old in (self._path / SNAPSHOTS).iterdir():
            if is_outdated(f"{SNAPSHOTS}/{old.name}", snapshot[0]):
                # It is of no more use, and no harm where it cannot be removed.
                with suppress(OSError):
                    old.unlink()

    def _read(self, path: Path) -> bytes:
        try:
            # A FIFO that lies there would be waited for, for ever.
            descriptor, _ = open_named(path)
            with os.fdopen(descriptor, "rb") as file:
                data = file.read(BUNDLE_LIMIT + 1)
        except OSError as error:
            raise failure(error, str(path), doing="read") from error
        if len(data) > BUNDLE_LIMIT:
            raise ModelProvenanceError(
                "status.malformed", f"it is larger than the {BUNDLE_LIMIT} bytes that are read", location=self.location
            )
        return data
