"""A model whose files are open: how programs get at them, and whether they are still what was verified."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, final

from model_provenance.domain.holding import HeldFile, LoadResult, Toctou, weakest
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Report
from model_provenance.errors import ModelProvenanceError
from model_provenance.hold.holder import Holder
from model_provenance.hold.view import View

_SHOWN = 20


def refuse_changed(holder: Holder) -> None:
    """Raise `load.changed` where a file may not be what was hashed any more."""
    if changed := holder.changed():
        names = ", ".join(shown(name) for name in changed[:_SHOWN])
        raise ModelProvenanceError("load.changed", f"written to after it was verified: {names}")


@final
class Held:
    """Open files of one model. `close` it; before that, `check` it."""

    def __init__(
        self,
        holder: Holder,
        files: Mapping[str, HeldFile],
        *,
        root: Path,
        result: LoadResult,
        report: Report | None,
        problem: ModelProvenanceError | None,
        on_change: Callable[[ModelProvenanceError], None],
    ) -> None:
        self._holder = holder
        self._root = root
        self._on_change = on_change
        self._view: View | None = None
        self.files = files
        self.result = result
        #: Of the verification; None where it was bypassed before there was one.
        self.report = report
        #: Why this was not verified, where it was bypassed.
        self.problem = problem

    @property
    def toctou(self) -> Toctou:
        """The protection of the least protected file."""
        return weakest(tuple(self.files.values()))

    @property
    def bypassed(self) -> bool:
        """Whether nothing of this was verified."""
        return self.result is LoadResult.BYPASSED

    def path(self, name: str) -> str:
        """A path that leads to the open file, in this process and in one that takes its place.

        Only where the system has no such paths it is the file's own, and its protection is `unprotected`.
        """
        descriptor = self.descriptor(name)
        return self._by_name(name) if self._holder.gives_paths else f"/proc/self/fd/{descriptor}"

    def descriptor(self, name: str) -> int:
        """The open file itself; its offset is shared by whoever uses it. Raises `load.file`."""
        if name not in self.files:
            some = ", ".join(shown(path, 60) for path in list(self.files)[:_SHOWN])
            raise ModelProvenanceError("load.file", f"there is no {shown(name)} among the verified files: {some}")
        return self._holder.descriptor(name)

    def open(self, name: str) -> BinaryIO:
        """A stream over the open file, at offset 0; with an offset of its own where the system can do that."""
        descriptor = self.descriptor(name)
        if not self._holder.gives_paths:
            return open(f"/proc/self/fd/{descriptor}", "rb")  # noqa: PTH123 - the caller closes it
        os.lseek(descriptor, 0, os.SEEK_SET)
        return os.fdopen(os.dup(descriptor), "rb")

    def directory(self) -> Path:
        """A private folder with exactly these files under their names."""
        if self._view is None:
            # By process id, not `self`: a worker process of a loader opens them, too.
            base = f"/proc/{os.getpid()}/fd"
            self._view = View(
                {
                    name: self._by_name(name) if self._holder.gives_paths else f"{base}/{self.descriptor(name)}"
                    for name in self.files
                }
            )
        return self._view.folder

    def check(self) -> None:
        """Raise `load.changed` if a file may not be what was verified any more."""
        try:
            refuse_changed(self._holder)
        except ModelProvenanceError as error:
            self._on_change(error)
            raise

    def hand_over(self) -> None:
        """Let a program that takes this process's place have the open files."""
        self._holder.inherit()

    def close(self) -> None:
        """Close every file and remove the folder."""
        if self._view is not None:
            self._view.close()
        self._holder.close()

    def _by_name(self, name: str) -> str:
        return os.path.abspath(self._root if self._root.is_file() else self._root / name)  # noqa: PTH100 - no links
