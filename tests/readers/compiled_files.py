"""Files of compiled and converted formats byte by byte: a FlatBuffer, and messages of TensorFlow's and Core ML's files."""

from __future__ import annotations

import struct
from collections.abc import Mapping

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


def tflite_with(operator: str, codes: int = 1) -> bytes:
    """A Model table with nothing but so many custom operators of one name."""
    # Vtable (8) of one field, root table (8), the list, then a table for the codes, which all point to the same one.
    root = 16
    listed = root + 8
    table = listed + 4 + 4 * codes + 8
    name = struct.pack("<I", len(operator)) + operator.encode() + b"\0"
    return (
        struct.pack("<I4s", root, b"TFL3")
        + struct.pack("<HHHH", 8, 8, 0, 4)
        + struct.pack("<iI", 8, listed - (root + 4))
        + struct.pack("<I", codes)
        + b"".join(struct.pack("<I", table - (listed + 4 + 4 * place)) for place in range(codes))
        + struct.pack("<HHHH", 8, 8, 0, 4)
        + struct.pack("<iI", 8, 4)
        + name
    )


def operator(kind: str, attributes: Mapping[str, str] | None = None) -> bytes:
    """A NodeDef of TensorFlow with texts for attributes."""
    pairs = ((message(1, name) + message(2, message(2, value))) for name, value in (attributes or {}).items())
    return message(1, "name") + message(2, kind) + b"".join(message(5, pair) for pair in pairs)


def keras_metadata(*configurations: str) -> bytes:
    """What Keras 2 writes beside a SavedModel."""
    return b"".join(
        message(1, number(2, place) + message(3, "root") + message(4, "_tf_keras_layer") + message(5, one))
        for place, one in enumerate(configurations)
    )


def savedmodel(
    operators: tuple[str, ...] = ("MatMul",), in_a_function: tuple[str, ...] = (), more: bytes = b"", graph: bytes = b""
) -> bytes:
    """A SavedModel with one graph, whose library has one function."""
    info = message(4, "serve") + message(5, "2.17.0")
    function = message(1, message(1, "f")) + b"".join(message(3, operator(kind)) for kind in in_a_function)
    graph += b"".join(message(1, operator(kind)) for kind in operators) + message(2, message(1, function))
    return number(1, 1) + message(2, message(1, info) + message(2, graph) + more)


def coreml(kind: int = 502, license: str = "MIT") -> bytes:
    """A Model with a description."""
    said = message(1, "Says yes") + message(2, "1.0") + message(3, "Acme") + message(4, license)
    return number(1, 9) + message(2, message(1, node("input")) + message(100, said)) + message(kind, b"")


def hdf5(
    attributes: Mapping[str, str], *, version: int = 0, user_block: int = 0, end: int | None = None, more: bytes = b""
) -> bytes:
    """An HDF5 file of one group with attributes: `model_config` in the global heap as h5py does, the others beside their name.

    `more` stands among the messages of the group's header.
    """
    new = version > 1
    start = 48 if new else 96
    # The heap comes behind the header, whose length does not depend on where it is.
    length = len(more) + len(_attributes(attributes, new=new, heap_at=0)[0])
    written, heap = _attributes(attributes, new=new, heap_at=start + length + (14 if new else 16))
    if new:
        header = b"OHDR\x02\x02" + struct.pack("<I", length) + more + written + bytes(4)
    else:
        header = struct.pack("<BxHII4x", 1, 9, 1, length) + more + written
    end = user_block + start + len(header) + len(heap) if end is None else end
    addresses = (user_block, 2**64 - 1, end)
    if new:
        block = struct.pack("<4B4QI", version, 8, 8, 0, *addresses, start, 0)
    else:
        widths = struct.pack("<8BHHI", version, 0, 0, 0, 0, 8, 8, 0, 4, 16, 0)
        block = widths + struct.pack("<4Q", *addresses, 2**64 - 1) + struct.pack("<QQ24x", 0, start)
    return bytes(user_block) + (b"\x89HDF\r\n\x1a\n" + block).ljust(start, b"\0") + header + heap


def _attributes(attributes: Mapping[str, str], *, new: bool, heap_at: int) -> tuple[bytes, bytes]:
    """(messages, the heap that they point to)."""
    messages = bytearray()
    texts = bytearray()
    for index, (name, value) in enumerate(attributes.items(), 1):
        data = value.encode()
        if name == "model_config":
            kind = struct.pack("<BBBBI", 0x19, 1, 0, 0, 16) + struct.pack("<BBBBI", 0x13, 0, 0, 0, 1)
            content = struct.pack("<IQI", len(data), heap_at, index)
            texts += struct.pack("<HHIQ", index, 1, 0, len(data)) + data + bytes(-len(data) % 8)
        else:
            kind, content = struct.pack("<BBBBI", 0x13, 0, 0, 0, len(data)), data
        messages += hdf5_message(0x0C, hdf5_attribute(name, kind, content, new=new), new=new)
    heap = b"GCOL\x01\0\0\0" + struct.pack("<Q", 16 + len(texts) + 16) + bytes(texts) + bytes(16)
    return bytes(messages), heap if texts else b""


def hdf5_attribute(name: str, kind: bytes, content: bytes, *, new: bool = False) -> bytes:
    """The content of an attribute message: a scalar of a datatype."""
    called, space = name.encode() + b"\0", bytes([1, 0, 0, 0, 0, 0, 0, 0])
    sizes = struct.pack("<3H", len(called), len(kind), len(space))
    if new:
        return b"\x03\0" + sizes + b"\0" + called + kind + space + content
    return b"\x01\0" + sizes + b"".join(part + bytes(-len(part) % 8) for part in (called, kind, space)) + content


def hdf5_message(kind: int, content: bytes, *, new: bool = False, flags: int = 0) -> bytes:
    """One message of an object header."""
    if new:
        return struct.pack("<BHB", kind, len(content), flags) + content
    content += bytes(-len(content) % 8)
    return struct.pack("<HHB3x", kind, len(content), flags) + content


OPENVINO = b'<?xml version="1.0"?>\n<net name="minilm" version="11">\n<layers/></net>\n'
