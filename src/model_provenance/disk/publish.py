"""Files that appear under their name whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import final

from model_provenance.disk.failure import failure

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@final
class PublishedFile:
    """A file written under a temporary name beside its target; `publish` renames it, leaving the block removes it.

    Every OSError becomes `machine.disk`, `machine.permission` or `machine.io`.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._temporary: Path | None = target.parent / f".{target.name[:100]}.{secrets.token_hex(8)}"
        try:
            # The umask decides who may read what is released; mkstemp would make it 0600.
            self._descriptor = os.open(self._temporary, _NEW, 0o666)
        except OSError as error:
            raise failure(error, str(target), doing="write") from error

    def __enter__(self) -> PublishedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def write(self, data: memoryview | bytes) -> None:
        """Append all of `data`."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            raise failure(error, str(self._target), doing="write") from error

    def publish(self, target: Path | None = None, *, durable: bool = True) -> None:
        """Give the file its name, after it has reached the disk unless not `durable`; replaces what is there."""
        final = target or self._target
        try:
            if durable:
                os.fsync(self._descriptor)
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
            if self._temporary is not None:
                self._temporary.replace(final)
                self._temporary = None
        except OSError as error:
            raise failure(error, str(final), doing="write") from error

    def discard(self) -> None:
        """Remove the temporary file, if it has not been published."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None
