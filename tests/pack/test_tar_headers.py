"""Golden bytes of tar headers, and what other tar readers make of them."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.formats.tar import BLOCK, END, member_header, padding

#: USTAR, POSIX.1-2017: name, mode, uid, gid, size, mtime, checksum, type, link, magic, names, devices, prefix.
GOLDEN = (
    b"models/config.json".ljust(100, b"\0")
    + b"0000644\x000000000\x000000000\x0000000000052\x0000000000000\x00"
    + b"012625\0 0"
    + bytes(100)
    + b"ustar\x0000"
    + bytes(64)
    + b"0000000\x000000000\x00"
    + bytes(167)
)


def one_member(name: str, data: bytes) -> bytes:
    """A whole archive of one file."""
    return member_header(name, len(data)) + data + bytes(padding(len(data))) + END


def read_back(archive: bytes) -> list[tarfile.TarInfo]:
    """What Python's own reader sees."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getmembers()


def test_a_plain_header_is_these_512_bytes() -> None:
    """Mode 0644, owner 0, time 0, no names: the header of a file depends on its name and size alone."""
    assert member_header("models/config.json", 42) == GOLDEN
    assert len(GOLDEN) == BLOCK


@pytest.mark.parametrize(
    ("name", "size", "digest", "length"),
    [
        ("models/model.safetensors", 8 * 2**30 - 1, "e2ed1110880052ae", 512),
        ("models/model.safetensors", 8 * 2**30, "227a10d31bb1f76a", 512),
        ("models/" + "d" * 60 + "/" + "f" * 60, 1, "6183c2f8cafecc56", 512),
        ("models/" + "f" * 120, 1, "b04d80a5d50c2ca5", 1536),
        ("models/modèle.json", 1, "3378ef950e454437", 1536),
    ],
)
def test_long_names_unicode_and_huge_sizes_have_fixed_bytes(name: str, size: int, digest: str, length: int) -> None:
    """Prefix split, base-256 from 8 GiB and the pax record for what USTAR cannot hold never move a byte."""
    header = member_header(name, size)
    assert len(header) == length
    assert hashlib.sha256(header).hexdigest()[:16] == digest


def test_content_stays_at_offset_512_for_sizes_beyond_8_gib() -> None:
    """A size that octal cannot hold is written in base-256, so that a layer of one weight file can be mapped at 512."""
    header = member_header("models/model.gguf", 9 * 2**30)
    assert len(header) == BLOCK
    assert header[124:136] == b"\x80" + (9 * 2**30).to_bytes(11, "big")
    member = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
    assert member.size == 9 * 2**30


def test_a_pax_record_counts_its_own_length() -> None:
    """`LENGTH path=…` where LENGTH has one more digit than the text alone would need is still right."""
    for length in range(80, 120):
        name = "models/" + "é" + "n" * length
        header = member_header(name, 0)
        record = header[BLOCK : 2 * BLOCK].rstrip(b"\0")
        assert int(record.split(b" ")[0]) == len(record)
        assert read_back(header + END)[0].name == name


NAMES = st.lists(
    st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/"), min_size=1, max_size=130).filter(
        lambda part: part not in (".", "..")
    ),
    min_size=1,
    max_size=4,
).map("/".join)


@given(NAMES, st.binary(max_size=1500))
def test_pythons_tarfile_reads_back_what_was_written(name: str, data: bytes) -> None:
    """Any name of a model and any content survive; every other field is normal."""
    archive = one_member("models/" + name, data)
    (member,) = read_back(archive)
    assert (member.name, member.size, member.mode, member.mtime) == ("models/" + name, len(data), 0o644, 0)
    assert (member.uid, member.gid, member.uname, member.gname, member.type) == (0, 0, "", "", tarfile.REGTYPE)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        content = tar.extractfile(member)
        assert content is not None
        assert content.read() == data


def test_gnu_tar_lists_the_same_names_and_sizes(tmp_path: object) -> None:
    """The system's tar reads plain, prefixed and pax names, and a size in base-256."""
    names = ["models/a.json", "models/" + "d" * 90 + "/" + "f" * 90, "models/" + "x" * 150, "models/naïve 名.json"]
    archive = b"".join(member_header(name, 3) + b"abc" + bytes(509) for name in names) + END
    listed = subprocess.run(
        ["tar", "--quoting-style=literal", "-tf", "-"], input=archive, capture_output=True, check=True
    ).stdout.decode()
    assert listed.splitlines() == names
    first = member_header("models/big", 9 * 2**30)
    verbose = subprocess.run(["tar", "-tvf", "-"], input=first, capture_output=True, check=False).stdout.decode()
    assert str(9 * 2**30) in verbose
    assert "-rw-r--r-- 0/0" in verbose
