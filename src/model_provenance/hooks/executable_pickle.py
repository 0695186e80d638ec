"""`no-executable-pickle`: the readers' walk over opcodes, file by file; nothing is unpickled."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

from model_provenance.disk.opening import open_named
from model_provenance.domain.files import Entry
from model_provenance.domain.roles import role_of
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.lfs import begins_as_pointer
from model_provenance.hooks.found import Found
from model_provenance.readers.inspect import inspect

#: What may run code, and what could not be followed far enough to say that it cannot.
_REFUSED = frozenset(
    {
        "readers.archive",
        "readers.disguised",
        "readers.executable",
        "readers.numpy",
        "readers.pickle",
        "readers.unreadable",
    }
)
_HEAD = 256


def check(paths: Sequence[str]) -> Iterator[Found]:
    """Findings about these files of the work tree, which pre-commit makes equal to the index."""
    for path in paths:
        files = _WorkTree()
        entry = files.entry(path)
        if files.is_pointer(path):
            yield Found(path, "only its Git LFS pointer is here, so it cannot be looked into; run `git lfs pull`")
            continue
        for finding in inspect([entry], files).findings:
            if finding.id in _REFUSED:
                yield Found(path, finding.message)


class _WorkTree:
    """Opens files by the paths that pre-commit gives."""

    def entry(self, path: str) -> Entry:
        """The file as the readers know files."""
        with self.open(path) as stream:
            return Entry(path, os.fstat(stream.fileno()).st_size, role_of(path))

    def is_pointer(self, path: str) -> bool:
        """Whether the file was not fetched from Git LFS."""
        with self.open(path) as stream:
            return begins_as_pointer(stream.read(_HEAD))

    def open(self, path: str) -> BinaryIO:
        """An unbuffered stream."""
        try:
            descriptor, _ = open_named(path)
        except OSError as error:
            raise ModelProvenanceError("machine.io", error.strerror or str(error), location=path) from error
        return cast("BinaryIO", os.fdopen(descriptor, "rb", buffering=0))
