"""ONNX files byte by byte: the messages of onnx.proto, without its generated code."""

from __future__ import annotations

from collections.abc import Mapping


def varint(value: int) -> bytes:
    """A number as protobuf writes it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    """A varint field."""
    return varint(field << 3) + varint(value)


def message(field: int, data: bytes | str) -> bytes:
    """A length-delimited field."""
    content = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(content)) + content


def initializer(dims: tuple[int, ...], kind: int = 1, raw: bytes = b"", external: str | None = None) -> bytes:
    """A TensorProto."""
    out = b"".join(number(1, size) for size in dims) + number(2, kind) + message(8, "w")
    if external is not None:
        out += message(13, message(1, "location") + message(2, external)) + message(
            13, message(1, "offset") + message(2, "0")
        )
    return out + (message(9, raw) if raw else b"")


def node(operator: str, domain: str = "") -> bytes:
    """A NodeProto."""
    return message(1, "x") + message(2, "y") + message(4, operator) + (message(7, domain) if domain else b"")


def onnx(
    nodes: tuple[bytes, ...] = (), initializers: tuple[bytes, ...] = (), operators: Mapping[str, int] | None = None
) -> bytes:
    """A ModelProto with one graph."""
    graph = b"".join(message(1, one) for one in nodes) + message(2, "main")
    graph += b"".join(message(5, one) for one in initializers)
    sets = (operators or {"": 17}).items()
    return (
        number(1, 8)
        + message(2, "pytorch")
        + message(3, "2.1.0")
        + b"".join(message(8, message(1, name) + number(2, version)) for name, version in sets)
        + message(7, graph)
    )
