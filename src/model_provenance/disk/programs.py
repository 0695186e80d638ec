"""Programs of others that may be run (design, 4.4.9): where they lie, and what exactly they are."""

from __future__ import annotations

import hashlib
import os
import stat
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

_LIMIT = 512 * 1024 * 1024
_CHUNK = 1024 * 1024


def on_path(name: str, env: Mapping[str, str], *, outside: Sequence[Path]) -> Path | None:
    """The first `name` on PATH that is not our own launcher and lies in none of `outside`.

    Relative entries of PATH mean wherever the job stands, which is mostly somebody's checkout: they do not count.
    """
    scripts = Path(sysconfig.get_path("scripts")).resolve()
    places = [place.resolve() for place in outside]
    for entry in env.get("PATH", "").split(os.pathsep):
        folder = Path(entry)
        if not folder.is_absolute() or folder.resolve() == scripts:
            continue
        path = folder / name
        if is_executable(path) and not any(_lies_in(path, place) for place in places):
            return path
    return None


def in_ci(env: Mapping[str, str]) -> bool:
    """Whether this is a CI job, where any earlier step may have put programs on the PATH."""
    return env.get("CI", "").lower() not in ("", "0", "false")


def is_executable(path: Path) -> bool:
    """Whether it is a file that can be run."""
    try:
        return stat.S_ISREG(path.stat().st_mode) and os.access(path, os.X_OK)
    except (OSError, ValueError):
        return False


def digest(path: Path) -> str | None:
    """SHA-256 of a program in hex; None for one that cannot be read, or is too large to be one."""
    value, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > _LIMIT:
                    return None
                value.update(chunk)
    except OSError:
        return None
    return value.hexdigest()


def _lies_in(path: Path, place: Path) -> bool:
    """As it is written and where links lead."""
    return path.resolve().is_relative_to(place) or Path(os.path.abspath(path)).is_relative_to(place)  # noqa: PTH100 - links stay
