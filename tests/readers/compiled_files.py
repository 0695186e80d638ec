"""Files of compiled and converted formats byte by byte: a FlatBuffer, and messages of TensorFlow's and Core ML's files."""

from __future__ import annotations

import struct

from .onnx_files import message, node, number


def tflite(*, version: int = 3, description: str = "converted", subgraphs: int = 1) -> bytes:
    """A Model table with a version, no operator codes, empty subgraphs, a description and no buffers."""
    # Header (8), vtable (4 + 5 * 2, padded to 16), root table at 24: soffset, version, subgraphs, description.
    root, vtable = 24, 8
    table = struct.pack("<HHHHHHH", 14, 16, 4, 0, 8, 12, 0).ljust(16, b"\0")
    graphs, text = root + 16, root + 16 + 4 + 4 * subgraphs
    fields = struct.pack("<iIII", root - vtable, version, graphs - (root + 8), text - (root + 12))
    lists = struct.pack("<I", subgraphs) + bytes(4 * subgraphs)
    return (
        struct.pack("<I4s", root, b"TFL3")
        + table
        + fields
        + lists
        + struct.pack("<I", len(description))
        + (description.encode() + b"\0")
    )


def operator(kind: str) -> bytes:
    """A NodeDef of TensorFlow."""
    return message(1, "name") + message(2, kind)


def savedmodel(operators: tuple[str, ...] = ("MatMul",), in_a_function: tuple[str, ...] = ()) -> bytes:
    """A SavedModel with one graph, whose library has one function."""
    info = message(4, "serve") + message(5, "2.17.0")
    function = message(1, message(1, "f")) + b"".join(message(3, operator(kind)) for kind in in_a_function)
    graph = b"".join(message(1, operator(kind)) for kind in operators) + message(2, message(1, function))
    return number(1, 1) + message(2, message(1, info) + message(2, graph))


def coreml(kind: int = 502, license: str = "MIT") -> bytes:
    """A Model with a description."""
    said = message(1, "Says yes") + message(2, "1.0") + message(3, "Acme") + message(4, license)
    return number(1, 9) + message(2, message(1, node("input")) + message(100, said)) + message(kind, b"")


OPENVINO = b'<?xml version="1.0"?>\n<net name="minilm" version="11">\n<layers/></net>\n'
