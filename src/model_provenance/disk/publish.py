"""Files that appear under their name whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import final

from model_provenance.disk.aside import PREFIX, file_aside, locked
from model_provenance.disk.failure import failure

#: Without a name until it is whole (open(2)): a run that is killed leaves nothing. macOS and some file systems have none.
_NAMELESS = getattr(os, "O_TMPFILE", 0)
_OPEN = Path("/proc/self/fd")
_NOT_HERE = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)


@final
class PublishedFile:
    """A file that has no name, or a temporary one, beside its target; `publish` gives it its own, leaving the block removes it.

    Every OSError becomes `machine.disk`, `machine.permission` or `machine.io`.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        try:
            # The umask decides who may read what is released; mkstemp would make it 0600.
            self._temporary: Path | None
            self._temporary, self._descriptor = _nameless(target.parent) or file_aside(target.parent, 0o666)
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
            if self._temporary is None and _named(self._descriptor, final):
                self._close()
                return
            if self._temporary is None:
                # Only a rename replaces what is there. Held before it has a name, which another run would remove.
                locked(self._descriptor)
                name = self._target.parent / f"{PREFIX}{secrets.token_hex(8)}"
                _link(self._descriptor, name)
                self._temporary = name
            self._temporary.replace(final)
            self._temporary = None
            self._close()
        except OSError as error:
            raise failure(error, str(final), doing="write") from error

    def discard(self) -> None:
        """Remove the temporary file, if it has not been published."""
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None
        with suppress(OSError):
            self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _nameless(parent: Path) -> tuple[None, int] | None:
    """None where there are no files without a name, or none could be given one later."""
    if not _NAMELESS or not _OPEN.is_dir():
        return None
    try:
        descriptor = os.open(parent, os.O_WRONLY | _NAMELESS | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno in _NOT_HERE:
            return None
        raise
    return None, descriptor


def _named(descriptor: int, target: Path) -> bool:
    """False where something lies there already."""
    try:
        _link(descriptor, target)
    except FileExistsError:
        return False
    return True


def _link(descriptor: int, target: Path) -> None:
    # With a descriptor of a folder, which an absolute path does not need, Python calls linkat(2), which follows the link.
    os.link(_OPEN / str(descriptor), target, src_dir_fd=descriptor, follow_symlinks=True)
