"""Small writers of model files, well formed or broken on purpose, and a model held in memory."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

from model_provenance.domain.facts import FileFacts, ModelFacts
from model_provenance.domain.files import Entry
from model_provenance.domain.roles import role_of
from model_provenance.domain.text import shown
from model_provenance.readers.inspect import inspect

SIZES = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1}


class MemorySource:
    """A `FileSource` over a dict of paths to bytes."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO(self._files[path])


def facts_of(files: Mapping[str, bytes]) -> ModelFacts:
    """What `inspect` says of a model with these files."""
    return inspect([Entry(path, len(data), role_of(path)) for path, data in files.items()], MemorySource(files))


def file_facts(path: str, data: bytes) -> FileFacts:
    """What `inspect` says of one file alone."""
    return facts_of({path: data}).files[0]


def codes(facts: ModelFacts) -> list[str]:
    """The finding ids, sorted."""
    return sorted(finding.id for finding in facts.findings)


def framed(header: bytes, data: bytes = b"") -> bytes:
    """A safetensors file with exactly this header."""
    return len(header).to_bytes(8, "little") + header + data


def safetensors(tensors: Mapping[str, tuple[str, Sequence[int]]], metadata: Mapping[str, str] | None = None) -> bytes:
    """A well-formed safetensors file of zeros; name -> (element type, shape)."""
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(metadata)}
    end = 0
    for name, (dtype, shape) in tensors.items():
        begin, size = end, SIZES[dtype]
        for dimension in shape:
            size *= dimension
        end += size
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
    return framed(json.dumps(header, separators=(",", ":")).encode(), bytes(end))


def shard(tensors: int, elements: int = 4, prefix: str = "t") -> bytes:
    """A safetensors file of `tensors` vectors of F32."""
    return safetensors({f"{prefix}{number}": ("F32", [elements]) for number in range(tensors)})


def gguf_string(text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def pair(key: str | bytes, kind: int, value: bytes) -> bytes:
    return gguf_string(key) + struct.pack("<I", kind) + value


def u32(key: str, value: int) -> bytes:
    return pair(key, 4, struct.pack("<I", value))


def string(key: str, value: str) -> bytes:
    return pair(key, 8, gguf_string(value))


def strings(key: str, values: Iterable[str]) -> bytes:
    members = [gguf_string(value) for value in values]
    return pair(key, 9, struct.pack("<IQ", 8, len(members)) + b"".join(members))


def tensor(name: str, shape: Sequence[int], kind: int, offset: int) -> bytes:
    return gguf_string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def gguf(
    pairs: Sequence[bytes] = (), tensors: Sequence[bytes] = (), data: int = 0, version: int = 3, alignment: int = 32
) -> bytes:
    """A GGUF file with `data` bytes of tensor data behind its padded header."""
    header = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(pairs)) + b"".join(pairs) + b"".join(tensors)
    return header + bytes(-len(header) % alignment if data else 0) + bytes(data)


def zipped(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip file as the standard library writes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return out.getvalue()


#: What torch.save pickles for `{"w": tensor}`: an OrderedDict, a rebuild function and a persistent storage.
TENSOR_PICKLE = (
    b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01X\x01\x00\x00\x00wq\x02ctorch._utils\n_rebuild_tensor_v2\nq\x03"
    b"((X\x07\x00\x00\x00storageq\x04ctorch\nFloatStorage\nq\x05X\x01\x00\x00\x000q\x06X\x03\x00\x00\x00cpuq\x07K\x04tq\x08Q"
    b"K\x00K\x04\x85q\tK\x01\x85q\n\x89h\x00)Rq\x0btq\x0cRq\rs."
)


def torch_zip(pickle: bytes = TENSOR_PICKLE, **more: bytes) -> bytes:
    """A file as torch.save writes it since 1.6."""
    return zipped({"archive/data.pkl": pickle, "archive/data/0": bytes(16), "archive/version": b"3\n", **more})


def json_bytes(value: object) -> bytes:
    return json.dumps(value).encode()


def index_bytes(tensors: int) -> bytes:
    """A shard index of so many tensors in 163 shards."""
    names = {
        f"model.layers.{number}.mlp.experts.down_proj.weight": f"model-{number % 163:05}.safetensors"
        for number in range(tensors)
    }
    return json_bytes({"metadata": {"total_size": 1}, "weight_map": names})


def is_shown(message: str) -> bool:
    """Whether nothing in a message rewrites what a terminal or a log viewer shows."""
    return shown(message, len(message)) == message


def no_floats(value: Any) -> bool:
    """Whether a JSON value is what facts are made of: text keys, and no number that another implementation would change."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and no_floats(child) for key, child in value.items())
    if isinstance(value, list):
        return all(map(no_floats, value))
    return not isinstance(value, float) and not (isinstance(value, int) and abs(value) >= 2**53)
