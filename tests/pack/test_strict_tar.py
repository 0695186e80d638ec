"""The strict tar reader: what it reads, and every way in which an archive can say two things at once."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from itertools import count
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.tar import END, member_header, padding
from model_provenance.formats.untar import TarDigests, TarMember


def read(archive: bytes, step: int = 1 << 20) -> tuple[TarMember, ...]:
    """Feed an archive in pieces of `step` bytes."""
    reader = TarDigests("test.tar")
    for at in range(0, len(archive), step):
        reader.feed(memoryview(archive)[at : at + step])
    return reader.close()


def member(name: str, data: bytes, form: int, mtime: float) -> bytes:
    """One entry as Python's tarfile writes it."""
    buffer = io.BytesIO()
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(data), mtime
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def ours(name: str, data: bytes = b"x") -> bytes:
    """One entry as we write it."""
    return member_header(name, len(data)) + data + bytes(padding(len(data)))


def with_checksum(header: bytearray) -> bytes:
    """A header whose checksum is right again."""
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=5), st.integers(1, 3000))
@example([b""], 1)
def test_digests_do_not_depend_on_how_the_bytes_arrive(contents: list[bytes], step: int) -> None:
    """Names, sizes, offsets and digests are those of the files, whatever the pieces are."""
    archive = b"".join(ours(f"models/{i}", data) for i, data in enumerate(contents)) + END
    members = read(archive, step)
    assert [m.digest.hex for m in members] == [hashlib.sha256(data).hexdigest() for data in contents]
    assert [archive[m.offset : m.offset + m.size] for m in members] == contents


@pytest.mark.parametrize("form", ["ustar", "gnu", "posix", "v7", "oldgnu"])
def test_archives_of_the_systems_tar_are_read(tmp_path: Path, form: str) -> None:
    """All formats of GNU tar, with folders, long names and a record filled with zeros."""
    root = tmp_path / "m"
    (root / "sub").mkdir(parents=True)
    long = "n" * (90 if form in ("ustar", "v7") else 140)
    (root / "config.json").write_bytes(b"{}")
    (root / "sub" / long).write_bytes(b"w" * 700)
    archive = subprocess.run(
        ["tar", f"--format={form}", "-C", str(root), "-cf", "-", "."], capture_output=True, check=True
    ).stdout
    assert sorted((m.path, m.size) for m in read(archive)) == [("config.json", 2), (f"sub/{long}", 700)]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives_of_pythons_tarfile_are_read(form: int) -> None:
    """Long unicode names and times in pax records are no obstacle."""
    name = "modèle/" + "n" * (60 if form == tarfile.USTAR_FORMAT else 150)
    mtime = 1 if form == tarfile.USTAR_FORMAT else 1.5
    (found,) = read(member(name, b"data", form, mtime))
    assert (found.path, found.size) == (name, 4)


KINDS = {
    "a hard link": tarfile.LNKTYPE,
    "a symbolic link": tarfile.SYMTYPE,
    "a device": tarfile.CHRTYPE,
    "a FIFO": tarfile.FIFOTYPE,
    "a sparse file": tarfile.GNUTYPE_SPARSE,
    "unknown kind": b"7",
}


@pytest.mark.parametrize("what", KINDS)
def test_anything_but_a_plain_file_is_refused(what: str) -> None:
    """Links, devices, FIFOs, sparse and contiguous files name things whose content is elsewhere or is told otherwise."""
    header = bytearray(member_header("models/a", 0))
    header[156:157] = KINDS[what]
    with pytest.raises(ModelProvenanceError, match=what) as caught:
        read(with_checksum(header) + END)
    assert caught.value.code == "archive.malformed"


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", "../up", "models/../../up", "models/./a", "models//a", "models/a\nb", "models/.wh.a", ".wh..wh..opq",
        "models/e\u0301", "models/\u202egnp.exe", "models/" + "d/" * 70 + "f",
    ],
)  # fmt: skip
def test_names_that_leave_the_folder_or_deceive_are_refused(name: str) -> None:
    """Absolute and `..` names, whiteouts, control characters, text direction, two normal forms, endless depth."""
    with pytest.raises(ModelProvenanceError, match="cannot be used"):
        read(ours(name) + END)


@pytest.mark.parametrize(
    ("first", "second"),
    [("a", "a"), ("A", "a"), ("a", "a/b"), ("a/b", "a"), ("d/x", "D/y"), ("straße", "STRASSE")],
)
def test_one_path_is_one_entry(first: str, second: str) -> None:
    """A name twice, by case, or as a file and a folder: what is checked would depend on who unpacks."""
    with pytest.raises(ModelProvenanceError, match="stands there twice"):
        read(ours(first) + ours(second) + END)


def damaged() -> list[tuple[str, bytes]]:
    """Archives that are not quite right, by what is wrong."""
    good = ours("models/a", b"abc")
    header = bytearray(member_header("models/a", 3))
    wrong = bytes(header[:100]) + b"1" + bytes(header[101:]) + b"abc" + bytes(509)
    negative = bytearray(header)
    negative[124:136] = b"\xff" * 12
    huge = bytearray(header)
    huge[124:136] = b"\x80" + (2**70).to_bytes(11, "big")
    unfinished = bytearray(header)
    unfinished[20:24] = b"tail"
    slashed = bytearray(member_header("models/a/", 0))
    folder = bytearray(member_header("models/a/", 3))
    folder[156:157] = b"5"
    return [
        ("wrong checksum", wrong + END),
        ("padding after a file", good[:-1] + b"!" + END),
        ("after the end", good + END + b"!"),
        ("after the end of the archive", good + END + good + END),
        ("after the end of", good + END + bytes(40 * 512)),
        ("cut off", good),
        ("cut off", good + bytes(512)),
        ("cut off", good[:700]),
        ("ends in the middle", good + END + bytes(100)),
        ("size is not a number", with_checksum(negative) + b"abc" + bytes(509) + END),
        ("out of all bounds", with_checksum(huge) + END),
        ("after the end of a name", with_checksum(unfinished) + b"abc" + bytes(509) + END),
        ("named like a folder", with_checksum(slashed) + END),
        ("a folder has content", with_checksum(folder) + b"abc" + bytes(509) + END),
        ("not UTF-8", with_checksum(bytearray(header[:7] + b"\xff" + header[8:])) + b"abc" + bytes(509) + END),
        ("unknown kind of tar", with_checksum(bytearray(header[:257] + b"nonono\0\0" + header[265:])) + END),
        ("checksum is not a number", b"just some text, not an archive".ljust(1024, b".")),
    ]


@pytest.mark.parametrize(("what", "archive"), damaged(), ids=count())
def test_archives_that_other_tools_would_read_differently_are_refused(what: str, archive: bytes) -> None:
    """Hidden, missing and surplus bytes and numbers out of range are named and refused."""
    with pytest.raises(ModelProvenanceError, match=what):
        read(archive)


def pax(records: bytes, kind: bytes = b"x") -> bytes:
    """An extended header with exactly these records."""
    header = bytearray(member_header("x", len(records)))
    header[156:157] = kind
    return with_checksum(header) + records + bytes(padding(len(records)))


def record(text: str) -> bytes:
    """One pax record."""
    length = len(text.encode()) + 2
    while len(f"{length} {text}\n".encode()) != length:
        length += 1
    return f"{length} {text}\n".encode()


BAD_PAX: list[tuple[str, bytes]] = [
    ("a name is written twice", pax(record("path=a")) + pax(record("path=b")) + ours("c")),
    ("a pax record stands twice", pax(record("path=a") + record("path=b")) + ours("c")),
    ("size is written twice and differs", pax(record("size=5")) + ours("c")),
    ("size is written twice and differs", pax(record("size=1")) + member_header("c", 0) + b"x".ljust(512, b"\0")),
    ("pax size is not a number", pax(record("size=-1")) + ours("c")),
    ("pax record `linkpath`", pax(record("linkpath=a")) + ours("c")),
    ("pax record `GNU.sparse.realsize`", pax(record("GNU.sparse.realsize=9")) + ours("c")),
    ("pax record `hdrcharset`", pax(record("hdrcharset=BINARY")) + ours("c")),
    ("pax header is malformed", pax(b"99 path=a\n") + ours("c")),
    ("pax header is malformed", pax(b"path=a\n") + ours("c")),
    ("pax header is malformed", pax(record("path=a\0b")) + ours("c")),
    ("global header", pax(record("path=a"), b"g") + ours("c")),
    ("has no file", pax(record("path=a"))),
    ("an extended header of", pax(record("comment=" + "c" * 70000)) + ours("c")),
]


@pytest.mark.parametrize(("what", "archive"), BAD_PAX, ids=count())
def test_extended_headers_that_contradict_are_refused(what: str, archive: bytes) -> None:
    """Two names or two sizes for one file, sparse maps and records of unknown effect are refused."""
    with pytest.raises(ModelProvenanceError, match=what):
        read(archive + END)


def test_a_comment_for_the_whole_archive_is_harmless() -> None:
    """What git archive writes is read."""
    (found,) = read(pax(record("comment=abc"), b"g") + ours("c") + END)
    assert found.path == "c"


@given(st.binary(max_size=3000))
@example(ours("models/a") + END)
def test_no_bytes_make_the_reader_fail_in_another_way(data: bytes) -> None:
    """Whatever is fed, the answer is a list of files or `archive.malformed`."""
    code = "archive.malformed"
    try:
        read(data, 700)
    except ModelProvenanceError as error:
        code = error.code
    assert code == "archive.malformed"


@given(st.integers(0, 511), st.integers(0, 255))
def test_no_changed_header_byte_passes_unnoticed(position: int, value: int) -> None:
    """A header with one byte changed is refused by its checksum, or was not changed."""
    archive = bytearray(ours("models/a", b"abc") + END)
    if archive[position] == value:
        return
    archive[position] = value
    try:
        members = read(bytes(archive))
    except ModelProvenanceError:
        return
    # Only the checksum's own spelling may vary: a space or a leading zero.
    assert 148 <= position < 156
    assert [m.path for m in members] == ["models/a"]
