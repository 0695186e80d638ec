"""`*.safetensors.index.json` and `*.bin.index.json`: which shard holds which tensor, so that shards are one model."""

from __future__ import annotations

import re
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import Any

from model_provenance.domain.text import shown
from model_provenance.readers.bounds import integer, plain
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.json_text import SPACE, STRING_BODY, JsonWalk, decoded
from model_provenance.readers.reading import Head, Reader, Reading, never

READS = ("shards and the number of tensors that each should have; total size; compared with the shards themselves",)

_SIZE_LIMIT = 24 << 20
_TENSOR_LIMIT = 250_000
_SHARD_LIMIT = 10_000
_METADATA_LIMIT = 1 << 20
_NAME_LIMIT = 255
_OPEN = re.compile(rf"{SPACE}\{{{SPACE}(\}}?)".encode())
_PAIR = re.compile(rf'{SPACE}"({STRING_BODY})"{SPACE}:{SPACE}"({STRING_BODY})"{SPACE}([,}}])'.encode())


def _read(_head: Head, cursor: Cursor) -> Reading:
    if cursor.size > _SIZE_LIMIT:
        raise ReaderError(f"it is {cursor.size} bytes, more than the {_SIZE_LIMIT} that are read")
    data = cursor.take(cursor.remaining)
    walk = JsonWalk(data)
    metadata: Any = None
    shards: dict[str, int] = {}
    for key in walk.members():
        if key == "metadata":
            metadata = walk.value(_METADATA_LIMIT)
        elif key == "weight_map":
            walk.position, shards = _weight_map(data, walk.position)
        else:
            walk.skip()
    if not walk.at_end():
        raise ReaderError(f"it goes on after its end, at byte {walk.position}")
    if not shards:
        raise ReaderError("it has no `weight_map`")
    details: dict[str, Any] = {"shards": len(shards), "tensors": sum(shards.values())}
    if isinstance(metadata, dict):
        details["total_size"] = integer(metadata.get("total_size"))
        details["metadata"] = plain(metadata)
    return Reading(details, shards=shards)


def _weight_map(data: bytes, position: int) -> tuple[int, dict[str, int]]:
    """(where the object ends, tensors per shard)."""
    opening = _OPEN.match(data, position)
    if opening is None:
        raise ReaderError("its `weight_map` is no object")
    position, mark = opening.end(), opening[1]
    #: Digests of the names, which are shorter than names are.
    names: set[bytes] = set()
    counts: dict[bytes, int] = {}
    while mark != b"}":
        found = _PAIR.match(data, position)
        if found is None:
            raise ReaderError(f"its `weight_map` is not valid at byte {position}")
        name, shard, mark = found.groups()
        position = found.end()
        name = name if b"\\" not in name else decoded(name).encode("utf-8", "surrogatepass")
        if (digest := blake2b(name, digest_size=16).digest()) in names:
            raise ReaderError(f"the tensor {shown(name.decode(errors='replace'), 80)!r} stands twice")
        names.add(digest)
        counts[shard] = counts.get(shard, 0) + 1
        if len(names) > _TENSOR_LIMIT or len(counts) > _SHARD_LIMIT:
            raise ReaderError(f"it names more than the {_TENSOR_LIMIT} tensors or {_SHARD_LIMIT} shards that are read")
    return position, {_file_name(shard): count for shard, count in counts.items()}


def _file_name(shard: bytes) -> str:
    """A shard lies beside its index; a name that leads elsewhere is refused."""
    if len(shard) > _NAME_LIMIT:
        raise ReaderError(f"it names a shard by {len(shard)} bytes, more than a file name has")
    name = decoded(shard)
    if PurePosixPath(name).name != name or name == "..":
        raise ReaderError(f"it names the shard {shown(name, 80)!r}, which is not a plain file name")
    return name


def _by_name(head: Head) -> bool:
    return head.name.endswith((".safetensors.index.json", ".bin.index.json"))


READER = Reader("shard-index", "readers.index", READS, never, _by_name, _read)
