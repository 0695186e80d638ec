"""Reading archives back: ours, other tools', and those that cannot be trusted to mean one thing."""

from __future__ import annotations

import gzip
import hashlib
import os
import resource
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.pack.conftest import MakeModel

from model_provenance.disk.lanes import BLOCK_SIZE
from model_provenance.domain.package import Layout
from model_provenance.domain.verification import Observed, TargetKind
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.tar import END, member_header, padding
from model_provenance.formats.unzip import GunzipStream, UnzstdStream
from model_provenance.pack.observe import observe_archive
from model_provenance.pack.read import read
from model_provenance.pack.walk import walk

FILES = {"model.safetensors": b"w" * (3 * BLOCK_SIZE), "sub/config.json": b"{}", "empty": b"", "模型.txt": b"x" * 513}


def ours(name: str, data: bytes = b"x") -> bytes:
    """One entry as we write it."""
    return member_header(name, len(data)) + data + bytes(padding(len(data)))


def problem(path: Path) -> str:
    """The message of the one finding of an archive that cannot be checked."""
    observed = observe_archive(path)
    assert observed.files == ()
    assert observed.package_digest is None
    (finding,) = observed.findings
    assert finding.id == "archive.malformed"
    assert finding.location == str(path)
    return finding.message


@pytest.mark.parametrize("layout", [Layout.TAR, Layout.TAR_GZ, Layout.TAR_ZST])
@pytest.mark.parametrize("cores", [1, 2])
def test_our_archives_are_read_back(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch, layout: Layout, cores: int
) -> None:
    """The same files, names, digests and archive digest as when it was packed; progress counts the archive's bytes."""
    monkeypatch.setattr("model_provenance.disk.crew.cores", lambda: cores)
    root = make_model(FILES)
    target = root.parent / "model.archive"
    with walk(root) as inventory:
        package = read(inventory, layout=layout, archive=target)
    counts: list[int] = []
    observed = observe_archive(target, progress=counts.append)
    assert observed == Observed(TargetKind.ARCHIVE, package.files, package_digest=package.package_digest)
    assert sum(counts) == target.stat().st_size


@pytest.mark.parametrize("flags", ["-cf", "-czf", "-cf --zstd", "-cf --format=gnu", "-cf --format=posix"])
def test_archives_of_the_systems_tar_are_read(make_model: MakeModel, flags: str) -> None:
    """Made inside the model directory, names are as they stand there."""
    root = make_model({"config.json": b"{}", "sub/w.bin": b"w" * 5000})
    target = root.parent / "x.tar"
    first, *rest = flags.split()
    subprocess.run(["tar", *rest, first, str(target), "-C", str(root), "."], check=True)
    observed = observe_archive(target)
    assert observed.findings == ()
    assert {file.path: file.digest.hex for file in observed.files} == {
        "config.json": hashlib.sha256(b"{}").hexdigest(),
        "sub/w.bin": hashlib.sha256(b"w" * 5000).hexdigest(),
    }
    assert observed.package_digest is not None
    assert observed.package_digest.hex == hashlib.sha256(target.read_bytes()).hexdigest()


def test_the_prefix_is_left_out_only_where_all_files_have_it(tmp_path: Path) -> None:
    """A file beside `models/` keeps every name as it stands."""
    both, mixed = tmp_path / "both.tar", tmp_path / "mixed.tar"
    both.write_bytes(ours("models/a") + ours("models/b/c") + END)
    mixed.write_bytes(ours("models/a") + ours("other") + END)
    assert [file.path for file in observe_archive(both).files] == ["a", "b/c"]
    assert [file.path for file in observe_archive(mixed).files] == ["models/a", "other"]


GOOD = ours("models/a", b"abc") + END


def wide_window(data: bytes) -> bytes:
    """A frame that makes its reader keep 32 MiB."""
    packer = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=25)
    ).compressobj()
    return packer.compress(data) + packer.flush()


DAMAGED: list[tuple[str, bytes]] = [
    ("no file", END),
    ("cut off", b""),
    ("cut off", GOOD[:-1]),
    ("second gzip member", gzip.compress(GOOD) + gzip.compress(b"more")),
    ("second gzip member", gzip.compress(GOOD) + b"!"),
    ("second gzip member", gzip.compress(GOOD) + bytes(100)),
    ("cut off", gzip.compress(GOOD)[:-4]),
    ("not valid gzip", gzip.compress(GOOD)[:-8] + bytes(8)),
    ("not valid gzip", b"\x1f\x8b" + b"\xff" * 50),
    ("after the end", gzip.compress(GOOD + b"!" * 512)),
    ("second zstd frame", zstandard.compress(GOOD) + zstandard.compress(b"more")),
    ("second zstd frame", zstandard.compress(GOOD) + b"\x50\x2a\x4d\x18\x01\x00\x00\x00x"),
    ("second zstd frame", zstandard.compress(GOOD) + b"!"),
    ("cut off", zstandard.compress(GOOD)[:-1]),
    ("cut off", b"\x28\xb5\x2f\xfd"),
    ("not valid zstd", zstandard.ZstdCompressor(write_checksum=True).compress(GOOD)[:-4] + bytes(4)),
    ("too much memory", wide_window(GOOD)),
    ("not a number", b"no archive at all. " * 500),
]


@pytest.mark.parametrize("case", range(len(DAMAGED)))
def test_archives_that_do_not_end_where_they_should_are_refused(tmp_path: Path, case: int) -> None:
    """Surplus, missing and damaged bytes, outside and inside the compression."""
    what, data = DAMAGED[case]
    target = tmp_path / "x"
    target.write_bytes(data)
    assert what in problem(target)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60_000), st.integers(1, 4000), st.sampled_from([1, 3, 19]), st.booleans(), st.booleans())
@example(b"\0" * 600_000, 7, 3, True, True)
def test_zstd_of_any_level_is_read_in_any_pieces(
    data: bytes,
    step: int,
    level: int,
    checksum: bool,
    size: bool,
) -> None:
    """Our cutting into blocks agrees with the library for raw, RLE and compressed blocks."""
    compressed = zstandard.ZstdCompressor(level=level, write_checksum=checksum, write_content_size=size).compress(data)
    out = bytearray()
    stream = UnzstdStream(out.extend, "x")
    for at in range(0, len(compressed), step):
        stream.feed(memoryview(compressed)[at : at + step])
    stream.close()
    assert bytes(out) == data


@given(st.binary(max_size=60_000), st.integers(1, 4000), st.integers(0, 9))
def test_gzip_of_any_level_is_read_in_any_pieces(data: bytes, step: int, level: int) -> None:
    """With or without a name and a time in its header."""
    compressed = gzip.compress(data, level, mtime=level)
    out = bytearray()
    stream = GunzipStream(out.extend, "x")
    for at in range(0, len(compressed), step):
        stream.feed(memoryview(compressed)[at : at + step])
    stream.close()
    assert bytes(out) == data


@given(st.binary(max_size=200))
def test_no_bytes_make_decompression_fail_in_another_way(data: bytes) -> None:
    """Content, or `archive.malformed`."""
    for kind, magic in ((GunzipStream, b"\x1f\x8b\x08"), (UnzstdStream, b"\x28\xb5\x2f\xfd")):
        stream = kind(lambda piece: None, "x")
        code = "archive.malformed"
        try:
            stream.feed(memoryview(magic + data))
            stream.close()
        except ModelProvenanceError as error:
            code = error.code
        assert code == "archive.malformed"


def bomb(kind: str) -> bytes:
    """192 MiB of zeros in one file, compressed to almost nothing."""
    size = 192 * 2**20
    head = member_header("models/zeros.bin", size)
    packer: Any = zlib.compressobj(9, zlib.DEFLATED, 31) if kind == "gzip" else zstandard.ZstdCompressor().compressobj()
    parts = [packer.compress(head)]
    chunk = bytes(4 * 2**20)
    parts += [packer.compress(chunk) for _ in range(size // len(chunk))]
    parts += [packer.compress(END), packer.flush()]
    return b"".join(parts)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_decompression_bomb_costs_time_and_no_memory(tmp_path: Path, kind: str) -> None:
    """A thousandfold expansion is read in flat memory, in a process of its own."""
    target = tmp_path / "bomb"
    target.write_bytes(bomb(kind))
    assert target.stat().st_size < 2**20
    code = (
        "import sys, resource; from pathlib import Path; from model_provenance.pack.observe import observe_archive\n"
        "observe_archive(Path(sys.argv[1])); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "seen = observe_archive(Path(sys.argv[2])); after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(seen.files[0].size, (after - before) // 1024)"
    )
    small = tmp_path / "small"
    small.write_bytes(gzip.compress(GOOD) if kind == "gzip" else zstandard.compress(GOOD))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(small), str(target)], capture_output=True, text=True, check=True, env=env
    )
    size, grown = map(int, done.stdout.split())
    assert size == 192 * 2**20
    assert grown <= 16


def test_an_archive_that_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """Missing, a folder, a FIFO: an error at once."""
    os.mkfifo(tmp_path / "pipe")
    for name, code in (("missing", "pack.missing"), ("pipe", "pack.special_file"), (".", "pack.special_file")):
        with pytest.raises(ModelProvenanceError) as caught:
            observe_archive(tmp_path / name)
        assert caught.value.code == code


@pytest.mark.parametrize("size", [100 * BLOCK_SIZE, 600])
def test_an_archive_that_changes_while_it_is_read_is_refused(tmp_path: Path, size: int) -> None:
    """Longer or shorter than it was: its digest would be that of no file."""
    target = tmp_path / "x.tar"
    target.write_bytes(ours("models/a", b"x" * 4 * BLOCK_SIZE) + END)
    grown: list[int] = []

    def grow(count: int) -> None:
        if not grown:
            grown.append(count)
            os.truncate(target, size)

    with pytest.raises(ModelProvenanceError) as caught:
        observe_archive(target, progress=grow)
    assert caught.value.code == "pack.changed"


def test_nothing_is_written_by_reading(tmp_path: Path) -> None:
    """Not even a temporary file: a process that may write no byte reads an archive."""
    target = tmp_path / "x.tar"
    target.write_bytes(GOOD)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        assert len(observe_archive(target).files) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == [target]
