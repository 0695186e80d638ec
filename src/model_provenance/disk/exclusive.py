"""One process at a time in a folder (flock(2)): for a table that is read, added to and replaced."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_provenance.disk.failure import failure
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_PAUSE_SECONDS = 0.02
_BUSY = (errno.EAGAIN, errno.EACCES)


@contextmanager
def alone_in(folder: Path, *, seconds: float, busy: str) -> Iterator[None]:
    """Wait until no other process is in `folder`, at most so long; the lock ends with the block, or with the process.

    Raises the code `busy`, `machine.*`. A file system without locks gives none: there the last writer wins, as without this.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise failure(error, str(folder), doing="open") from error
    try:
        _lock(descriptor, folder, time.monotonic() + seconds, busy)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path, deadline: float, busy: str) -> None:
    import fcntl  # noqa: PLC0415 - there is none on Windows

    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _BUSY:
                return
        else:
            return
        if time.monotonic() > deadline:
            raise ModelProvenanceError(
                busy, "another process writes this folder and does not end", location=shown(str(folder), 400)
            )
        time.sleep(_PAUSE_SECONDS)
