"""The last snapshot that was accepted on this machine, so that an older one is noticed: one small file a list."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from model_provenance.disk.exclusive import alone_in
from model_provenance.disk.failure import failure
from model_provenance.disk.publish import PublishedFile
from model_provenance.domain.digest import Digest
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical
from model_provenance.revoke.history import Seen

_LIMIT = 4096
_PATIENCE_SECONDS = 10.0


def seen_path(folder: Path, source: str, revokers: Iterable[str]) -> Path:
    """The file for one list: `source` names it, and its revokers, so that no other list can stand in for it."""
    name = Digest.of(canonical([source, sorted(revokers)])).hex[:32]
    return folder / f"{name}.json"


def load_seen(path: Path) -> Seen | None:
    """What was accepted last; None the first time. Raises `status.memory` for a file that cannot be understood."""
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unusable(path, error.strerror or type(error).__name__) from error
    try:
        value = json.loads(data)
        seq = value["seq"]
        seen = Seen(value["list"], seq, Digest.parse(value["digest"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unusable(path, "it is not what was written there") from error
    if (
        not isinstance(seen.list, str)
        or isinstance(seq, bool)
        or not isinstance(seq, int)
        or set(value) != {"list", "seq", "digest"}
    ):
        raise _unusable(path, "it is not what was written there")
    return seen


def save_seen(path: Path, seen: Seen) -> None:
    """Remember a snapshot, whole or not at all, unless another process has seen a newer one. Raises `machine.*`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(OSError):
            os.chmod(path.parent, 0o700)  # noqa: PTH101 - a folder of ours alone
    except OSError as error:
        raise failure(error, str(path.parent), doing="write") from error
    # Between looking and writing no other process writes: its newer number would be lost.
    with alone_in(path.parent, seconds=_PATIENCE_SECONDS, busy="status.busy"), PublishedFile(path) as file:
        newer = load_seen(path)
        if newer is not None and newer.seq >= seen.seq:
            return
        file.write(canonical({"list": seen.list, "seq": seen.seq, "digest": str(seen.digest)}))
        file.publish()


def _unusable(path: Path, why: str) -> ModelProvenanceError:
    return ModelProvenanceError(
        "status.memory", f"cannot read which snapshot was seen last: {why}", location=shown(str(path), 400)
    )
