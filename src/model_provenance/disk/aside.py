"""Files and folders under a temporary name beside what they become, each held by a lock (flock(2)) while its run lives.

A run that ends removes its own. One that was killed, or lost its power, cannot; its lock is free then, and the next run in that
place removes what it left. Names are `.model-provenance-tmp.` and 16 hex digits.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from model_provenance.disk.emptying import empty
from model_provenance.disk.mounts import LOCAL, file_system
from model_provenance.disk.opening import open_root
from model_provenance.disk.ours import empty_or_ours

PREFIX = ".model-provenance-tmp."
#: An empty file in every folder of ours from its first moment on; a folder of such a name without it is somebody else's.
MARK = "made-by-model-provenance"
#: Below a folder of ours: an earlier release that stepped aside for the moment between two renames.
EARLIER = "earlier"
_NAME = re.compile(re.escape(PREFIX) + "[0-9a-f]{16}")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: What rename(2) says where something lies that is no empty folder.
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
_BUSY = (errno.EAGAIN, errno.EACCES)
_TRIES = 100


@dataclass(frozen=True, slots=True)
class Left:
    """What an earlier run left at `path`. `why` it was not removed; empty where it was. `back`: what has its name again."""

    path: Path
    why: str = ""
    back: str = ""


@contextmanager
def folder_aside(parent: Path) -> Iterator[Path]:
    """A fresh folder in `parent` that only this user may enter, removed in the end as `sweep` would. Raises OSError.

    So what stepped aside into it gets its name again where the block ended, or was interrupted, before that was taken.
    """
    root = open_root(parent)
    try:
        path, descriptor = _folder(parent)
        try:
            yield path
        finally:
            # What stays, the next run names, and why. That it is ours need not be told: some file systems keep no modes.
            with suppress(OSError):
                _clear(root, path, descriptor)
            os.close(descriptor)
    finally:
        os.close(root)


def file_aside(parent: Path, mode: int) -> tuple[Path, int]:
    """A fresh file in `parent` and its descriptor, which holds the lock until the caller closes it. Raises OSError."""
    sweep(parent)
    for _ in range(_TRIES):
        path = parent / f"{PREFIX}{secrets.token_hex(8)}"
        descriptor = os.open(path, _NEW, mode)
        if held(descriptor, path):
            return path, descriptor
        os.close(descriptor)
    raise OSError(errno.EAGAIN, "another run removes what this one makes", str(parent))


def sweep(parent: Path, named: re.Pattern[str] = _NAME) -> tuple[Left, ...]:
    """Remove what runs that have ended left in `parent` under such a name; say what was removed or left alone, and why.

    What a run still holds is not touched, and not spoken of.
    """
    try:
        root = open_root(parent)
    except OSError:
        return ()  # who writes there says what is wrong with it
    try:
        with os.scandir(root) as entries:
            names = sorted(entry.name for entry in entries if named.fullmatch(entry.name))
        return tuple(left for name in names if (left := _swept(root, parent, name)) is not None)
    except OSError:
        return ()
    finally:
        os.close(root)


def _folder(parent: Path) -> tuple[Path, int]:
    for _ in range(_TRIES):
        path = parent / f"{PREFIX}{secrets.token_hex(8)}"
        path.mkdir(mode=0o700)
        try:
            descriptor = os.open(path, _FOLDER)
        except FileNotFoundError:
            continue  # swept before it was locked
        try:
            if held(descriptor, path):
                mark(descriptor)
                return path, descriptor
        except BaseException:
            with suppress(OSError):
                path.rmdir()
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise OSError(errno.EAGAIN, "another run removes what this one makes", str(parent))


def held(descriptor: int, path: Path) -> bool:
    """Lock what was opened at `path` until it is closed; False where another run holds it, or moved or removed it meanwhile."""
    if not locked(descriptor):
        return False
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def locked(descriptor: int) -> bool:
    """Lock what was opened until it is closed; False where another run holds it.

    A file system without locks gives none, and nothing is swept there, either.
    """
    import fcntl  # noqa: PLC0415 - there is none on Windows

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _BUSY
    return True


def _swept(root: int, parent: Path, name: str) -> Left | None:
    """None for what is in use, or gone by now."""
    path = parent / name
    try:
        found = os.stat(name, dir_fd=root, follow_symlinks=False)
        problem = _foreign(found)
        if problem:
            return Left(path, problem)
        descriptor = os.open(name, _LOOK, dir_fd=root)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Left(path, f"it cannot be opened ({error.strerror})")
    try:
        opened = os.fstat(descriptor)
        if not os.path.samestat(opened, found):
            return Left(path, "something else was put in its place")
        unknown = _held(descriptor)
        if unknown is None:
            return None
        return Left(path, unknown) if unknown else _remove(root, path, descriptor)
    except FileNotFoundError:
        return None  # its run has just finished with it
    except OSError as error:
        return Left(path, f"it cannot be removed ({error.strerror})")
    finally:
        os.close(descriptor)


def _foreign(status: os.stat_result) -> str:
    """Why this is none of ours, by what the directory says of it; empty where it may be."""
    if stat.S_ISLNK(status.st_mode):
        return "it is a link"
    if status.st_uid != os.geteuid():
        return "it belongs to another user"
    if stat.S_ISREG(status.st_mode):
        return "" if status.st_nlink == 1 else "it has a second name"
    return "" if stat.S_ISDIR(status.st_mode) else "it is neither a file nor a folder"


def _held(descriptor: int) -> str | None:
    """None where a run holds it, why that cannot be told, or empty: locked by us now, so no run does."""
    import fcntl  # noqa: PLC0415 - there is none on Windows

    # Elsewhere another machine may hold it, and its lock may not reach us (flock(2), NFS).
    if file_system(descriptor) not in LOCAL:
        return "whether another machine uses it cannot be told on this file system"
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return None if error.errno in _BUSY else "this file system has no locks"
    return ""


def _remove(root: int, path: Path, descriptor: int) -> Left:
    """Remove what is locked by us. What lies below is reached by descriptors only, links are not followed. Raises OSError."""
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.unlink(path.name, dir_fd=root)
        return Left(path)
    problem = unmarked(descriptor)
    return Left(path, problem) if problem else _clear(root, path, descriptor)


def _clear(root: int, path: Path, descriptor: int) -> Left:
    """Give what stepped aside into a folder of ours its name again, and remove the folder. Raises OSError."""
    problem, back = _put_back(root, descriptor)
    if problem:
        return Left(path, problem)
    stays = empty(descriptor, MARK)
    if stays:
        return Left(path, f"it cannot be removed ({stays})", back)
    os.rmdir(path.name, dir_fd=root)
    return Left(path, back=back)


def mark(descriptor: int) -> None:
    """Say in a fresh folder that it is ours. Raises OSError."""
    os.close(os.open(MARK, _NEW, 0o600, dir_fd=descriptor))


def unmarked(descriptor: int) -> str:
    """Why a folder of this user may not be ours; empty where it is, or holds nothing. Raises OSError.

    Whoever may write in a place can give another's folder the name of ours, and put a file into it if its mode allows that.
    """
    if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
        return "others than its owner may enter it"
    if not os.listdir(descriptor):
        return ""
    try:
        found = os.stat(MARK, dir_fd=descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return "nothing in it says that it is of model-provenance"
    ours = stat.S_ISREG(found.st_mode) and (found.st_uid, found.st_nlink, found.st_size) == (os.geteuid(), 1, 0)
    return "" if ours else "what says that it is of model-provenance was not made by it"


def _put_back(root: int, descriptor: int) -> tuple[str, str]:
    """Where the run ended after an earlier release had stepped aside and before the new one was there, it gets its name again.

    Why it can neither have it nor go, or empty; and the name that it has again, or empty. Raises OSError.
    """
    try:
        earlier = os.open(EARLIER, _FOLDER, dir_fd=descriptor)
    except FileNotFoundError:
        return "", ""
    try:
        names = os.listdir(earlier)  # noqa: PTH208 - by descriptor
        if not names:
            return "", ""
        if len(names) != 1 or not _ours(earlier, names[0]):
            return "what stepped aside into it is not a release", ""
        try:
            os.rename(names[0], names[0], src_dir_fd=earlier, dst_dir_fd=root)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            return "" if _ours(root, names[0]) else "a release in it lost its name to something else", ""
        return "", names[0]
    finally:
        os.close(earlier)


def _ours(folder: int, name: str) -> bool:
    try:
        descriptor = os.open(name, _FOLDER, dir_fd=folder)
    except OSError:
        return False
    try:
        return empty_or_ours(descriptor)
    finally:
        os.close(descriptor)
