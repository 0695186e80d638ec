"""`lfs-pointer-intact`: what is given to Git LFS is a pointer in the index, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model_provenance.formats.lfs import POINTER_LIMIT, begins_as_pointer, parse_pointer
from model_provenance.hooks.found import Found
from model_provenance.hooks.index import Index


def check(paths: Sequence[str]) -> Iterator[Found]:
    """Findings about these files of the index."""
    index = Index()
    entries = index.files(paths)
    tracked = index.attributes([entry.path for entry in entries], "filter")
    sizes = dict(zip(entries, index.sizes(entries), strict=True)) if entries else {}
    small = [entry for entry in entries if sizes[entry] <= POINTER_LIMIT]
    pointers = {entry: content.data or b"" for entry, content in index.contents(small)}
    for entry in entries:
        data = pointers.get(entry, b"")
        to_lfs = tracked.get(entry.path) == "lfs"
        problem = _of_tracked(sizes[entry], data) if to_lfs else _of_plain(data)
        if problem:
            yield Found(entry.path, problem)


def _of_tracked(size: int, data: bytes) -> str | None:
    if size == 0 or parse_pointer(data) is not None:  # git-lfs keeps empty files as they are
        return None
    if begins_as_pointer(data):
        return "its Git LFS pointer is damaged; check out the file again, or `git lfs pull`"
    return (
        f"its {size} bytes were committed raw, though .gitattributes gives it to Git LFS; "
        "run `git lfs install`, then `git add --renormalize` on it"
    )


def _of_plain(data: bytes) -> str | None:
    if not begins_as_pointer(data):
        return None
    return (
        "it is a Git LFS pointer, and no .gitattributes line gives it to Git LFS, so a checkout holds this text instead "
        "of the file; run `git lfs track` for it"
    )
