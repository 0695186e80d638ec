"""Zip files: PyTorch, TorchScript, Keras, .npz, and the ways in which two zip readers can be made to disagree."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from typing import Any

import pytest

from model_provenance.domain.facts import FileFacts, Inspection
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.zip_directory import contents, members

from .build import TENSOR_PICKLE, codes, facts_of, file_facts, torch_zip, zipped


class Evil:
    """Pickles to a call of os.system."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("true",)


EVIL = pickle.dumps(Evil(), 2)


def npy(description: str) -> bytes:
    """The beginning of a NumPy array file."""
    header = f"{{'descr': {description}, 'fortran_order': False, 'shape': (1,), }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(8)


def test_a_torch_file_of_plain_tensors() -> None:
    """Its imports are on the allow-list, its storages are counted, and nothing says that it is safe."""
    facts = facts_of({"pytorch_model.bin": torch_zip()})
    assert facts.files[0].format == "pytorch-zip"
    assert facts.files[0].inspection is Inspection.READ
    assert facts.files[0].details["storages"] == 1
    assert facts.files[0].details["can_execute_code"] is False
    assert facts.executable == ()
    assert "safe" not in str(facts).replace("safetensors", "")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("name", ["archive/data.pkl", "archive/extra.pkl", "archive/notes.txt", "archive/data/0.bak"])
def test_a_pickle_is_found_whatever_its_name(name: str, compression: int) -> None:
    """Members are judged by their first bytes, so an extension cannot hide one."""
    data = zipped({"archive/data.pkl": TENSOR_PICKLE, name: EVIL}, compression)
    facts = facts_of({"model.pt": data})
    assert facts.files[0].details["outside_allow_list"] == [f"{os.name}.system"]
    assert facts.executable == ("model.pt",)


def test_torchscript_holds_code() -> None:
    """A TorchScript archive is executable by what it is."""
    facts = facts_of({"model.pt": torch_zip(**{"archive/code/__torch__.py": b"def forward(): ..."})})
    assert facts.files[0].format == "torchscript"
    assert facts.executable == ("model.pt",)


def test_keras_and_npz_are_recognised() -> None:
    """Known members give the format; nobody claims to have looked inside."""
    keras = file_facts("m.keras", zipped({"config.json": b"{}", "metadata.json": b"{}", "model.weights.h5": b""}))
    assert (keras.format, keras.inspection) == ("keras", Inspection.READ)
    arrays = file_facts("a.npz", zipped({"a.npy": npy("'<f4'")}))
    assert (arrays.format, arrays.inspection) == ("npz", Inspection.RECOGNISED)
    assert file_facts("docs.zip", zipped({"a.txt": b"a"})).inspection is Inspection.NOT_INSPECTED


@pytest.mark.parametrize("description", ["'|O'", "[('a', '<f4'), ('b', '|O')]", "'O'"])
def test_arrays_of_objects_are_pickles(description: str) -> None:
    """An object array runs code when it is loaded, alone or in an .npz."""
    assert facts_of({"a.npy": npy(description)}).executable == ("a.npy",)
    assert facts_of({"a.npz": zipped({"a.npy": npy(description)})}).executable == ("a.npz",)
    assert facts_of({"a.npy": npy("'<f4'")}).executable == ()


def changed(data: bytes, old: bytes, new: bytes, which: int = 0) -> bytes:
    """`data` with the occurrence number `which` of `old` replaced."""
    at = -1
    for _ in range(which + 1):
        at = data.index(old, at + 1)
    return data[:at] + new + data[at + len(old) :]


def local(data: bytes, offset: int, value: bytes) -> bytes:
    """`data` with bytes of the first local header replaced."""
    return data[:offset] + value + data[offset + len(value) :]


def central(data: bytes, offset: int, value: bytes) -> bytes:
    """`data` with bytes of the first directory entry replaced."""
    at = data.index(b"PK\x01\x02") + offset
    return data[:at] + value + data[at + len(value) :]


def end(data: bytes, offset: int, value: bytes) -> bytes:
    """`data` with bytes of the end record replaced."""
    at = data.rindex(b"PK\x05\x06") + offset
    return data[:at] + value + data[at + len(value) :]


def duplicated() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", TENSOR_PICKLE)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("archive/data.pkl", EVIL)
    return out.getvalue()


GOOD = torch_zip()
SQUEEZED = zipped({"archive/data.pkl": TENSOR_PICKLE}, zipfile.ZIP_DEFLATED)
BROKEN = {
    "name differs in local header": changed(GOOD, b"archive/data.pkl", b"archive/evil.pkl"),
    "method differs": local(GOOD, 8, b"\x08\x00"),
    "encrypted in local header": local(GOOD, 6, b"\x01\x00"),
    "encrypted in directory": central(GOOD, 8, b"\x01\x00"),
    "unknown method": local(central(GOOD, 10, b"\x0c\x00"), 8, b"\x0c\x00"),
    "two sizes of a stored member": central(GOOD, 24, struct.pack("<L", 5)),
    "size beyond the file": central(GOOD, 20, struct.pack("<LL", 2**31, 2**31)),
    "offset beyond the file": central(GOOD, 42, struct.pack("<L", 2**31)),
    "64-bit value without its field": central(GOOD, 42, b"\xff\xff\xff\xff"),
    "directory signature": central(GOOD, 0, b"PK\x01\x03"),
    "more members than announced": end(GOOD, 8, struct.pack("<HH", 1, 1)),
    "fewer members than announced": end(GOOD, 8, struct.pack("<HH", 60000, 60000)),
    "directory elsewhere": end(GOOD, 16, struct.pack("<L", 0)),
    "directory of 4 GB": end(GOOD, 12, struct.pack("<L", 2**32 - 2)),
    "several disks": end(GOOD, 4, b"\x01\x00"),
    "comment that hides a second end": GOOD[:-2] + struct.pack("<H", len(GOOD)) + GOOD,
    "bytes behind the end": GOOD + b"more",
    "bytes before the beginning": GOOD[:4] + bytes(4) + GOOD,
    "no end record": GOOD[:-10],
    "only the magic": GOOD[:4],
    "deflated data cut": changed(SQUEEZED, TENSOR_PICKLE[-1:], b""),
    "deflated garbage": local(SQUEEZED, 30 + 16, b"\xff" * 20),
    "deflated size too small": central(SQUEEZED, 24, struct.pack("<L", 10)),
    "deflated size too large": central(SQUEEZED, 24, struct.pack("<L", 10_000)),
    "deflated size of 4 GB": central(SQUEEZED, 24, struct.pack("<L", 2**32 - 2)),
    "two members of one name": duplicated(),
    "bomb": zipped({"archive/data.pkl": b"\x80\x02" + bytes(40 << 20)}, zipfile.ZIP_DEFLATED),
    "bombs": zipped({f"{n}.pkl": b"\x80\x02N" + b"0N" * (5 << 20) for n in range(9)}, zipfile.ZIP_DEFLATED),
    "many members": zipped({f"archive/{n}": b"a" for n in range(1200)} | {"archive/data.pkl": TENSOR_PICKLE}),
}


@pytest.mark.parametrize("trick", BROKEN)
def test_a_zip_that_can_be_read_in_two_ways_is_unreadable_and_executable(trick: str) -> None:
    """Whatever a scanner and a loader may see differently is refused, and counts as able to run code."""
    facts = facts_of({"model.pt": BROKEN[trick]})
    assert facts.files[0].inspection is Inspection.UNREADABLE
    assert facts.files[0].details["can_execute_code"] is True
    assert facts.executable == ("model.pt",)
    assert codes(facts) == ["readers.archive", "readers.executable"]


def test_a_64_bit_directory_is_read() -> None:
    """Files over 4 GiB use the 64-bit end record; one made by hand around a small file is read the same way."""
    plain = zipped({"archive/data.pkl": TENSOR_PICKLE})
    start, at = plain.index(b"PK\x01\x02"), plain.rindex(b"PK\x05\x06")
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, at - start, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    facts = file_facts("model.pt", plain[:at] + wide + locator + tail)
    assert (facts.format, facts.inspection) == ("pytorch-zip", Inspection.READ)


def test_the_standard_library_and_we_list_the_same_members() -> None:
    """Names, sizes and contents agree with zipfile, stored and deflated."""
    files = {f"folder/{number}.bin": os.urandom(number * 37) for number in range(20)}
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        cursor = Cursor.over(zipped(files, compression))
        found = members(cursor)
        assert [member.name for member in found] == list(files)
        for member in found:
            inside = contents(cursor, member)
            assert inside.take(inside.size) == files[member.name]


def test_a_member_outside_the_file_is_refused_by_the_cursor() -> None:
    """A section never leaves its file."""
    with pytest.raises(ReaderError, match="outside"):
        Cursor.over(b"abc").section(2, 2)


def test_an_archive_without_pickles_has_no_imports() -> None:
    """A plain zip is not said to execute anything."""
    facts: FileFacts = file_facts("data.zip", zipped({"a.txt": b"hello"}))
    assert "can_execute_code" not in facts.details
