"""Hostile pickles, zip files, Keras models and NumPy arrays."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator

from model_provenance.domain.facts import Inspection

from .build import TENSOR_PICKLE, torch_zip, zipped
from .hostile_case import Case, cut

_PK, _ZIP, _NP, _RUNS = "readers.pickle", "readers.archive", "readers.numpy", "readers.executable"
_READ, _OTHER = Inspection.READ, Inspection.RECOGNISED
_END = b"PK\x05\x06"


def pickle_cases() -> Iterator[Case]:
    """Opcodes that end early, lie about lengths, or hide what they import."""
    for name, data, says in _broken_pickles():
        yield Case(f"pickle: {name}", "m.pkl", data, _PK, says)
    for name, data, says in _imports():
        yield Case(f"pickle: {name}", "m.pkl", data, _RUNS, says, _READ)
    whole = pickle.dumps({"a": [1, 2.0, "x" * 40, b"y"], "b": {"c": (None, True)}}, 4)
    points = {
        "after the protocol": (2, "1 bytes are announced at offset 2"), "in the frame": (6, "8 bytes are announced"),
        "after the frame": (11, "1 bytes are announced"), "in a text": (25, "bytes are announced"),
        "before the end": (len(whole) - 1, "1 bytes are announced"),
    }  # fmt: skip
    yield from cut("pickle", "m.pkl", whole, _PK, points)
    yield Case(
        "pickle: of tensors under the name of GGUF's bytes",
        "m.pt",
        b"GGUF" + TENSOR_PICKLE,
        _RUNS,
        "can run code",
        _READ,
    )


def _broken_pickles() -> Iterator[tuple[str, bytes, str]]:
    begin = b"\x80\x04"
    for opcode, width in ((b"X", 4), (b"B", 4), (b"\x8d", 8), (b"\x8e", 8), (b"\x96", 8), (b"\x8b", 4)):
        length = (2 ** (8 * width - 1)).to_bytes(width, "little")
        yield f"a length of 2^{8 * width - 1} behind {opcode!r}", begin + opcode + length, "bytes are announced"
    yield "a frame of 2^64 - 1 bytes", begin + b"\x95" + b"\xff" * 8, "1 bytes are announced"
    yield "a frame that is cut", begin + b"\x95\xff", "8 bytes are announced"
    yield "no opcode", begin + b"\xff.", "no pickle opcode"
    yield "an import that is cut in its module", begin + b"cos", "a line has no end"
    yield "an import that is cut in its name", begin + b"cos\nsystem", "a line has no end"
    yield "a line without an end", begin + b"I" + b"1" * 70_000, "a line has no end within 65536"
    yield "a memo index that is no number", begin + b"Nptwo\n.", "memo index of the pickle is no number"
    yield (
        "a memo index of 40 nines and more",
        begin + b"p" + b"9" * 60 + b"x\n",
        "longer than the 40 bytes that are read",
    )
    yield "nothing but marks", begin + b"(" * 500_000, "more than the 400000 pickle opcodes"
    yield (
        "texts that are stored and fetched without end",
        begin + (b"\x8c\x01a\x94h\x00" * 140_000),
        "400000 pickle opcodes",
    )
    yield "an import, and then no end", begin + b"cos\nsystem\n", "1 bytes are announced"
    yield "65 pickles, the last one broken", (begin + b"N.") * 3 + begin, "1 bytes are announced"


def _imports() -> Iterator[tuple[str, bytes, str]]:
    begin, call = b"\x80\x04", b"\x8c\x01x\x85R."

    def text(value: str) -> bytes:
        return b"\x8c" + bytes([len(value)]) + value.encode()

    yield "os.system", begin + b"cos\nsystem\n" + call, "imports os.system"
    yield "os.system from the stack", begin + text("os") + text("system") + b"\x93" + call, "imports os.system"
    yield "an instance of subprocess.Popen", begin + b"(isubprocess\nPopen\n.", "imports subprocess.Popen"
    yield (
        "a name from the memo",
        begin + text("os") + b"\x94" + text("system") + b"\x94h\x00h\x01\x93" + call,
        "imports os.system",
    )
    yield "a computed name", begin + b"\x8c\x02os\x8c\x06system0N\x93" + call, r"imports \(computed\)"
    yield "an extension code", begin + b"\x82\x01.", r"imports \(computed\)"
    yield "an extension code of four bytes", begin + b"\x84\xff\xff\xff\x7f.", r"imports \(computed\)"
    yield "a name that is escaped", b"\x80\x02Vo\\u0073\nVsystem\n\x93.", r"imports \(computed\)"
    yield "a module of 60 KB", begin + b"c" + b"o" * 60_000 + b"\nsystem\n.", r"imports \(too long\)"
    yield "a second pickle", begin + b"N." + begin + b"cos\nsystem\n.", "imports os.system"
    yield "a module with a control character", begin + b"co\rs\x1b[2J\nsystem\n.", "imports o"
    yield "a method of a permitted module", begin + b"ctorch\nload\n.", "imports torch.load"
    yield (
        "a dotted name under a permitted module",
        begin + text("torch") + text("storage.os.system") + b"\x93.",
        "torch.storage.os",
    )
    yield "after a plain dictionary", pickle.dumps({"a": 1}, 4)[:-1] + b"0cnt\nsystem\n.", "imports nt.system"


def archive_cases() -> Iterator[Case]:
    """Zip files that two readers could read differently, bombs, and pickles in odd places."""
    for name, data, says in _broken_zips():
        yield Case(f"zip: {name}", "m.zip", data, _ZIP, says)
    whole = torch_zip()
    directory = whole.index(b"PK\x01\x02")
    points = {
        "after the first bytes": (4, "without an end record"), "in the first member": (40, "without an end record"),
        "before the directory": (directory, "without an end record"),
        "in the directory": (directory + 30, "without an end record"),
        "in the end record": (len(whole) - 1, "without an end record"),
    }  # fmt: skip
    yield from cut("zip", "m.pt", whole, _ZIP, points)
    for name, data, says in _torch():
        yield Case(f"PyTorch: {name}", "m.pt", data, _ZIP, says)
    for name, data, code, says in _keras():
        yield Case(f"Keras: {name}", "m.keras", data, code, says, _READ if code == _RUNS else Inspection.UNREADABLE)
    evil = b"\x80\x04cos\nsystem\n."
    for name, member in (("another folder", "x/y.bin"), ("no name of a pickle", "a"), ("the end", "zz.txt")):
        data = zipped({"archive/data.pkl": TENSOR_PICKLE, member: evil})
        yield Case(f"PyTorch: a second pickle under {name}", "m.pt", data, _RUNS, "imports os.system", _READ)
    data = zipped({"archive/data.pkl": TENSOR_PICKLE, "archive/code/__torch__.py": b"x"})
    yield Case("PyTorch: TorchScript", "m.pt", data, _RUNS, "TorchScript", _READ)
    objects = _npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }")
    yield Case(
        "npz: an array of objects", "m.npz", zipped({"a.npy": objects}), _RUNS, "array of Python objects", _OTHER
    )
    disguised = "has the name of safetensors and the content of"
    yield Case(
        "zip: under the name of safetensors",
        "m.safetensors",
        whole,
        "readers.disguised",
        f"{disguised} a pytorch-zip",
        _READ,
    )
    yield Case(
        "pickle: under the name of safetensors",
        "m.safetensors",
        evil,
        "readers.disguised",
        f"{disguised} a pickle",
        _READ,
    )


def _end_record(whole: bytes, **fields: int) -> bytes:
    """The same zip file with other values in its end record."""
    at = whole.rindex(_END)
    names = ("disk", "first_disk", "here", "count", "size", "start", "comment")
    values = dict(zip(names, struct.unpack("<4H2LH", whole[at + 4 : at + 22]), strict=True)) | fields
    return whole[:at] + _END + struct.pack("<4H2LH", *values.values())


def _directory_entry(whole: bytes, offset: int, value: bytes) -> bytes:
    """The same zip file with other bytes in the first entry of its directory."""
    at = whole.index(b"PK\x01\x02") + offset
    return whole[:at] + value + whole[at + len(value) :]


def _broken_zips() -> Iterator[tuple[str, bytes, str]]:
    whole = zipped({"a.pkl": b"\x80\x02N."})
    deflated = zipped({"a.pkl": b"\x80\x02" + b"N0" * 50 + b"N."}, zipfile.ZIP_DEFLATED)
    yield "bytes before it", b"PK\x03\x04" + whole, "is not where the end record says"
    yield "bytes behind it", whole + b"x", "end record does not match"
    yield "a comment that is not there", _end_record(whole, comment=9), "end record does not match"
    yield (
        "65,535 members announced",
        _end_record(whole, here=65535, count=65535),
        "46 bytes|bytes are announced|not valid",
    )
    yield "a member more than there is", _end_record(whole, here=2, count=2), "bytes are announced"
    yield "a member less than there is", _end_record(whole, here=0, count=0), "bytes after the last member"
    yield "two numbers of members", _end_record(whole, count=3), "end record does not match"
    yield "several disks", _end_record(whole, disk=1), "end record does not match"
    yield "a directory of 4 GB", _end_record(whole, size=2**32 - 2), "is not where the end record says"
    yield "a directory at 4 GB", _end_record(whole, start=2**32 - 2), "is not where the end record says"
    yield "a directory that is none", _directory_entry(whole, 0, b"XX"), "directory is not valid"
    yield "a name that is longer than the directory", _directory_entry(whole, 28, b"\xff\xff"), "bytes are announced"
    yield "a member at 2^32 - 2", _directory_entry(whole, 42, b"\xfe\xff\xff\xff"), "lies outside the file"
    yield (
        "a member over the directory",
        _directory_entry(whole, 42, struct.pack("<L", whole.index(b"PK\x01"))),
        "differs between",
    )
    yield "a wide size without its field", _directory_entry(whole, 24, b"\xff" * 4), "lacks a 64-bit size"
    yield (
        "another name in the member itself",
        whole.replace(b"a.pkl", b"b.pkl", 1),
        "differs between directory and content",
    )
    yield (
        "another method in the member itself",
        whole[:8] + b"\x08" + whole[9:],
        "differs between directory and content",
    )
    yield "encryption", whole[:6] + b"\x01" + whole[7:], "is encrypted"
    yield "encryption in the directory", _directory_entry(whole, 8, b"\x01"), "is encrypted"
    lzma = zipped({"a.pkl": b"\x80\x02N."}, zipfile.ZIP_LZMA)
    yield "a method that is not read", lzma, "is compressed by method 14"
    yield "two sizes of what is stored", _directory_entry(whole, 24, b"\x09\0\0\0"), "is stored and has two sizes"
    yield (
        "a size that is too large",
        _directory_entry(deflated, 24, struct.pack("<L", 9999)),
        "does not have the 9999 bytes",
    )
    yield "a size that is too small", _directory_entry(deflated, 24, struct.pack("<L", 9)), "does not have the 9 bytes"
    yield "a size of 2^32 - 2", _directory_entry(deflated, 24, b"\xfe\xff\xff\xff"), "inflate to more than the 33554432"
    yield "noise where deflated bytes belong", deflated[:35] + b"\xff" * 8 + deflated[43:], "cannot be inflated"
    yield (
        "compressed bytes that end in the directory",
        _directory_entry(deflated, 20, b"\xff\xff\0\0"),
        "lies outside the file",
    )
    twice = zipped({"a.pkl": b"\x80\x02N.", "b.pkl": b"\x80\x02N."})
    yield "a name that stands twice", twice.replace(b"b.pkl", b"a.pkl"), "stands twice"
    yield "1,001 members that are no storages", zipped({str(n): b"" for n in range(1001)}), "1000 are read"
    yield "the 64-bit record missing", _wide_end(whole, 0), "56 bytes are announced"
    yield "a 64-bit record of 2^63 bytes", _wide_end(whole, 2**63), "64-bit zip end record does not match"
    yield "a 64-bit record outside", _wide_end(whole, None), "lies outside the file"


def _wide_end(whole: bytes, record: int | None) -> bytes:
    """The same zip file with a 64-bit end record of this announced size; None puts it outside the file."""
    at = whole.rindex(_END)
    wide = b"" if record in (0, None) else struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", record, 45, 45, 0, 0, 1, 1, 51, 39)
    locator = struct.pack(
        "<4sLQL", b"PK\x06\x07", 0, 2**63 if record is None else max(at - 10, 0) if not record else at, 1
    )
    return whole[:at] + wide + locator + whole[at:]


def _bomb(size: int, *, pickled: bool = True) -> bytes:
    return (b"\x80\x02X" + struct.pack("<I", size) if pickled else b"") + bytes(size) + b"."


def _three_bombs() -> bytes:
    return _deflated({f"archive/{name}data.pkl": _bomb(15 << 20) for name in ("", "a/", "b/")})


def _torch() -> Iterator[tuple[str, bytes | Callable[[], bytes], str]]:
    yield (
        "a pickle that inflates to 17 MB",
        lambda: _deflated({"archive/data.pkl": _bomb(17 << 20)}),
        "more than the 16777216",
    )
    yield "three pickles that inflate to 45 MB", _three_bombs, "inflate to more than the 33554432"
    yield "a zip in a zip", zipped({"archive/data.pkl": zipped({"data.pkl": b"\x80\x02N."})}), "a line has no end"
    yield "a pickle without an end", torch_zip(TENSOR_PICKLE[:-1]), "1 bytes are announced"
    yield "an empty pickle", torch_zip(b""), "1 bytes are announced"
    yield "a pickle of lengths that lie", torch_zip(b"\x80\x02X\xff\xff\xff\x7f"), "2147483647 bytes are announced"
    many = {f"a{number}.pkl": b"\x80\x02" + b"N0" * 600 + b"N." for number in range(999)}
    yield "999 pickles of 600 opcodes", _deflated(many), "400000 pickle opcodes"


def _deflated(members: dict[str, bytes]) -> bytes:
    return zipped(members, zipfile.ZIP_DEFLATED)


def _keras() -> Iterator[tuple[str, bytes, str, str]]:
    def archive(config: str | bytes, metadata: str = "{}") -> bytes:
        data = config if isinstance(config, bytes) else config.encode()
        return _deflated({"config.json": data, "metadata.json": metadata.encode()})

    lambda_layer = json.dumps({"class_name": "Functional", "config": {"layers": [{"class_name": "Lambda"}]}})
    yield "a Lambda layer", archive(lambda_layer), _RUNS, "has a Lambda layer"
    deep = '{"config":' * 30 + lambda_layer + "}" * 30
    yield "a Lambda layer thirty levels down", archive(deep), _RUNS, "has a Lambda layer"
    foreign = json.dumps({"class_name": "Popen", "module": "subprocess"})
    yield "a class of subprocess", archive(foreign), _RUNS, "subprocess.Popen"
    lookalike = json.dumps({"class_name": "X", "module": "keras_evil.layers"})
    yield "a module that is called almost like Keras", archive(lookalike), _RUNS, "keras_evil.layers.X"
    pickled = _deflated({"config.json": b"{}", "metadata.json": b"{}", "x.pkl": b"\x80\x04cos\nsystem\n."})
    yield "a pickle beside it", pickled, _RUNS, "imports os.system"
    yield "a configuration that is cut", archive('{"a":'), _ZIP, "not valid JSON"
    yield "a configuration with a key twice", archive('{"a":1,"a":2}'), _ZIP, "stands twice"
    yield "a configuration of a list", archive("[]"), _ZIP, "not an object"
    yield "a configuration of 100,000 levels", archive("[" * 100_000 + "]" * 100_000), _ZIP, "nested too deeply"
    yield (
        "a configuration that inflates to 5 MB",
        archive('{"a":"' + "x" * (5 << 20) + '"}'),
        _ZIP,
        "more than the 4194304",
    )
    yield (
        "a configuration of 310,000 members",
        archive('{"a":[' + "0," * 310_000 + "0]}"),
        _ZIP,
        "members, more than the",
    )
    yield "a number of a million digits", archive('{"a":' + "9" * 1_000_000 + "}"), _ZIP, "a thousand digits"
    yield (
        "metadata that is no UTF-8",
        _deflated({"config.json": b"{}", "metadata.json": b'{"a":"\xff"}'}),
        _ZIP,
        "not valid JSON",
    )
    yield "NaN", archive('{"a":NaN}'), _ZIP, "NaN is not JSON"


def numpy_cases() -> Iterator[Case]:
    """Headers of arrays."""
    for name, data, says in _arrays():
        yield Case(f"NumPy: {name}", "m.npy", data, _NP, says)
    objects = _npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }")
    yield Case("NumPy: objects", "m.npy", objects, _RUNS, "array of Python objects", _OTHER)
    fields = _npy("{'descr': [('a', '<i4'), ('b', 'O')], 'fortran_order': False, 'shape': (1,), }")
    yield Case("NumPy: objects in a field", "m.npy", fields, _RUNS, "array of Python objects", _OTHER)


def _npy(header: str, major: int = 1) -> bytes:
    data = header.encode() + b"\n"
    return b"\x93NUMPY" + bytes([major, 0]) + len(data).to_bytes(2 if major == 1 else 4, "little") + data


def _arrays() -> Iterator[tuple[str, bytes, str]]:
    yield "cut in the version", b"\x93NUMPY\x01", "1 bytes are announced"
    yield "cut in the length", b"\x93NUMPY\x01\x00\x10", "2 bytes are announced"
    yield "cut in the header", _npy("{'descr': '<f4'}")[:-4], "bytes are announced"
    yield "a header of 4 GB", b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "more than the 65536 that are read"
    yield "a header of 2 GB", b"\x93NUMPY\x03\x00\xff\xff\xff\x7f", "more than the 65536 that are read"
    yield "no element type", _npy("{'shape': (1,)}"), "names no element type"
    yield "an empty header", b"\x93NUMPY\x01\x00\x00\x00", "names no element type"
    yield "an expression for an element type", _npy("{'descr': __import__('os').system('x')}"), "names no element type"
    yield "brackets without end", _npy("(" * 60_000), "names no element type"
    yield "another beginning", b"\x93NUMPx\x01\x00", "does not begin as NumPy arrays do"
