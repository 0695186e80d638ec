"""The key that entries are authenticated with: of this user, on this machine, apart from the entries."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from model_provenance.disk.aside import file_aside
from model_provenance.disk.failure import failure
from model_provenance.disk.state import state_folder
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_SIZE = 32
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def secret_place(env: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME` or `~/.local/state`: not a cache, which CI jobs restore from elsewhere. Raises `cache.place`."""
    folder = state_folder(env)
    if folder is None:
        message = "neither HOME nor XDG_STATE_HOME says where the key of the cache may lie"
        raise ModelProvenanceError("cache.place", message)
    return folder / "cache.key"


def secret(place: Path) -> bytes:
    """The key; made where there is none. Raises `cache.place` for one that somebody else can read or write."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        refuse_shared(place.parent, os.lstat(place.parent))
        if not os.path.lexists(place):
            _make(place)
        descriptor = os.open(place, _OLD)
    except OSError as error:
        raise failure(error, str(place), doing="open the key of the cache") from error
    try:
        status = os.fstat(descriptor)
        regular = stat.S_ISREG(status.st_mode)
        data = os.read(descriptor, _SIZE + 1) if regular else b""
    finally:
        os.close(descriptor)
    if regular and (status.st_mode & 0o077 or status.st_uid != os.geteuid()):
        raise _place(place, "others may read the key of the cache, or it is somebody else's")
    if len(data) != _SIZE:
        raise _place(place, "this is not a key of the cache")
    return data


def refuse_shared(folder: Path, status: os.stat_result) -> None:
    """Raise `cache.place` for a folder that is a link, somebody else's, or one that others may write to."""
    if not stat.S_ISDIR(status.st_mode):
        raise _place(folder, "this is not a folder")
    if status.st_uid != os.geteuid():
        raise _place(folder, "the folder belongs to another user")
    if status.st_mode & 0o022:
        raise _place(folder, "others may write to the folder")


def _make(place: Path) -> None:
    """Whole or not at all: of two processes that start at once, one makes it."""
    temporary, descriptor = file_aside(place.parent, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(_SIZE))
        with suppress(FileExistsError):
            os.link(temporary, place)
    finally:
        temporary.unlink()
        os.close(descriptor)


def _place(path: Path, why: str) -> ModelProvenanceError:
    return ModelProvenanceError("cache.place", why, location=shown(str(path), 400))
