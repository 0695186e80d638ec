"""What a walk leaves out: the caller's ignore paths and excluded files, as paths relative to the model."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Sequence
from pathlib import Path

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError


def contains(root: Path, path: Path) -> bool:
    """True when `path`, which need not exist, is `root` or lies below it, also by way of links."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def left_out(root: Path, *, ignore: Sequence[str], exclude: Iterable[Path]) -> tuple[str, ...]:
    """Sorted relative POSIX paths. `ignore` is relative to the model, or absolute; what lies elsewhere is no matter.

    A path covers what is beneath it. There are no globs: a pattern that matches more than its author thought would
    leave files out of a signature.
    """
    found = set()
    for text in ignore:
        relative = _beneath(root, text) if posixpath.isabs(text) else _normal(text)
        if relative is not None:
            found.add(_utf8(relative))
    for path in exclude:
        relative = _beneath(root, os.path.abspath(path))  # noqa: PTH100 - lexical: a link is excluded, not its target
        if relative is not None:
            found.add(_utf8(relative))
    return tuple(sorted(found))


def _normal(text: str) -> str | None:
    path = posixpath.normpath(text)
    return None if path == ".." or path.startswith("../") else path


def _beneath(root: Path, absolute: str) -> str | None:
    path = posixpath.normpath(absolute)
    candidates = (path, posixpath.join(os.path.realpath(posixpath.dirname(path)), posixpath.basename(path)))
    for base in (os.path.abspath(root), os.path.realpath(root)):  # noqa: PTH100 - the caller's spelling, links kept
        for candidate in candidates:
            if candidate == base or candidate.startswith(base.rstrip("/") + "/"):
                return posixpath.relpath(candidate, base)
    return None


def _utf8(path: str) -> str:
    try:
        return os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelProvenanceError(
            "usage.invalid",
            f"an ignored path is not UTF-8: {shown(path)}",
            remedy="Ignore the folder that it lies in, or rename it: ignored paths are part of the signed statement.",
        ) from error
