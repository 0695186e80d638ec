"""For each reader the most expensive files that its limits let through, or that they stop last."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable

from .build import framed, gguf, gguf_string, index_bytes, pair, tensor, zipped


def _any_order_header() -> bytes:
    entry = '"{}":{{"data_offsets":[0,0],"shape":[{},0],"dtype":"F32"}}'
    return framed(("{" + ",".join(entry.format(f"n{number}", number) for number in range(150_000)) + "}").encode())


def _reversed_header() -> bytes:
    entry = '"{}":{{"dtype":"I8","shape":[1],"data_offsets":[{},{}]}}'
    members = ",".join(entry.format(f"n{number}", number, number + 1) for number in range(149_999, -1, -1))
    return framed(("{" + members + "}").encode(), bytes(150_000))


def _escaped_names() -> bytes:
    entry = '"{}{}":{{"dtype":"I8","shape":[0],"data_offsets":[0,0]}}'
    return framed(("{" + ",".join(entry.format("\\u00e9" * 15, number) for number in range(105_000)) + "}").encode())


def _long_metadata() -> bytes:
    return framed(json.dumps({"__metadata__": {f"k{number}": "\n" * 20 for number in range(330_000)}}).encode())


def _many_pairs() -> bytes:
    return gguf([pair(f"general.k{number}", 8, gguf_string("v" * 500)) for number in range(65_536)])


def _many_tensors() -> bytes:
    return gguf([], [tensor(f"t{number}", [1] * 8, 24, number * 32) for number in range(150_000)], 150_000 * 32)


def _empty_strings() -> bytes:
    return gguf([pair("a", 9, struct.pack("<IQ", 8, 2_000_000) + bytes(16_000_000))])


def _nested_arrays() -> bytes:
    return gguf([pair("a", 9, struct.pack("<IQ", 9, 160_000) + struct.pack("<IQ", 4, 0) * 160_000)])


def _pickle_memo() -> bytes:
    return b"\x80\x04" + b"".join(b"\x8c\x08n%07d\x94" % number for number in range(200_000)) + b"."


def _pickle_imports() -> bytes:
    return b"\x80\x02" + b"".join(b"cm%d\nn\n" % number for number in range(9_999)) + b"N0" * 190_000 + b"."


def _zip_members() -> bytes:
    return zipped({f"archive/data/{number}": b"" for number in range(60_000)} | {"archive/data.pkl": b"\x80\x02N."})


def _zip_of_pickles() -> bytes:
    return zipped({f"{number}.pkl": b"\x80\x02" + b"N0" * 200 + b"N." for number in range(1000)}, zipfile.ZIP_DEFLATED)


def _zip_bombs() -> bytes:
    bomb = b"\x80\x02X" + struct.pack("<I", 15 << 20) + bytes(15 << 20) + b"."
    return zipped({"a.pkl": bomb, "b.pkl": bomb}, zipfile.ZIP_DEFLATED)


def _card_values() -> bytes:
    return b"---\nx:\n" + b"".join(b"- {a: 1, b: '2'}\n" for _ in range(9_900)) + b"---\n"


EXTREMES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "fields in another order": ("m.safetensors", _any_order_header),
    "tensors in reverse": ("m.safetensors", _reversed_header),
    "escaped names": ("m.safetensors", _escaped_names),
    "metadata of escapes": ("m.safetensors", _long_metadata),
    "65,536 pairs": ("m.gguf", _many_pairs),
    "150,000 tensors": ("m.gguf", _many_tensors),
    "2,000,000 empty strings": ("m.gguf", _empty_strings),
    "nested arrays": ("m.gguf", _nested_arrays),
    "pickle of memo entries": ("m.pkl", _pickle_memo),
    "pickle of imports": ("m.pkl", _pickle_imports),
    "zip of 60,000 members": ("m.pt", _zip_members),
    "zip of 1,000 pickles": ("m.pt", _zip_of_pickles),
    "zip of bombs": ("m.pt", _zip_bombs),
    "configuration of lists": ("config.json", lambda: b"[" + b"[]," * 99_000 + b"[]]"),
    "configuration of objects": ("config.json", lambda: b'{"a":[' + b'{"a":{}},' * 66_000 + b"0]}"),
    "tokenizer of short strings": ("tokenizer.json", lambda: b'{"x":[' + b'"",' * 12_000_000 + b'""]}'),
    "tokenizer of objects": ("tokenizer.json", lambda: b'{"x":[' + b"{}," * 349_000 + b"{}]}"),
    "tokenizer of escapes": ("tokenizer.json", lambda: b'{"x":[' + b'"\\n",' * 349_000 + b'""]}'),
    "tokenizer of lists": ("tokenizer.json", lambda: b'{"x":[' + b'["a","b","c","d","e","f","g","h","i"],' * 900_000),
    "settings of one wide text": (
        "tokenizer_config.json",
        lambda: '{"chat_template":"\U0001f600'.encode() + b"a" * 4_000_000 + b'"}',
    ),
    "added tokens in a large file": (
        "tokenizer.json",
        lambda: b'{"added_tokens":[' + b'{"a":{}},' * 66_000 + b'0],"x":"' + b"a" * (34 << 20) + b'"}',
    ),
    "index of 250,000 tensors": ("m.safetensors.index.json", lambda: index_bytes(250_000)),
    "card of 60,000 values": ("README.md", _card_values),
    "card of one text": ("README.md", lambda: b"---\na: " + b"b " * 490_000 + b"\n---\n"),
    "card of open brackets": ("README.md", lambda: b"---\na: " + b"[" * 900_000 + b"\n---\n"),
    "licence of spaces": ("LICENSE", lambda: b" *" * 131_072),
}
