"""A strict tar reader: bytes are pushed in, names, sizes and digests come out; content only where somebody keeps it.

Tar readers disagree about archives that are not quite right, so what one of them checked is not what another unpacks
(design, 4.4.8). Here one path is one entry, and whatever could be read in two ways is refused: links, devices, sparse
files, whiteouts, names that leave the folder or are listed twice, sizes written twice, anything after the end.
Folders carry nothing and are passed over. GNU, pax and USTAR archives of other tools are read within these rules.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from model_provenance.domain.digest import Digest
from model_provenance.domain.paths import PathSet
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.tar import BLOCK, END, padding
from model_provenance.formats.tar_header import EXTENSIONS, Extensions, Header, parse_extension, parse_header

#: The two blocks that end an archive, and what GNU tar fills its last record of 20 blocks with.
_LONGEST_END = 21 * BLOCK
_EXTENSION_LIMIT = 64 * 1024
_CODE = "archive.malformed"


@dataclass(frozen=True, slots=True)
class TarMember:
    """One regular file in an archive; `offset` is where its content starts."""

    path: str
    size: int
    offset: int
    digest: Digest


class MemberSink(Protocol):
    """Takes the content of files as it passes; names have been admitted, digests are known only at the end."""

    def begin(self, path: str, size: int) -> None:
        """A file of `size` bytes starts."""
        ...

    def take(self, data: memoryview) -> None:
        """Bytes of it; the buffer is reused."""
        ...

    def end(self, digest: Digest) -> None:
        """It is complete."""
        ...


class TarDigests:
    """Feed the archive's bytes in any pieces, then `close`. `location` names the archive in messages; `keep` gets files."""

    def __init__(self, location: str, keep: MemberSink | None = None) -> None:
        self._location = location
        self._keep = keep
        self._members: list[TarMember] = []
        self._paths = PathSet()
        self._partial = bytearray()
        self._extensions = Extensions()
        #: The file or extension whose content is passing, bytes of it and of its padding still to come.
        self._current: Header | None = None
        self._path = ""
        self._left = 0
        self._padding = 0
        self._hash = hashlib.sha256()
        self._extension = bytearray()
        self._offset = 0
        self._end = 0

    def feed(self, data: memoryview) -> None:
        """Take the next bytes. Raises `archive.malformed`."""
        at = 0
        while at < len(data):
            if self._end:
                at = self._take_end(data, at)
            elif self._left:
                at = self._take_content(data, at)
            elif self._padding:
                at = self._take_padding(data, at)
            else:
                at = self._take_header(data, at)

    def close(self) -> tuple[TarMember, ...]:
        """The files in the order of the archive. Raises `archive.malformed` when it stopped before its end."""
        if self._end < len(END) or self._partial or self._end % BLOCK:
            self._refuse("it ends in the middle: the file is cut off")
        return tuple(self._members)

    def _take_header(self, data: memoryview, at: int) -> int:
        stop = min(len(data), at + BLOCK - len(self._partial))
        self._partial += data[at:stop]
        self._offset += stop - at
        if len(self._partial) == BLOCK:
            block, self._partial = bytes(self._partial), bytearray()
            if any(block):
                self._start(parse_header(block, self._location))
            elif self._extensions == Extensions():
                self._end = BLOCK
            else:
                self._refuse("an extended header has no file")
        return stop

    def _start(self, header: Header) -> None:
        self._current = header
        if header.kind in EXTENSIONS:
            if header.size > _EXTENSION_LIMIT:
                self._refuse(
                    f"an extended header of {header.size} bytes is more than the {_EXTENSION_LIMIT} that are read"
                )
            self._extension = bytearray()
        else:
            header = self._extensions.applied(header, self._location)
            self._extensions = Extensions()
            self._path = self._admitted(header)
            self._hash = hashlib.sha256()
            if self._keep is not None and not header.is_folder:
                self._keep.begin(self._path, header.size)
        self._left = header.size
        self._padding = padding(header.size)
        self._current = header
        if not header.size:
            self._finish(header)

    def _take_content(self, data: memoryview, at: int) -> int:
        stop = min(len(data), at + self._left)
        if self._current is not None and self._current.kind in EXTENSIONS:
            self._extension += data[at:stop]
        else:
            self._hash.update(data[at:stop])
            if self._keep is not None:
                self._keep.take(data[at:stop])
        self._left -= stop - at
        self._offset += stop - at
        if not self._left and self._current is not None:
            self._finish(self._current)
        return stop

    def _finish(self, header: Header) -> None:
        if header.kind in EXTENSIONS:
            self._extensions = parse_extension(header.kind, bytes(self._extension), self._extensions, self._location)
        elif not header.is_folder:
            digest = Digest(self._hash.hexdigest())
            self._members.append(TarMember(self._path, header.size, self._offset - header.size, digest))
            if self._keep is not None:
                self._keep.end(digest)

    def _take_padding(self, data: memoryview, at: int) -> int:
        stop = min(len(data), at + self._padding)
        if any(data[at:stop]):
            self._refuse("there are bytes hidden in the padding after a file")
        self._padding -= stop - at
        self._offset += stop - at
        return stop

    def _take_end(self, data: memoryview, at: int) -> int:
        stop = min(len(data), at + _LONGEST_END)
        if any(data[at:stop]):
            self._refuse("there are bytes after the end of the archive")
        self._end += stop - at
        self._offset += stop - at
        if self._end > _LONGEST_END:
            self._refuse("there are bytes after the end of the archive")
        return stop

    def _admitted(self, header: Header) -> str:
        """The path of a file or folder that may stand here."""
        path = header.name.removeprefix("./")
        if header.is_folder:
            path = path.removesuffix("/")
            problem = None if path in ("", ".") else self._paths.add_folder(path)
        else:
            problem = self._paths.add_file(path)
        if problem:
            self._refuse(f"the name `{shown(path)}` cannot be used: {problem}")
        return path

    def _refuse(self, reason: str) -> None:
        raise ModelProvenanceError(_CODE, f"not an archive that can be checked: {reason}", location=self._location)
