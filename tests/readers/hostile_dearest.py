"""For each reader the most expensive files that its limits let through, or that they stop last.

Wide text (one character beyond the Basic Multilingual Plane) makes every other character of a string four bytes; empty
parts cost a turn of a loop each; long parts cost memory each; jumps cost a read each.
"""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import partial

from model_provenance.domain.facts import Inspection

from .build import framed, gguf, gguf_string, index_bytes, json_bytes, pair, tensor, zipped
from .hostile_case import Case
from .onnx_files import message, number

_WIDE = "\U0001f600"
_TENSORS = 100_000


def dear_cases() -> Iterator[Case]:
    """Those that must be read, then those that must be stopped in time."""
    for name, (file, make) in _READ.items():
        yield Case(f"dear: {name}", file, make, None, inspection=Inspection.READ)
    for name, (file, make, code, says) in _STOPPED.items():
        yield Case(f"dear: {name}", file, make, code, says)
    yield Case("dear: a zip of two bombs", "m.pt", _bombs, None, inspection=Inspection.NOT_INSPECTED)


def _header(entry: Callable[[int], str], count: int, data: int = 0, first: str = "") -> bytes:
    return framed(("{" + first + ",".join(map(entry, range(count))) + "}").encode(), bytes(data))


def _empty(name: str) -> str:
    return f'"{name}":{{"dtype":"I8","shape":[0],"data_offsets":[0,0]}}'


def _any_order() -> bytes:
    fields = ('"dtype":"F32"', '"data_offsets":[0,0]')

    def entry(place: int) -> str:
        shape = f'"shape":[{place},0]'
        ordered = (*fields, shape) if place % 2 else (shape, *reversed(fields))
        return f'"n{place}":{{{",".join(ordered)}}}'

    return _header(entry, _TENSORS)


def _reversed() -> bytes:
    def entry(place: int) -> str:
        at = _TENSORS - 1 - place
        return f'"n{at}":{{"dtype":"I8","shape":[1],"data_offsets":[{at},{at + 1}]}}'

    return _header(entry, _TENSORS, _TENSORS)


def _distinct_shapes() -> bytes:
    def entry(place: int) -> str:
        size = 10**8 + place
        return f'"{place:050}":{{"data_offsets":[0,0],"shape":[{size},{size},{size},0],"dtype":"F32"}}'

    return _header(entry, _TENSORS)


def _wide_header() -> bytes:
    metadata = f'"__metadata__":{{"a":"{_WIDE}{"b" * 1_000_000}"}},'
    return _header(lambda place: _empty(f"{'n' * 80}{place}"), _TENSORS, first=metadata)


def _metadata(count: int) -> bytes:
    return framed(json.dumps({"__metadata__": {f"{_WIDE}{place:0900}": "\n" * 200 for place in range(count)}}).encode())


def _wide_keys() -> bytes:
    return gguf([pair(f"{_WIDE}{place:0251}", 0, b"\0") for place in range(65_536)])


def _wide_values() -> bytes:
    members = struct.pack("<IQ", 8, 120) + gguf_string(_WIDE + "v" * 4092) * 120
    return gguf([pair(f"general.k{place}", 9, members) for place in range(100)])


def _tensors_of(shape: list[int], name: str = "{}", count: int = _TENSORS) -> bytes:
    return gguf([], [tensor(name.format(place), shape, 24, place * 32) for place in range(count)], count * 32)


def _nested_arrays() -> bytes:
    return gguf([pair("a", 9, struct.pack("<IQ", 9, 160_000) + struct.pack("<IQ", 4, 0) * 160_000)])


def _stored_texts() -> bytes:
    return b"\x80\x04" + b"".join(b"\x8c\x08n%07d\x94" % place for place in range(199_000)) + b"."


def _imports() -> bytes:
    return b"\x80\x02" + b"".join(b"cm%d\nn\n" % place for place in range(9_999)) + b"N0" * 190_000 + b"."


def _long_imports() -> bytes:
    return b"\x80\x02" + b"".join(b"c%04d" % place + b"\xff" * 500 + b"\nn\n" for place in range(9_999)) + b"."


def _pickles() -> bytes:
    members = {f"{place}.pkl": b"\x80\x02" + b"N0" * 220 + b"N." for place in range(1000)}
    return zipped(members, zipfile.ZIP_DEFLATED)


def _storages() -> bytes:
    return zipped({f"archive/data/{place}": b"" for place in range(60_000)} | {"archive/data.pkl": b"\x80\x02N."})


def _wide_names() -> bytes:
    """A directory of 99,000 members of which there is nothing else; names that are no text."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", *bytes(8), 0, 0, 0, 116, *bytes(5), 0)
    directory = b"".join(entry + b"\xff" * 110 + b"%06d" % place for place in range(99_000))
    begin = struct.pack("<4s5HL2L2H", b"PK\x03\x04", *bytes(10))
    start = len(begin)
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 99_000, 99_000, len(directory), start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, start + len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return begin + directory + wide + locator + end


def _bombs() -> bytes:
    bomb = b"\x80\x02X" + struct.pack("<I", 15 << 20) + bytes(15 << 20) + b"."
    return zipped({"a.pkl": bomb, "b.pkl": bomb}, zipfile.ZIP_DEFLATED)


def _keras(config: str) -> bytes:
    return zipped({"config.json": config.encode(), "metadata.json": b"{}"}, zipfile.ZIP_DEFLATED)


def _many_wide(count: int) -> str:
    return ",".join([f'"{_WIDE}"'] * count)


def _wide_settings() -> bytes:
    return f'{{"a":"{_WIDE}{"a" * 4_000_000}"}}'.encode()


def _wide_texts() -> bytes:
    return f'{{"a":[{_many_wide(290_000)}]}}'.encode()


def _wide_keys_of_json() -> bytes:
    return ("{" + ",".join(f'"{_WIDE}{place:04080}":0' for place in range(8_500)) + "}").encode()


def _wide_part() -> bytes:
    return f'{{"added_tokens":[{_many_wide(149_000)}],"x":"{"a" * (34 << 20)}"}}'.encode()


def _graph(one: bytes, count: int) -> bytes:
    return number(1, 8) + message(7, one * count)


def _packed() -> bytes:
    dimensions = message(1, (b"\x80" * 8 + b"\x00") * 64)
    return _graph(message(5, dimensions), 5_000)


def _externals() -> bytes:
    def one(place: int) -> bytes:
        return message(5, message(13, message(1, "location") + message(2, f"{_WIDE}{place:01000}")))

    return number(1, 8) + message(7, b"".join(map(one, range(4_000))))


def _operators() -> bytes:
    return number(1, 1) + message(2, message(2, message(1, message(2, "x")) * 149_000))


def _long_index(count: int, length: int) -> bytes:
    shards = (f"model-{place % 9:05}.safetensors" for place in range(count))
    return json_bytes({"weight_map": {f"{'n' * length}.{place}": shard for place, shard in enumerate(shards)}})


def _card_values() -> bytes:
    return b"---\nx:\n" + b"".join(b"- {a: 1, b: '2'}\n" for _ in range(9_900)) + b"---\n"


def _card_results() -> bytes:
    metrics = b"  - {type: a, value: '1'}\n" * 4_900
    return b"---\nq: &q\n" + metrics + b"model-index: [{results: [{metrics: *q}]}]\n---\n"


#: Case -> (file, bytes) of what must be read, since real models come near it.
_READ: dict[str, tuple[str, Callable[[], bytes]]] = {
    "tensors in two orders": ("m.safetensors", _any_order),
    "tensors in reverse": ("m.safetensors", _reversed),
    "100,000 shapes": ("m.safetensors", _distinct_shapes),
    "escaped names": ("m.safetensors", lambda: _header(lambda place: _empty("\\u00e9" * 15 + str(place)), _TENSORS)),
    "long names beside wide metadata": ("m.safetensors", _wide_header),
    "9,000 wide keys of metadata": ("m.safetensors", partial(_metadata, 9_000)),
    "65,536 wide keys": ("m.gguf", _wide_keys),
    "12,000 wide values": ("m.gguf", _wide_values),
    "100,000 tensors of eight dimensions": ("m.gguf", partial(_tensors_of, [1] * 8)),
    "100,000 wide names": ("m.gguf", partial(_tensors_of, [1], _WIDE + "{:0150}")),
    "2,000,000 empty strings": (
        "m.gguf",
        lambda: gguf([pair("a", 9, struct.pack("<IQ", 8, 2_000_000) + bytes(16_000_000))]),
    ),
    "nested arrays": ("m.gguf", _nested_arrays),
    "199,000 stored texts": ("m.pkl", _stored_texts),
    "9,999 imports": ("m.pkl", _imports),
    "9,999 long imports": ("m.pkl", _long_imports),
    "390,000 lines": ("m.pkl", lambda: b"\x80\x02" + b"I1\n" * 390_000 + b"."),
    "lines of 8 KB": ("m.pkl", lambda: b"\x80\x02" + (b"I" + bytes(8_000) + b"\n") * 20_000 + b"."),
    "skipped texts of 5 KB": ("m.pkl", lambda: b"\x80\x02" + (b"X\x88\x13\0\0" + bytes(5_000)) * 40_000 + b"."),
    "60,000 storages": ("m.pt", _storages),
    "a configuration of wide text": ("m.keras", lambda: _keras(f'{{"class_name":"{_WIDE}{"a" * 4_000_000}"}}')),
    "a configuration of wide texts": ("m.keras", lambda: _keras(f'{{"a":[{_many_wide(290_000)}]}}')),
    "a configuration of objects": ("config.json", lambda: b'{"a":[' + b'{"a":{}},' * 66_000 + b"0]}"),
    "settings of one wide text": ("tokenizer_config.json", _wide_settings),
    "settings of wide texts": ("tokenizer_config.json", _wide_texts),
    "4,900,000 short strings": ("tokenizer.json", lambda: b'{"x":[' + b'"",' * 4_900_000 + b'""]}'),
    "1,900,000 short lists": ("tokenizer.json", lambda: b'{"x":[' + b'["",""],' * 1_900_000 + b"0]}"),
    "349,000 objects": ("tokenizer.json", lambda: b'{"x":[' + b"{}," * 349_000 + b"{}]}"),
    "349,000 escapes": ("tokenizer.json", lambda: b'{"x":[' + b'"\\n",' * 349_000 + b'""]}'),
    "wide added tokens in a large file": ("tokenizer.json", _wide_part),
    "250,000 tensors": ("m.safetensors.index.json", partial(index_bytes, 250_000)),
    "long names": ("m.safetensors.index.json", partial(_long_index, 180_000, 90)),
    "9,900 values": ("README.md", _card_values),
    "4,900 results behind an alias": ("README.md", _card_results),
    "one text of a megabyte": ("README.md", lambda: b"---\na: " + b"b " * 490_000 + b"\n---\n"),
    "spaces": ("LICENSE", lambda: b" *" * 131_072),
    "149,000 tensors": ("m.onnx", partial(_graph, message(5, number(2, 1)), 149_000)),
    "39,000 nodes of six fields": ("m.onnx", partial(_graph, message(1, number(3, 1) * 6), 39_000)),
    "4,000 names of files": ("m.onnx", _externals),
    "3,000 tensors of 66 KB": ("m.onnx", partial(_graph, message(5, message(9, bytes(66_000))), 3_000)),
}

#: Case -> (file, bytes, finding, what it says) of what is stopped.
_STOPPED: dict[str, tuple[str, Callable[[], bytes], str, str]] = {
    "100,001 tensors": (
        "m.safetensors",
        lambda: _header(lambda place: _empty(f"{_WIDE}{place:040}"), _TENSORS + 1),
        "readers.safetensors",
        "more than the 100000 tensors",
    ),
    "10,001 keys of metadata": (
        "m.safetensors",
        partial(_metadata, 10_001),
        "readers.safetensors",
        "more than the 10000 members",
    ),
    "17 MB of names": (
        "m.gguf",
        partial(_tensors_of, [1], _WIDE + "{:0200}", 90_000),
        "readers.gguf",
        "names of its tensors are longer",
    ),
    "100,001 tensors of GGUF": (
        "m.gguf",
        partial(_tensors_of, [1], count=_TENSORS + 1),
        "readers.gguf",
        "announces 100001 tensors",
    ),
    "10,001 imports": (
        "m.pkl",
        lambda: b"\x80\x02" + b"".join(b"cm%d\nn\n" % place for place in range(10_001)) + b".",
        "readers.pickle",
        "more than the 10000 imports",
    ),
    "lines of 60 KB without end": (
        "m.pkl",
        lambda: b"\x80\x02" + (b"I" + bytes(60_000) + b"\n") * 2_000 + b"\xff",
        "readers.pickle",
        "no pickle opcode",
    ),
    "1,000 pickles": ("m.pt", _pickles, "readers.archive", "400000 pickle opcodes"),
    "99,000 members of bytes": ("m.zip", _wide_names, "readers.archive", "1000 are read"),
    "15 MB of configuration": (
        "m.keras",
        lambda: _keras(f'{{"class_name":"{_WIDE}{"a" * (15 << 20)}"}}'),
        "readers.archive",
        "more than the 4194304",
    ),
    "a configuration of lists": (
        "config.json",
        lambda: b"[" + b"[]," * 99_000 + b"[]]",
        "readers.config",
        "not an object",
    ),
    "5,000,001 strings": (
        "tokenizer.json",
        lambda: b'{"x":[' + b'"",' * 11_900_000 + b'""]}',
        "readers.tokenizer",
        "more than 5000000 strings",
    ),
    "900,000 lists that do not end": (
        "tokenizer.json",
        lambda: b'{"x":[' + b'["a","b"],' * 1_900_000,
        "readers.tokenizer",
        "ends early",
    ),
    "a tokenizer of 37 MB": (
        "tokenizer.json",
        lambda: b'{"x":"' + b"a" * (37 << 20) + b'"}',
        "readers.tokenizer",
        "more than the 37748736",
    ),
    "wide keys of 4 KB": (
        "tokenizer.json",
        _wide_keys_of_json,
        "readers.tokenizer",
        "longer than 1024",
    ),
    "250,001 tensors": (
        "m.safetensors.index.json",
        partial(index_bytes, 250_001),
        "readers.index",
        "more than the 250000 tensors",
    ),
    "an index of 25 MB": (
        "m.safetensors.index.json",
        partial(_long_index, 200_000, 90),
        "readers.index",
        "more than the 25165824",
    ),
    "open brackets": (
        "README.md",
        lambda: b"---\na: " + b"[" * 900_000 + b"\n---\n",
        "readers.card",
        "nested more than 20 levels",
    ),
    "packed dimensions": ("m.onnx", _packed, "readers.onnx", "more than the 300000 fields"),
    "domains of noise": (
        "m.onnx",
        partial(_graph, message(1, message(7, b"\xff" * 4_000)), 1_100),
        "readers.onnx",
        "texts are longer",
    ),
    "authors of noise": (
        "m.mlmodel",
        lambda: number(1, 9) + message(2, message(100, message(3, b"\xff" * 60_000) * 3_000)),
        "readers.unreadable",
        "texts are longer",
    ),
    "149,000 operators that do not end": (
        "saved_model.pb",
        lambda: _operators() + b"\x12",
        "readers.unreadable",
        "1 bytes are announced",
    ),
}
