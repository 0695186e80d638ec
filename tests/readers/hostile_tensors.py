"""Hostile safetensors and GGUF files: lengths that lie, holes, overlaps, names that stand twice."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

from .build import framed, gguf, gguf_string, pair, safetensors, string, strings, tensor, u32
from .hostile_case import Case, cut

_ST, _GG = "readers.safetensors", "readers.gguf"
_SHORT = "bytes are announced|ends early"


def safetensors_cases() -> Iterator[Case]:
    """The header of JSON, and what it says of the bytes behind it."""
    for name, data, says in _safetensors():
        yield Case(f"safetensors: {name}", "m.safetensors", data, _ST, says)
    whole = safetensors({"a": ("F32", [2, 2]), "b": ("I8", [3])}, {"format": "pt"})
    header = int.from_bytes(whole[:8], "little")
    points = {
        "to nothing": (0, "8 bytes are announced"), "in the length": (5, "8 bytes are announced"),
        "after the length": (8, "and only 0 are left"), "in the header": (8 + header // 2, "bytes are announced at offset 8"),
        "before the last brace": (7 + header, "bytes are announced at offset 8"),
        "after the header": (8 + header, "cover 19 bytes and 0 bytes follow"),
        "in the tensors": (8 + header + 4, "cover 19 bytes and 4 bytes follow"),
        "before the last byte": (len(whole) - 1, "cover 19 bytes and 18 bytes follow"),
    }  # fmt: skip
    yield from cut("safetensors", "m.safetensors", whole, _ST, points)


def _entry(name: str, dtype: str = "F32", shape: object = (1,), offsets: object = (0, 4)) -> str:
    return f'"{name}":{{"dtype":"{dtype}","shape":{json.dumps(shape)},"data_offsets":{json.dumps(offsets)}}}'


def _headed(*entries: str, data: int = 4) -> bytes:
    return framed(("{" + ",".join(entries) + "}").encode(), bytes(data))


def _safetensors() -> Iterator[tuple[str, bytes, str]]:
    for power in (63, 64):
        yield f"a header of 2^{power} - 1 bytes", struct.pack("<Q", 2**power - 1) + b"{}", "the format allows"
    yield "a header one byte over the format's limit", struct.pack("<Q", 100_000_001) + b"{}", "the format allows"
    yield (
        "a header over what is read",
        struct.pack("<Q", (16 << 20) + 1) + b"{}",
        "more than the 16777216 that are read",
    )
    yield "a header longer than the file", struct.pack("<Q", 300) + b"{}", "300 bytes are announced"
    yield "an empty header", struct.pack("<Q", 0), "does not begin with an object"
    yield "a list for a header", framed(b"[]"), "does not begin with an object"
    yield "noise for a header", framed(b"\x00\xff" * 20), "not valid UTF-8|does not begin with an object"
    yield "a header in UTF-16", framed("{}".encode("utf-16")), "not valid UTF-8"
    yield "an overlong encoding in a name", framed(b'{"\xc0\x80":{}}'), "not valid UTF-8"
    yield "a surrogate in a name", framed(b'{"\xed\xa0\x80":{}}'), "not valid UTF-8"
    yield "two headers", framed(b"{}{}"), "goes on after its end"
    yield "a control character in a name", _headed(_entry("a\x01")), "not valid at byte"
    yield "a comma too many", framed(b"{" + _entry("a").encode() + b",}", bytes(4)), "not valid at byte"
    yield "nested tensors", framed(b'{"a":{"b":' * 5000), "not valid at byte"
    yield "a deep list for a tensor", framed(b'{"a":' + b"[" * 100_000), "not valid at byte"
    yield "a name that stands twice", _headed(_entry("a", offsets=(0, 4)), _entry("a", offsets=(0, 4))), "stands twice"
    yield "a name that stands twice, once escaped", _headed(_entry("a"), _entry("\\u0061")), "stands twice"
    yield "a field that stands twice", framed(b'{"a":{"dtype":"F32","dtype":"F32","shape":[]}}'), "names a field twice"
    yield "a field that is missing", framed(b'{"a":{"dtype":"F32","shape":[]}}'), "not valid at byte"
    yield "metadata twice", framed(b'{"__metadata__":{},"__metadata__":{}}'), "`__metadata__` stands twice"
    yield "a metadata key twice", framed(b'{"__metadata__":{"a":"","a":""}}'), "the key 'a' stands twice"
    yield "metadata of numbers", framed(b'{"__metadata__":{"a":1}}'), "not valid JSON at byte"
    yield "metadata that nests", framed(b'{"__metadata__":{"a":{"b":{}}}}'), "not valid JSON at byte"
    yield "metadata that ends early", framed(b'{"__metadata__":{"a":"'), "ends inside a string"
    yield "a metadata key of 2 KB", framed(b'{"__metadata__":{"' + b"k" * 2000 + b'":""}}'), "longer than 1024"
    yield "an element type of no format", _headed(_entry("a", "F33")), "element type F33 is not one"
    yield "a lower-case element type", _headed(_entry("a", "f32")), "not valid at byte"
    yield "a negative offset", _headed(_entry("a", offsets=(-4, 0))), "not valid at byte"
    yield "a negative dimension", _headed(_entry("a", shape=(-1,))), "not valid at byte"
    yield "a float for a dimension", _headed(_entry("a", shape=(1.5,))), "not valid at byte"
    yield "a leading zero", framed(b'{"a":{"dtype":"I8","shape":[01],"data_offsets":[0,1]}}', b"1"), "not valid at byte"
    yield "offsets in the wrong order", _headed(_entry("a", offsets=(4, 0))), "has 1 elements of F32 and -4 bytes"
    yield "an element too many", _headed(_entry("a", shape=(2,))), "has 2 elements of F32 and 4 bytes"
    yield "2^63 elements", _headed(_entry("a", shape=(2**62, 2))), f"has {2**63} elements"
    yield "dimensions that overflow to one", _headed(_entry("a", shape=(2**32, 2**32, 1))), f"has {2**64} elements"
    yield "33 dimensions", _headed(_entry("a", shape=(1,) * 33)), "not valid at byte"
    yield "a number of 20 digits", _headed(_entry("a", shape=(10**19,))), "not valid at byte"
    yield "offsets of 2^63", _headed(_entry("a", shape=(0,), offsets=(2**63, 2**63))), "leave a hole"
    yield "a hole", _headed(_entry("a"), _entry("b", offsets=(8, 12)), data=12), "leave a hole at byte 4"
    yield "a hole before the first", _headed(_entry("a", offsets=(4, 8)), data=8), "leave a hole at byte 0"
    yield "an overlap", _headed(_entry("a"), _entry("b", offsets=(2, 6)), data=6), "overlap at byte 2"
    yield "the same bytes twice", _headed(_entry("a"), _entry("b")), "overlap at byte 0"
    yield "bytes behind the last", _headed(_entry("a"), data=5), "cover 4 bytes and 5 bytes follow"
    yield (
        "a pickle behind the last",
        _headed(_entry("a")) + b"\x80\x04cos\nsystem\n.",
        "cover 4 bytes and 18 bytes follow",
    )
    yield "tensors without bytes", _headed(data=4), "cover 0 bytes and 4 bytes follow"


def gguf_cases() -> Iterator[Case]:
    """Key-value pairs, tensors, and where these lie."""
    for name, data, says in _gguf():
        yield Case(f"GGUF: {name}", "m.gguf", data, _GG, says)
    whole = gguf([string("general.name", "x"), u32("general.alignment", 32)], [tensor("a", [4], 0, 0)], 16)
    points = {
        "after the magic": (4, "4 bytes are announced at offset 4, and only 0"), "in the version": (6, "4 bytes are announced"),
        "in the counts": (20, "8 bytes are announced at offset 16"), "before the first pair": (24, "8 bytes are announced"),
        "in a key": (36, "12 bytes are announced"), "in a type": (46, "4 bytes are announced at offset 44"),
        "in a length": (50, "8 bytes are announced at offset 48"), "in a value": (56, "1 bytes are announced at offset 56"),
        "between the pairs": (57, "8 bytes are announced at offset 57"),
        "in a tensor": (len(whole) - 50, "bytes are announced"),
        "before the tensors' bytes": (len(whole) - 16, "ends at byte 16 of the data, and 0 bytes are there"),
        "in the tensors' bytes": (len(whole) - 1, "ends at byte 16 of the data, and 15 bytes are there"),
    }  # fmt: skip
    yield from cut("GGUF", "m.gguf", whole, _GG, points)


def _array(kind: int, count: int, members: bytes = b"") -> bytes:
    return struct.pack("<IQ", kind, count) + members


def _nested(levels: int) -> bytes:
    return b"".join(_array(9, 1) for _ in range(levels)) + _array(0, 0)


def _counts(tensors: int, pairs: int, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs)


def _gguf() -> Iterator[tuple[str, bytes, str]]:
    yield from _gguf_lengths()
    yield from _gguf_pairs()
    yield from _gguf_tensors()


def _gguf_lengths() -> Iterator[tuple[str, bytes, str]]:
    yield "version 1", gguf(version=1), "GGUF version 1"
    yield "version 4", gguf(version=4), "GGUF version 4"
    yield "version 0", gguf(version=0), "GGUF version 0"
    yield "big-endian", b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"
    for power in (32, 63, 64):
        yield f"2^{power} - 1 pairs", _counts(0, 2**power - 1), f"announces {2**power - 1} key-value pairs"
        yield f"2^{power} - 1 tensors", _counts(2**power - 1, 0), f"announces {2**power - 1} tensors"
        yield (
            f"a key of 2^{power} - 1 bytes",
            _counts(0, 1) + struct.pack("<Q", 2**power - 1),
            f"a key is {2**power - 1} bytes",
        )
        value = struct.pack("<Q", 2**power - 1)
        yield f"a string of 2^{power} - 1 bytes", gguf([pair("a", 8, value)]), f"{2**power - 1} bytes are announced"
        for kind in (0, 8, 9, 10):
            array = _array(kind, 2**power - 1)
            says = "members that are read" if kind in (8, 9) else "bytes are announced"
            yield f"an array of 2^{power} - 1 values of type {kind}", gguf([pair("a", 9, array)]), says
    template = pair("tokenizer.chat_template", 8, struct.pack("<Q", 2**63))
    yield "a chat template of 2^63 bytes", gguf([template]), "bytes are announced"
    yield (
        "a string in an array of 2^63 bytes",
        gguf([pair("a", 9, _array(8, 1, struct.pack("<Q", 2**63)))]),
        "bytes are announced",
    )
    yield "one pair more than there is", _counts(0, 1), "8 bytes are announced"
    yield "one tensor more than there is", _counts(1, 0), "8 bytes are announced"


def _gguf_pairs() -> Iterator[tuple[str, bytes, str]]:
    yield "a key that stands twice", gguf([u32("a", 1), u32("a", 2)]), "the key 'a' stands twice"
    yield "a key that is no UTF-8", gguf([pair(b"\xff", 4, bytes(4))]), "a key is not valid UTF-8"
    yield "a key of 257 bytes", gguf([u32("k" * 257, 1)]), "more than the 256 that are read"
    for kind in (13, 255, 2**32 - 1):
        yield (
            f"a value of type {kind}",
            gguf([pair("a", kind, bytes(8))]),
            f"has type {kind}, which the format does not have",
        )
        yield (
            f"an array of type {kind}",
            gguf([pair("a", 9, _array(kind, 1, bytes(8)))]),
            f"type {kind}, which the format",
        )
    yield "a boolean of 2", gguf([pair("a", 7, b"\x02")]), "the boolean 'a' is 2"
    yield "arrays five levels deep", gguf([pair("a", 9, _nested(4))]), "nested more than 4 levels"
    yield "arrays a thousand levels deep", gguf([pair("a", 9, _nested(1000))]), "nested more than 4 levels"
    yield "arrays of arrays without end", gguf([pair("a", 9, _array(9, 170_000))]), "members that are read"
    yield (
        "a language that is no UTF-8",
        gguf([pair("general.languages", 9, _array(8, 1, gguf_string(b"\xff")))]),
        "not valid UTF-8",
    )
    yield (
        "65 chat templates",
        gguf([string(f"tokenizer.chat_template.{n}", "x") for n in range(65)]),
        "64 chat templates",
    )
    yield (
        "an alignment of 0 bytes",
        gguf([u32("general.alignment", 7)], [tensor("a", [1], 24, 0)], 32),
        "alignment is 7",
    )
    yield "an alignment of 2^31", gguf([u32("general.alignment", 2**31)]), f"alignment is {2**31}"


def _gguf_tensors() -> Iterator[tuple[str, bytes, str]]:
    yield (
        "a tensor's name of 2^63 bytes",
        _counts(1, 0) + struct.pack("<Q", 2**63),
        "a tensor name is 9223372036854775808 bytes",
    )
    yield "a tensor's name of 257 bytes", gguf([], [tensor("n" * 257, [1], 0, 0)], 32), "a tensor name is 257 bytes"
    yield "a tensor's name that is no UTF-8", gguf([], [_named(b"\xfe")], 32), "a tensor name is not valid UTF-8"
    yield (
        "a tensor that stands twice",
        gguf([], [tensor("a", [4], 0, 0), tensor("a", [4], 0, 32)], 64),
        "the tensor 'a' stands twice",
    )
    yield "nine dimensions", gguf([], [tensor("a", [1] * 9, 0, 0)], 32), "has 9 dimensions"
    yield "2^32 dimensions", gguf([], [gguf_string("a") + b"\xff" * 4], 32), f"has {2**32 - 1} dimensions"
    yield "2^63 elements", gguf([], [tensor("a", [2**62, 2], 24, 0)], 32), "and 32 bytes are there"
    yield "dimensions that overflow to one", gguf([], [tensor("a", [2**32, 2**32], 24, 0)], 32), "which no file has"
    yield "an offset of 2^63", gguf([], [tensor("a", [32], 24, 2**63)], 32), "which no file has"
    yield "an offset of 2^64 - 32", gguf([], [tensor("a", [32], 24, 2**64 - 32)], 32), "which no file has"
    yield "an offset behind the end", gguf([], [tensor("a", [8], 0, 64)], 32), "ends at byte 96 of the data, and 32"
    yield "an offset that is not aligned", gguf([], [tensor("a", [4], 0, 8)], 32), "not aligned to 32"
    yield (
        "two tensors in one place",
        gguf([], [tensor("a", [16], 0, 0), tensor("b", [16], 0, 0)], 64),
        "two tensors overlap at byte 0",
    )
    yield (
        "tensors that overlap",
        gguf([], [tensor("a", [16], 0, 32), tensor("b", [16], 0, 0)], 96),
        "two tensors overlap at byte 32",
    )
    yield "half a block", gguf([], [tensor("a", [16], 2, 0)], 64), "is no multiple of 32 elements of Q4_0"
    yield (
        "a new type with more elements than bytes",
        gguf([], [tensor("a", [10_000], 99, 0)], 32),
        "more elements than 32 bytes",
    )
    types = [tensor(f"a{kind}", [1], 1000 + kind, 0) for kind in range(60)]
    yield "60 new types", gguf([], types, 64), "more than 16 element types that are not known"
    yield (
        "a vocabulary of 2^40 tokens",
        gguf([pair("tokenizer.ggml.tokens", 9, _array(8, 2**40))]),
        "members that are read",
    )
    split = [u32("split.count", 2**32 - 1), strings("general.tags", ["x"] * 200)]
    yield "a split of which nothing is there", gguf(split, [tensor("a", [4], 0, 0)]), "and 0 bytes are there"


def _named(name: bytes) -> bytes:
    return gguf_string(name) + struct.pack("<IQIQ", 1, 1, 0, 0)
