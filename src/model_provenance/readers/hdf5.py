"""HDF5 files (Keras 2 and PyTables weights): the superblock, and what Keras says in the attributes of the root group.

After the HDF5 File Format Specification, version 3.0. A file that ends before the end that its superblock names is cut.
Groups and data are not looked into; the walk is over the messages of one object header, in bounds.
"""

from __future__ import annotations

from typing import Any

from model_provenance.domain.facts import Inspection
from model_provenance.readers.bounds import text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.hdf5_header import Hdf5File, attributes_of, number
from model_provenance.readers.keras import Configurations
from model_provenance.readers.reading import Head, Reader, Reading, suffixed

READS = (
    "superblock: version, sizes of offsets, user block; a file that ends before its end address is unreadable",
    "attributes of the root group that Keras writes: version, backend, and of `model_config` and `training_config` the classes",
    "Lambda layers, and classes of modules outside Keras: loading them runs code; groups and data are not looked into",
)

_MAGIC = b"\x89HDF\r\n\x1a\n"
#: A user block may lie before the superblock, of 512 bytes or any doubling; larger ones are not looked for.
_USER_BLOCKS = (0, *(512 << power for power in range(12)))
_WIDTHS = (2, 4, 8)
_NAMED = ("keras_version", "backend")
#: The model, and how it was compiled: losses, metrics and an optimizer are made from the second as layers from the first.
_CONFIGURATIONS = ("model_config", "training_config")
_WANTED = frozenset((*_NAMED, *_CONFIGURATIONS))


def _read(_head: Head, cursor: Cursor) -> Reading:
    start = next((at for at in _USER_BLOCKS if _is_at(cursor, at)), None)
    if start is None:
        raise ReaderError("it does not begin as HDF5 files do")
    cursor.seek(start + len(_MAGIC))
    version = cursor.byte()
    if version > 3:  # noqa: PLR2004 - the newest of the specification
        raise ReaderError(f"its superblock has version {version}; 0 to 3 are read")
    file, end, root = _superblock(cursor, version)
    if file.base != start:
        # The HDF5 library reckons from where the superblock is, whatever is written there.
        raise ReaderError(f"its superblock is at byte {start} and says that it is at {file.base}")
    if end > cursor.size:
        raise ReaderError(f"it ends at byte {cursor.size}, and its superblock says {end}: the rest is missing")
    details: dict[str, Any] = {"superblock_version": version, "offset_bytes": file.offset_width, "end_address": end}
    if start:
        details["user_block"] = start
    attributes = attributes_of(file, root, _WANTED)
    said = {name: text(attributes[name].decode("utf-8", "replace"), 60) for name in _NAMED if name in attributes}
    details |= {name: value for name, value in said.items() if value}
    found = Configurations()
    for name in _CONFIGURATIONS:
        if name in attributes:
            found.read(attributes[name].rstrip(b"\0"))
    return Reading(details | found.details(), Inspection.RECOGNISED, executes=found.executes())


def _is_at(cursor: Cursor, position: int) -> bool:
    if position + len(_MAGIC) > cursor.size:
        return False
    cursor.seek(position)
    return cursor.peek(len(_MAGIC)) == _MAGIC


def _superblock(cursor: Cursor, version: int) -> tuple[Hdf5File, int, int]:
    """(the file, the end address, where the root group's object header is)."""
    old = version < 2  # noqa: PLR2004 - layouts of the specification, II.A
    if old:
        cursor.skip(4)
    offset_width, length_width = cursor.byte(), cursor.byte()
    if offset_width not in _WIDTHS or length_width not in _WIDTHS:
        raise ReaderError(f"its superblock has offsets of {offset_width} and lengths of {length_width} bytes")
    cursor.skip(((1 + 4 + 4) if version == 0 else (1 + 4 + 4 + 4)) if old else 1)
    base, _, end, root = (number(cursor, offset_width) for _ in range(4))
    if old:
        cursor.skip(offset_width)
        root = number(cursor, offset_width)
    return Hdf5File(cursor, base, offset_width, length_width), end, root


def _by_bytes(head: Head) -> bool:
    return head.data.startswith(_MAGIC)


READER = Reader("hdf5", "readers.unreadable", READS, _by_bytes, suffixed(".h5", ".hdf5"), _read, "a Lambda layer")
