"""Empty a folder by descriptors: links are not followed, nothing is entered that is mounted there, no depth is too deep."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def empty(folder: int, last: str | None = None) -> str:
    """Remove everything in `folder`, its file `last` when nothing else is left. Why something stays, or empty. Raises OSError.

    Folders come up into `folder` under names of chance and are emptied there, one at a time: a tree of any depth takes two
    descriptors and no recursion, and rename(2) refuses (EBUSY) what something is mounted on.
    """
    waiting: list[str] = []
    stays = _thin(folder, folder, last, waiting)
    while waiting:
        name = waiting.pop()
        try:
            below = os.open(name, _FOLDER, dir_fd=folder)
            try:
                problem = _thin(folder, below, None, waiting)
            finally:
                os.close(below)
            stays = stays or problem
            if not problem:
                os.rmdir(name, dir_fd=folder)
        except OSError as error:
            stays = stays or str(error.strerror)
    # Whatever stays is known by it to the next run.
    if last is not None and not stays and os.listdir(folder) == [last]:
        os.unlink(last, dir_fd=folder)
    return stays


def _thin(top: int, folder: int, spared: str | None, waiting: list[str]) -> str:
    """Files and empty folders in `folder` go, other folders come up into `top`, to wait there. Why something stays, or empty."""
    stays = ""
    for name in os.listdir(folder):
        if name == spared:
            continue
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode):
                os.unlink(name, dir_fd=folder)
                continue
            if status.st_dev != os.fstat(top).st_dev:
                stays = stays or "something is mounted in it"
                continue
            with suppress(OSError):
                os.rmdir(name, dir_fd=folder)
                continue
            up = secrets.token_hex(16)
            os.rename(name, up, src_dir_fd=folder, dst_dir_fd=top)
            waiting.append(up)
        except OSError as error:
            stays = stays or str(error.strerror)
    return stays
