"""Tree heads of transparency logs that were verified on this machine, kept so that a log that changes its story is noticed.

One file a log, below the user's state folder, as the newest snapshot of a status list is kept. What is kept proves itself
by the log's signature, so whoever writes there can make us forget, and not accuse (decision 32).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import final

from model_provenance.disk.exclusive import alone_in
from model_provenance.disk.failure import failure
from model_provenance.disk.opening import open_named
from model_provenance.disk.publish import PublishedFile
from model_provenance.disk.state import state_folder
from model_provenance.domain.digest import Digest
from model_provenance.domain.finding import Finding, Severity, Status, undecided
from model_provenance.domain.text import shown
from model_provenance.domain.tree_head import Remembered, TreeHead
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical
from model_provenance.formats.tree_heads import FILE_LIMIT, NOTE_LIMIT, heads_document, parse_heads

#: Logs that are remembered: the public ones have a handful, a private Sigstore has one or two, each of its tests some more.
_LOGS = 512
_PATIENCE_SECONDS = 5.0
_MEMORY = "log.memory"


@final
class KeptHeads:
    """For one run; `folder` None remembers no longer than that."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._run: list[TreeHead] = []

    def meet(self, heads: Sequence[TreeHead]) -> Remembered:
        """What is known of the logs of these heads (`domain.tree_head.TreeHeads`)."""
        known, findings = list(self._run), []
        for tree in dict.fromkeys(head.tree for head in heads):
            mine = [head for head in heads if head.tree == tree]
            try:
                path = self._path(tree)
                kept = _load(path, tree)
                known += kept
                if _added(kept, mine):
                    _save(path, tree, mine)
            except ModelProvenanceError as error:
                findings.append(_finding(error))
        self._run += [head for head in dict.fromkeys(heads) if head not in self._run]
        return Remembered(tuple(known), tuple(dict.fromkeys(findings)))

    def _path(self, tree: tuple[str, str]) -> Path:
        if self.folder is None:
            raise ModelProvenanceError("machine.io", "this user has no home")
        return self.folder / f"{Digest.of(canonical(list(tree))).hex[:32]}.json"


def open_heads(folder: Path | None, env: Mapping[str, str]) -> KeptHeads:
    """The memory in `folder`, by default below the user's state folder."""
    state = state_folder(env)
    return KeptHeads(folder or (None if state is None else state / "log-heads"))


def _load(path: Path, tree: tuple[str, str]) -> tuple[TreeHead, ...]:
    try:
        descriptor, _ = open_named(path)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - which closes the descriptor
            data = file.read(FILE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        # A home that is closed to us is no home; a file of ours that is closed to us is somebody's doing.
        if isinstance(error, PermissionError) and not os.access(path.parent, os.X_OK):
            raise failure(error, str(path.parent), doing="read") from error
        why = error.strerror or "it is not a regular file"
        raise ModelProvenanceError(
            _MEMORY, f"what was remembered of a log cannot be read: {why}", location=_shown(path)
        ) from error
    return parse_heads(data, tree, _shown(path))


def _save(path: Path, tree: tuple[str, str], heads: Sequence[TreeHead]) -> None:
    """Keep the heads, whole or not at all. Raises `log.memory`, or `machine.*` where they cannot be kept."""
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(OSError):
            os.chmod(folder, 0o700)  # noqa: PTH101 - a folder of ours alone
        full = not path.exists() and sum(1 for _ in folder.glob("*.json")) >= _LOGS
    except OSError as error:
        raise failure(error, str(folder), doing="write") from error
    if full:
        raise ModelProvenanceError("machine.io", f"{_LOGS} logs are remembered already", location=_shown(folder))
    # Between looking and writing no other process writes: its heads would be lost.
    with alone_in(folder, seconds=_PATIENCE_SECONDS, busy="machine.io"), PublishedFile(path) as file:
        kept = _load(path, tree)
        added = _added(kept, heads)
        if added:
            file.write(heads_document((*kept, *added)))
            file.publish()


def _added(kept: Sequence[TreeHead], heads: Sequence[TreeHead]) -> list[TreeHead]:
    """The heads that are not among the kept ones, each once. No log needs a note that long."""
    known = {(head.size, head.root) for head in kept}
    new = {(head.size, head.root): head for head in heads if len(head.note) <= NOTE_LIMIT}
    return [head for place, head in new.items() if place not in known]


def _finding(error: ModelProvenanceError) -> Finding:
    """A memory that says something else than was written is an error; one that is not there is said."""
    if error.code == _MEMORY:
        return undecided(error.code, error.message, remedy=error.remedy, location=error.location or "")
    where = f" ({error.location})" if error.location else ""
    what = f"earlier tree heads: they could not be remembered, {error.message}{where}"
    return Finding(_MEMORY, Severity.INFO, Status.SKIPPED, what)


def _shown(path: Path) -> str:
    return shown(str(path), 400)
