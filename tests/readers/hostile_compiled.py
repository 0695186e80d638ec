"""Hostile files of compiled and converted formats: protobuf, FlatBuffers, XML, HDF5, ggml and TensorRT."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from model_provenance.domain.facts import Inspection

from .compiled_files import OPENVINO, coreml, keras_metadata, operator, savedmodel, tflite
from .hostile_case import Case, cut
from .onnx_files import initializer, message, node, number, onnx, varint

_ON, _UN, _RUNS = "readers.onnx", "readers.unreadable", "readers.executable"
_RECOGNISED = Inspection.RECOGNISED
#: A field of length 2^63, of which nothing is there.
_HUGE = b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"


def onnx_cases() -> Iterator[Case]:
    """Protobuf that lies, nests, and points elsewhere."""
    for name, data, says in _onnx():
        yield Case(f"ONNX: {name}", "m.onnx", data, _ON, says)
    whole = onnx((node("Conv"),), (initializer((2, 2)),))
    graph = whole.index(b"pytorch") + 25
    points = {
        "to nothing": (0, "has 0 graphs"), "in the first number": (1, "1 bytes are announced"),
        "after the version": (2, "has 0 graphs"), "in the producer": (7, "7 bytes are announced"),
        "in the graph": (graph, "bytes are announced"), "before the last byte": (len(whole) - 1, "bytes are announced"),
    }  # fmt: skip
    yield from cut("ONNX", "m.onnx", whole, _ON, points)
    for name, place in (("above", "../../etc/passwd"), ("of the system", "/etc/passwd"), ("of Windows", "C:\\x")):
        yield _external(f"a tensor in a file {name}", onnx((), (initializer((1,), external=place),)))
    hidden = initializer((1,), external="../x")
    yield _external(
        "a tensor of an attribute in a file above", onnx((node("Constant") + message(5, message(5, hidden)),))
    )
    branch = message(5, hidden)
    yield _external("a tensor of a branch in a file above", onnx((node("If") + message(5, message(6, branch)),)))
    yield _external("a tensor of a list in a file above", onnx((node("X") + message(5, message(10, hidden)),)))
    sparse = message(15, message(1, hidden))
    yield _external("a sparse tensor in a file above", number(1, 8) + message(7, sparse))
    function = number(1, 8) + message(7, b"") + message(25, message(7, node("C") + message(5, message(5, hidden))))
    yield _external("a tensor of a function in a file above", function)


def _external(name: str, data: bytes) -> Case:
    return Case(f"ONNX: {name}", "m.onnx", data, "readers.onnx_external", "keeps tensors outside", Inspection.READ)


def _nested_graphs(levels: int) -> bytes:
    graph = b""
    for _ in range(levels):
        graph = message(1, message(5, message(6, graph)))
    return number(1, 8) + message(7, graph)


def _onnx() -> Iterator[tuple[str, bytes, str]]:
    yield "no graph", number(1, 8), "has 0 graphs"
    yield "two graphs", onnx() + message(7, b""), "has 2 graphs"
    yield "no version", message(7, b""), "no version of its format"
    yield "a graph of 2^63 bytes", number(1, 8) + varint(7 << 3 | 2) + _HUGE, f"{2**63} bytes are announced"
    yield "a producer of 2^63 bytes", number(1, 8) + varint(2 << 3 | 2) + _HUGE, f"{2**63} bytes are announced"
    yield "a node longer than its graph", number(1, 8) + message(7, b"\x0a\x7f"), "127 bytes are announced"
    yield "a number of eleven bytes", b"\x08" + b"\x80" * 10 + b"\x01", "longer than ten bytes"
    yield "a number that does not end", b"\x08\x80\x80", "behind the end of its message"
    yield "a field of number 0", b"\x00\x01", "the number 0"
    for wire in (3, 4, 6, 7):
        yield f"a field of wire type {wire}", number(1, 8) + bytes([7 << 3 | wire]), f"wire type {wire}"
    yield "a number for a graph", number(1, 8) + number(7, 1), "a number where a message"
    yield "a number for a producer", number(1, 8) + number(2, 1), "a number where a message"
    yield "a producer of 5 KB", number(1, 8) + message(2, b"x" * 5000), "longer than the 4096"
    yield "17 graphs, one in the other", _nested_graphs(17), "nested more than 16 levels"
    yield "500 graphs, one in the other", _nested_graphs(500), "nested more than 16 levels"
    yield "a negative dimension", onnx((), (initializer((2**64 - 1,)),)), "a negative dimension"
    yield "2^54 elements", onnx((), (initializer((2**27, 2**27)),)), "more elements than can be"
    yield "65 dimensions", onnx((), (initializer((1,) * 65),)), "more than 64 dimensions"
    packed = message(1, b"\x01" * 65)
    yield "65 packed dimensions", number(1, 8) + message(7, message(5, packed)), "more than the 64 numbers"
    kinds = tuple(initializer((1,), 1000 + kind) for kind in range(50))
    yield "50 new element types", onnx((), kinds), "more than 16 element types that are not known"
    yield "310,000 fields", number(1, 8) + number(5, 1) * 310_000, "more than the 300000 fields"
    texts = message(1, message(7, b"x" * 4000)) * 1100
    yield "five megabytes of domains", number(1, 8) + message(7, texts), "texts are longer than"


def savedmodel_cases() -> Iterator[Case]:
    """Graphs of TensorFlow."""
    for name, data, says in _savedmodels():
        yield Case(f"SavedModel: {name}", "saved_model.pb", data, _UN, says)
    whole = savedmodel(("ReadFile",), ("Add",))
    points = {
        "to nothing": (0, "has no graph"), "after the version": (2, "has no graph"), "in the graph": (20, "bytes are announced"),
        "before the last byte": (len(whole) - 1, "bytes are announced"),
    }  # fmt: skip
    yield from cut("SavedModel", "saved_model.pb", whole, _UN, points)
    for kind in ("ReadFile", "WriteFile", "EagerPyFunc"):
        data = savedmodel(("MatMul",), (kind,))
        yield Case(f"SavedModel: {kind} in a function", "saved_model.pb", data, _RUNS, kind, _RECOGNISED)


def _savedmodels() -> Iterator[tuple[str, bytes, str]]:
    yield "a graph of 2^63 bytes", number(1, 1) + varint(2 << 3 | 2) + _HUGE, "bytes are announced"
    yield (
        "a function longer than its library",
        number(1, 1) + message(2, message(2, message(2, b"\x0a\x7f"))),
        "127 bytes",
    )
    yield "an operator of 5 KB", savedmodel(("x" * 5000,)), "longer than the 4096"
    yield "a number for a node", number(1, 1) + message(2, message(2, number(1, 1))), "a number where a message"
    yield "a group", number(1, 1) + b"\x13", "wire type 3"
    yield "310,000 nodes", number(1, 1) + message(2, message(2, message(1, operator("x")) * 140_000)), "300000 fields"


def metadata_cases() -> Iterator[Case]:
    """What Keras writes beside a SavedModel."""
    whole = keras_metadata('{"class_name": "Dense"}', '{"class_name": "Lambda"}')
    points = {"to nothing": (0, "has no layer"), "in a layer": (20, "bytes are announced")}
    yield from cut("Keras metadata", "keras_metadata.pb", whole, _UN, points)
    for name, data, says in _metadata():
        yield Case(f"Keras metadata: {name}", "keras_metadata.pb", data, _UN, says)


def _metadata() -> Iterator[tuple[str, bytes, str]]:
    yield "JSON that does not end", keras_metadata('{"class_name": "Dense"'), "not valid JSON"
    yield "five megabytes of one layer", message(1, message(5, b" " * (5 << 20))), "longer than the 4194304"
    yield "a number for a layer", number(1, 1), "a number where a message"
    yield "20,000 layers", message(1, message(5, "{}")) * 20_000, "more than the 300000 members"
    yield "lists without end", keras_metadata("[" + "[]," * 99_000 + "0]", "[" + "0," * 120_000 + "0]"), "more than the"
    yield "17 MB of layers", message(1, message(5, b'"' + b"x" * 3_900_000 + b'"')) * 5, "texts are longer"


def coreml_cases() -> Iterator[Case]:
    """Core ML models."""
    for name, data, says in _coremls():
        yield Case(f"Core ML: {name}", "m.mlmodel", data, _UN, says)
    whole = coreml()
    points = {
        "to nothing": (0, "no version of its specification"), "in the description": (20, "bytes are announced"),
        "in the author": (len(whole) - 10, "bytes are announced"),
        "before the last byte": (len(whole) - 1, "1 bytes are announced"),
    }  # fmt: skip
    yield from cut("Core ML", "m.mlmodel", whole, _UN, points)
    yield Case("Core ML: a custom model", "m.mlmodel", coreml(555), _RUNS, "custom model", _RECOGNISED)


def _coremls() -> Iterator[tuple[str, bytes, str]]:
    yield "no version", coreml()[2:], "no version of its specification"
    yield "a description of 2^63 bytes", number(1, 9) + varint(2 << 3 | 2) + _HUGE, "bytes are announced"
    yield (
        "an author of 70 KB",
        number(1, 9) + message(2, message(100, message(3, b"x" * 70_000))),
        "longer than the 65536",
    )
    yield "a number for a description", number(1, 9) + number(2, 1), "a number where a message"
    yield "noise", b"\xff" * 40, "longer than ten bytes"


def flat_cases() -> Iterator[Case]:
    """FlatBuffers and the first tag of OpenVINO's XML."""
    for name, data, says in _tflites():
        yield Case(f"TFLite: {name}", "m.tflite", data, _UN, says)
    whole = tflite()
    points = {
        "in the first offset": (2, "4 bytes are announced"), "in the identifier": (6, "4 bytes are announced"),
        "before the root table": (24, "4 bytes are announced"), "in the root table": (30, "bytes are announced"),
        "in a list": (len(whole) - 25, "bytes are announced"), "in the description": (len(whole) - 5, "bytes are announced"),
    }  # fmt: skip
    yield from cut("TFLite", "m.tflite", whole, _UN, points)
    yield Case("OpenVINO: a tag without an end", "m.xml", b"<net " + b"x" * 5000, _UN, "does not end within 4096")
    yield Case("OpenVINO: cut in its tag", "m.xml", OPENVINO[:30], _UN, "does not end within 4096")
    entities = b'<?xml version="1.0"?><!DOCTYPE net [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n<net name="&b;'
    yield Case("OpenVINO: entities and no end", "m.xml", entities, _UN, "does not end within 4096")


def _tflites() -> Iterator[tuple[str, bytes, str]]:
    whole = tflite()
    yield "a root at 2^31", b"\xff\xff\xff\x7fTFL3" + bytes(20), "lies outside the file"
    yield "a root at 2^32 - 1", b"\xff\xff\xff\xffTFL3" + bytes(20), "lies outside the file"
    yield "a root at its own end", struct.pack("<I", len(whole)) + whole[4:], "bytes are announced"
    yield "a table before the file", whole[:24] + struct.pack("<i", 2**31 - 1) + whole[28:], "lies outside the file"
    yield "a table behind the file", whole[:24] + struct.pack("<i", -(2**31)) + whole[28:], "lies outside the file"
    yield "a field behind the file", whole[:12] + b"\xff\xff" + whole[14:], "lies outside the file"
    yield "a description at 2^32 - 1", whole[:36] + b"\xff" * 4 + whole[40:], "lies outside the file"
    yield (
        "a description of 2^31 bytes",
        whole.replace(b"\x09\0\0\0converted", b"\xff\xff\xff\x7fconverted"),
        "its description is",
    )
    yield "another identifier", b"\x1c\0\0\0TFL2" + bytes(20), "does not begin as TFLite models do"
