"""`large-file-needs-checksum`: a large file in the index is listed with its digest. Git LFS pointers hold theirs."""

from __future__ import annotations

import argparse
import posixpath
from collections.abc import Iterator, Sequence

from model_provenance.domain.digest import Digest
from model_provenance.hooks.found import Found
from model_provenance.hooks.index import Index
from model_provenance.hooks.sums import LIMIT, LIST, parse_sums

_LISTS = (LIST, "SHA256SUMS")
_KIB = 1024


def check(arguments: Sequence[str]) -> Iterator[Found]:
    """Findings about these files of the index."""
    options = _options(arguments)
    index = Index()
    entries = index.files(options.files)
    sizes = index.sizes(entries) if entries else []
    large = [entry for entry, size in zip(entries, sizes, strict=True) if size >= options.min_kb * _KIB]
    known = _Listed(index)
    for entry, content in index.contents(large):
        listed = known.digests_of(entry.path)
        if not listed:
            yield Found(
                entry.path,
                f"{content.size // _KIB} KiB without a checksum: no {' or '.join(_LISTS)} in or above its folder and no "
                f"{posixpath.basename(entry.path)}.sha256 beside it lists it; keep it in Git LFS, or run "
                f"`model-provenance-hook model-manifest-fresh --fix --model {posixpath.dirname(entry.path) or '.'}`",
            )
        for source, digest in listed:
            if digest != content.digest:
                yield Found(entry.path, f"its SHA-256 is {content.digest.hex}, and {source} says {digest.hex}")


class _Listed:
    """The checksum lists of the index, each read once and only where a large file may stand in it."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._lists: dict[str, dict[str, Digest]] = {}

    def digests_of(self, path: str) -> list[tuple[str, Digest]]:
        """`(list, digest)` of every list that names the file; names are relative to the list's own folder."""
        found = []
        folder = posixpath.dirname(path)
        beside = self._read(f"{path}.sha256").get(posixpath.basename(path))
        if beside is not None:
            found.append((f"{path}.sha256", beside))
        while True:
            for name in _LISTS:
                source = posixpath.join(folder, name)
                digest = self._read(source).get(posixpath.relpath(path, folder or "."))
                if digest is not None:
                    found.append((source, digest))
            if not folder:
                return found
            folder = posixpath.dirname(folder)

    def _read(self, path: str) -> dict[str, Digest]:
        if path not in self._lists:
            entry = self._index.entries.get(path)
            data = b"" if entry is None or not entry.is_file else self._index.read(entry, LIMIT)
            self._lists[path] = parse_sums(data).digests
        return self._lists[path]


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("large-file-needs-checksum", description=__doc__)
    parser.add_argument("--min-kb", type=int, default=1024, metavar="N", help="KiB from which a file is large (1024)")
    parser.add_argument("files", nargs="*")
    return parser.parse_args(arguments)
