"""Hostile HDF5 files, weights from before GGUF, tar files and TensorRT engines."""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Iterator

from model_provenance.domain.facts import Inspection

from .compiled_files import hdf5, hdf5_attribute, hdf5_message
from .hostile_case import Case, cut

_UN, _RUNS = "readers.unreadable", "readers.executable"
_RECOGNISED = Inspection.RECOGNISED
_KERAS = {"keras_version": "2.15.0", "model_config": '{"class_name": "Sequential"}'}
_TEXT = struct.pack("<BBBBI", 0x13, 0, 0, 0, 4)
_HEAPED = struct.pack("<BBBBI", 0x19, 1, 0, 0, 16) + _TEXT


def hdf5_cases() -> Iterator[Case]:
    """Superblocks that lie, and headers that lead elsewhere."""
    for name, data, says in (*_superblocks(), *_headers(), *_configurations()):
        yield Case(f"HDF5: {name}", "m.h5", data, _UN, says)
    whole = hdf5(_KERAS)
    missing = "the rest is missing"
    points = {
        "in its first bytes": (6, "does not begin as HDF5"), "after its first bytes": (8, "1 bytes are announced"),
        "in the widths": (14, "1 bytes are announced"), "in the addresses": (40, "8 bytes are announced"),
        "after the superblock": (96, missing), "in the header": (140, missing), "before the last byte": (len(whole) - 1, missing),
    }  # fmt: skip
    yield from cut("HDF5", "m.h5", whole, _UN, points)
    config = '{"config": {"layers": [{"class_name": "Lambda"}]}}'
    for version in (0, 3):
        data = hdf5({"model_config": config}, version=version, user_block=1024)
        yield Case(
            f"HDF5: a Lambda layer behind a user block, version {version}", "m.h5", data, _RUNS, "Lambda", _RECOGNISED
        )


def _superblocks() -> Iterator[tuple[str, bytes, str]]:
    whole = hdf5(_KERAS)
    yield "of version 4", whole[:8] + b"\x04" + whole[9:], "superblock has version 4"
    yield "offsets of 3 bytes", whole[:13] + b"\x03" + whole[14:], "offsets of 3"
    yield "lengths of 255 bytes", whole[:14] + b"\xff" + whole[15:], "lengths of 255 bytes"
    for power in (63, 64):
        yield f"an end at 2^{power} - 1", hdf5(_KERAS, end=2**power - 1), f"superblock says {2**power - 1}"
    yield "a root at 2^64 - 1", whole[:64] + b"\xff" * 8 + whole[72:], "lies outside the file"
    yield "a root in the superblock", whole[:64] + struct.pack("<Q", 8) + whole[72:], "has no object header"
    yield "a base at 2^63", whole[:24] + struct.pack("<Q", 2**63) + whole[32:], "says that it is at 9223372036854775808"
    yield "a user block of 4 MB", bytes(4 << 20) + hdf5(_KERAS), "does not begin as HDF5"
    yield "no HDF5 at all", b"anything", "does not begin as HDF5"


def _headers() -> Iterator[tuple[str, bytes, str]]:
    whole = hdf5(_KERAS)
    yield "a header of 4 GB", whole[:104] + b"\xff" * 4 + whole[108:], "lies outside the file"
    yield "a new header of 4 GB", _new(_KERAS, 54, b"\xff" * 4), "lies outside the file"
    yield "a message longer than its header", whole[:114] + b"\xff\xff" + whole[116:], "lies outside the file"
    for new in (False, True):
        version, word = (2, "new") if new else (0, "old")
        itself = hdf5_message(0x10, struct.pack("<QQ", 48 if new else 112, 24), new=new)
        says = "goes on where nothing of it is" if new else "more than the 64 parts"
        yield f"a header that goes on in itself, {word}", hdf5({}, version=version, more=itself), says
        away = hdf5_message(0x10, struct.pack("<QQ", 2**63, 24), new=new)
        yield f"a header that goes on at 2^63, {word}", hdf5({}, version=version, more=away), "lies outside the file"
        long = hdf5_message(0x10, struct.pack("<QQ", 0, 2**63), new=new)
        yield (
            f"a header that goes on for 2^63 bytes, {word}",
            hdf5({}, version=version, more=long),
            "lies outside the file",
        )
        shared = hdf5_message(0x0C, bytes(16), new=new, flags=2)
        yield (
            f"a shared attribute, {word}",
            hdf5({}, version=version, more=shared),
            "attributes of its root group are shared",
        )
        many = hdf5_message(0, b"", new=new) * 5000
        yield f"5,000 messages, {word}", hdf5({}, version=version, more=many), "more than the 4096 messages"
    apart = hdf5_message(0x15, b"\0\0" + struct.pack("<QQ", 96, 96), new=True)
    yield "attributes in a heap of their own", hdf5({}, version=3, more=apart), "stored apart"
    twice = hdf5_message(0x0C, hdf5_attribute("backend", _TEXT, b"jax "))
    yield "an attribute twice", hdf5({}, more=twice * 2), "backend stands twice"


def _new(attributes: dict[str, str], at: int, data: bytes) -> bytes:
    whole = hdf5(attributes, version=2)
    return whole[:at] + data + whole[at + len(data) :]


def _configurations() -> Iterator[tuple[str, bytes, str]]:
    def attribute(kind: bytes, content: bytes) -> bytes:
        return hdf5({}, more=hdf5_message(0x0C, hdf5_attribute("model_config", kind, content)))

    yield "a heap that is none", attribute(_HEAPED, struct.pack("<IQI", 4, 96, 1)), "is not where the attribute says"
    yield "a heap at 2^63", attribute(_HEAPED, struct.pack("<IQI", 4, 2**63, 1)), "lies outside the file"
    whole = hdf5({"model_config": "{}"})
    at = whole.index(b"GCOL")
    yield "a heap of 2^63 bytes", whole[: at + 8] + struct.pack("<Q", 2**63) + whole[at + 16 :], "lies outside the file"
    yield "a heap of no objects", whole[: at + 16] + bytes(2) + whole[at + 18 :], "not in the heap that it names"
    yield (
        "a text longer than its object",
        whole[: at + 24] + struct.pack("<Q", 1) + whole[at + 32 :],
        "not in the heap that it names",
    )
    yield "a text of 4 GB", attribute(struct.pack("<BBBBI", 0x13, 0, 0, 0, 2**32 - 1), b"{}"), "bytes are announced"
    yield "a configuration that is cut", hdf5({"model_config": '{"a":'}), "not valid JSON"
    yield "a configuration with a key twice", hdf5({"model_config": '{"a":1,"a":2}'}), "the key 'a' stands twice"
    yield "a configuration of 100,000 levels", hdf5({"model_config": "[" * 100_000}), "nested too deeply"
    yield (
        "a configuration of 5 MB",
        hdf5({"model_config": '"' + "x" * (5 << 20) + '"'}),
        "not in the heap|more than the 4194304",
    )
    yield "310,000 members", hdf5({"model_config": "[" + "0," * 310_000 + "0]"}), "members, more than the 300000"
    typed = hdf5_attribute("model_config", _TEXT, b"{}  ", new=True)
    other = hdf5_message(0x0C, typed[:1] + b"\x01" + typed[2:], new=True)
    yield "a datatype that is stored apart", hdf5({}, version=2, more=other), "is stored apart"


def ggml_cases() -> Iterator[Case]:
    """Versions that there never were, and numbers that are missing."""
    for magic, name in ((b"fmgg", "ggmf"), (b"tjgg", "ggjt"), (b"algg", "ggla")):
        for version in (0, 4, 2**32 - 1):
            data = magic + struct.pack("<I", version) + bytes(40)
            yield Case(
                f"{name}: version {version}", "m.bin", data, _UN, f"{name} of version {version}, which there never was"
            )
        yield Case(f"{name}: cut in its version", "m.bin", magic + b"\x01", _UN, "4 bytes are announced")
        yield Case(f"{name}: cut in its numbers", "m.bin", magic + b"\x01\0\0\0\0\0", _UN, "4 bytes are announced")


def tar_cases() -> Iterator[Case]:
    """Tar files count as pickles; those whose members cannot be listed are unreadable beside."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for place in range(1001):
            archive.addfile(tarfile.TarInfo(f"{place}"))
    many = file.getvalue()
    tricks = {
        "1,001 members": (many, "more than the 1000 members"),
        "a second header that is none": (many[:512] + b"x" * 512, "header at byte 512 is none"),
        "a member of which nothing is there": (
            _sized(many, b"\x80" + bytes(3) + b"\x7f" + bytes(7)),
            "bytes are announced",
        ),
        "a member of less than nothing": (_sized(many, b"\xff" * 12), "header at byte 0 is none"),
    }
    for name, (data, says) in tricks.items():
        yield Case(f"tar: {name}", "m.pt", data, "readers.archive", says)
    yield Case("tar: two members", "m.bin", many[:1024], _RUNS, "members loaders unpickle", _RECOGNISED)


def _sized(data: bytes, size: bytes) -> bytes:
    """The tar file with another size of its first member, and the checksum that fits."""
    header = bytearray(data[:512])
    header[124:136], header[148:156] = size, b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data[512:]


def tensorrt_cases() -> Iterator[Case]:
    """Descriptions before the engine that lie."""
    engine = b"ftrt" + bytes(40)

    def described(description: bytes, follows: bytes = engine, length: int | None = None) -> bytes:
        return struct.pack("<I", len(description) if length is None else length) + description + follows

    tricks = {
        "a description of 15 MB": (described(b"{}", length=15 << 20), "more than the 1048576"),
        "a description longer than the file": (described(b"{}", length=500), "500 bytes are announced"),
        "a description that is cut": (described(b'{"a":'), "not valid JSON"),
        "a description with a key twice": (described(b'{"a":1,"a":2}'), "stands twice"),
        "a description of 100,000 levels": (described(b'{"a":' * 100_000), "nested too deeply"),
        "a description and no engine": (described(b"{}", b""), "no TensorRT engine follows"),
        "a description and a pickle": (described(b"{}", b"\x80\x04cos\nsystem\n."), "no TensorRT engine follows"),
    }
    for name, (data, says) in tricks.items():
        yield Case(f"TensorRT: {name}", "m.engine", data, _UN, says)
