"""Files whose loader runs code, written so that a reader that takes them at their word would see none."""

from __future__ import annotations

import io
import json
import pickle
import struct
import time
import zipfile

import pytest

from .build import facts_of
from .compiled_files import hdf5

PICKLE = b"cos\nsystem\n(S'true'\ntR."
#: More opcodes than are read, none of which matters.
FILLING = b"N0" * 200_010
LAMBDA = {"class_name": "Dense", "config": {"activation": {"class_name": "__lambda__", "config": {"value": "x"}}}}


def zipped(*members: tuple[str, bytes]) -> bytes:
    """A zip file of these."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def npy(header: str) -> bytes:
    """A NumPy array with this header."""
    data = header.encode()
    data += b" " * (63 - (10 + len(data)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(data)) + data + pickle.dumps([1])


def array(kind: str) -> str:
    """The header that NumPy writes."""
    return f"{{'descr': {kind}, 'fortran_order': False, 'shape': (1,), }}"


EVASIONS = {
    "torch's magic number in another protocol": (
        "m.pt",
        pickle.dumps(0x1950A86A20F9469CFC6C, 3) + pickle.dumps(1001, 0) + pickle.dumps({}, 0) + PICKLE,
    ),
    "torch's magic number in protocol 0": (
        "pytorch_model.bin",
        pickle.dumps(0x1950A86A20F9469CFC6C, 0) + pickle.dumps(1001, 0) + pickle.dumps({}, 0) + PICKLE,
    ),
    "the 65th pickle": ("m.pkl", pickle.dumps(1, 2) * 64 + pickle.dumps(1, 2) + PICKLE),
    "an import behind the last opcode that is read": ("pytorch_model.bin", FILLING + PICKLE),
    "objects by their name": ("a.npy", npy(array("'object'"))),
    "objects with an escape": ("a.npy", npy(array("'|\\x4f'"))),
    "objects in a structure": ("a.npy", npy(array('[("a", "|O")]'))),
    "objects far behind": ("a.npz", zipped(("w.npy", npy("{'shape': (1,), " + " " * 300 + array("'|O'")[1:])))),
    "a function in place of a layer": (
        "m.keras",
        zipped(("metadata.json", b"{}"), ("config.json", json.dumps(LAMBDA).encode())),
    ),
    "the same in HDF5": ("m.h5", hdf5({"model_config": json.dumps(LAMBDA)})),
    "Keras without metadata": ("m.keras", zipped(("config.json", json.dumps(LAMBDA).encode()))),
    "a name that ends early": (
        "m.keras",
        zipped(("metadata.json", b"{}"), ("config.json", b"{}"), ("config.jsonx0", b"{}")).replace(
            b"jsonx0", b"json\0x"
        ),
    ),
    "names in capitals": ("m.pt", zipped(("a/DATA.PKL", PICKLE), ("a/data.pkl", pickle.dumps({}, 2)))),
}


@pytest.mark.parametrize("name", EVASIONS)
def test_what_may_run_code_is_said_to(name: str) -> None:
    """Each was once reported without it."""
    path, data = EVASIONS[name]
    assert facts_of({path: data}).executable == (path,)


def test_a_superblock_that_says_that_it_is_elsewhere_is_not_believed() -> None:
    """The HDF5 library opens the first file here, and a reader that followed the base address the second."""
    first, second = hdf5({"model_config": json.dumps(LAMBDA)}), hdf5({"model_config": "{}"})
    data = bytearray(first + second)
    data[24:32] = len(first).to_bytes(8, "little")
    facts = facts_of({"m.h5": bytes(data)})
    assert facts.executable == ("m.h5",)
    assert "says that it is at" in facts.findings[0].message


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("modules.json", b'[{"path": "", "type": "own.Evil"}]'),
        ("model_index.json", b'{"_class_name": ["own", "Pipe"]}'),
    ],
)
def test_python_files_that_are_modules_of_the_model_run(path: str, content: bytes) -> None:
    """sentence-transformers and diffusers import them from a local folder."""
    assert facts_of({path: content, "own.py": b""}).executable == ("own.py",)
    assert facts_of({path: content}).executable == (path,)


@pytest.mark.parametrize("kind", ["'<f4'", "'|u1'", "'<U16'", "'<M8[ns]'", "[('a', '<f4'), ('b', '<i8', (2, 3))]"])
def test_plain_arrays_run_nothing(kind: str) -> None:
    """The types that NumPy writes for numbers, texts and dates."""
    assert facts_of({"a.npy": npy(array(kind))}).executable == ()


@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_directives_are_few(end: bytes) -> None:
    """Libyaml compares each with all before it."""
    lines = [f"%TAG !{number:x}! b".encode() + end for number in range(60_000)]
    start = time.process_time()
    facts = facts_of({"README.md": b"---\n" + b"".join(lines) + b"a: b\n---\n"})
    assert "directives" in facts.findings[0].message
    assert time.process_time() - start < 1


def test_a_header_of_spaces_takes_no_time() -> None:
    """As long as a header may be, and never closed."""
    start = time.process_time()
    header = array("'<f4'").removesuffix(", }") + " " * 65_000
    assert facts_of({"a.npy": npy(header)}).executable == ("a.npy",)
    assert time.process_time() - start < 1
