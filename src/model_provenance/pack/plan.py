"""Which file goes into which blob: a pure function of names, sizes and layout (design, 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model_provenance.domain.files import Entry
from model_provenance.domain.package import Layout
from model_provenance.formats.tar import END, PREFIX, member_header, padding

#: From this size on a file has a layer of its own; smaller files share one, because registries count requests.
OWN_LAYER_SIZE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BlobPlan:
    """One blob before it is read: its files in order, as a tar or as the bare bytes of one file."""

    entries: tuple[Entry, ...]
    is_tar: bool
    #: Bytes of the blob; of the tar, where it is compressed afterwards.
    size: int
    #: Bytes of the model in it.
    content: int

    @property
    def own(self) -> Entry | None:
        """The one big file that this blob is made for; None for the tar of all small files."""
        first = self.entries[0]
        return first if len(self.entries) == 1 and (not self.is_tar or first.size >= OWN_LAYER_SIZE) else None


def plan_blobs(entries: Sequence[Entry], layout: Layout) -> tuple[BlobPlan, ...]:
    """The blobs in manifest order: big files by name, then all small ones, so that a new README moves no weights."""
    if layout is Layout.RAW:
        return tuple(BlobPlan((entry,), is_tar=False, size=entry.size, content=entry.size) for entry in entries)
    if layout.is_archive:
        return (_tar(entries),)
    big = [entry for entry in entries if entry.size >= OWN_LAYER_SIZE]
    small = [entry for entry in entries if entry.size < OWN_LAYER_SIZE]
    return (*(_tar([entry]) for entry in big), *([_tar(small)] if small else []))


def _tar(entries: Sequence[Entry]) -> BlobPlan:
    content = sum(entry.size for entry in entries)
    around = sum(len(member_header(PREFIX + entry.path, entry.size)) + padding(entry.size) for entry in entries)
    return BlobPlan(tuple(entries), is_tar=True, size=content + around + len(END), content=content)
