"""Threads under the read: order, failure and end of lanes and crews; files that appear whole."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.disk.crew import Crew, cores
from model_provenance.disk.failure import failure
from model_provenance.disk.lanes import Block, Lanes
from model_provenance.disk.publish import PublishedFile
from model_provenance.errors import ModelProvenanceError


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def stream(data: bytes, lanes: Lanes, size: int) -> None:
    """Put `data` through lanes in blocks of `size`."""
    block = lanes.block
    for at in range(0, len(data), size):
        if block.length:
            block = lanes.next()
        piece = data[at : at + size]
        block.view[: len(piece)] = piece
        block.length = len(piece)
    lanes.finish()


@given(st.binary(max_size=400), st.integers(1, 50), st.integers(1, 4), st.integers(0, 10))
def test_every_consumer_sees_every_byte_in_order(data: bytes, size: int, consumers: int, switch: int) -> None:
    """Inline, in threads, and when a stream spreads over threads in the middle."""
    seen = [bytearray() for _ in range(consumers)]
    calls = iter(range(1000))

    def slow(index: int) -> object:
        def take(block: Block) -> None:
            if index == 0:
                time.sleep(0.00001)
            seen[index].extend(block.data)

        return take

    with Lanes([slow(i) for i in range(consumers)], lambda: next(calls) >= switch, block_size=size) as lanes:  # type: ignore[misc]
        stream(data, lanes, size)
    assert all(bytes(each) == data for each in seen)


@pytest.mark.parametrize("idle", [True, False])
def test_a_consumer_that_fails_ends_the_stream(idle: bool) -> None:
    """Its error reaches the reader, the other consumers are not waited for in vain, no thread is left."""
    before = threading.active_count()

    def fail(block: Block) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), Lanes([len_of, fail], lambda: idle, block_size=10) as lanes:
        stream(bytes(10_000), lanes, 10)
    assert threading.active_count() == before


def len_of(block: Block) -> None:
    """A consumer that does nothing."""
    assert len(block.data) == block.length


def test_a_reader_that_fails_ends_the_threads() -> None:
    """Leaving the context joins them, whatever was raised."""
    before = threading.active_count()

    def read() -> None:
        with Lanes([len_of], lambda: True, block_size=10) as lanes:
            for _ in range(20):
                lanes.block.length = 10
                lanes.next()
            raise KeyError

    with pytest.raises(KeyError):
        read()
    assert threading.active_count() == before


def test_jobs_run_biggest_first_and_answer_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one core the order of work is that of size; results keep the order of the jobs."""
    monkeypatch.setattr("model_provenance.disk.crew.cores", lambda: 1)
    started: list[int] = []

    def work(job: int, crew: Crew[int, int]) -> int:
        started.append(job)
        return -job

    assert Crew(work).run([3, 1, 9, 4], lambda job: job) == [-3, -1, -9, -4]
    assert started == [9, 4, 3, 1]
    assert Crew(work).run([], lambda job: job) == []


def test_a_core_is_idle_when_fewer_jobs_than_cores_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single big file may use all cores from its first block."""
    monkeypatch.setattr("model_provenance.disk.crew.cores", lambda: 2)
    seen: list[bool] = []

    def note_idle(job: int, crew: Crew[int, None]) -> None:
        seen.append(crew.idle())

    Crew(note_idle).run([1], lambda job: job)
    assert seen == [True]
    monkeypatch.setattr("model_provenance.disk.crew.cores", lambda: 1)
    Crew(note_idle).run([1, 2], lambda job: job)
    assert seen[1:] == [False, False]


def test_the_first_failure_stops_all_jobs_and_is_the_one_that_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs under way stop at their next block, later ones never start."""
    monkeypatch.setattr("model_provenance.disk.crew.cores", lambda: 3)
    started = []
    failed = threading.Event()

    def work(job: int, crew: Crew[int, None]) -> None:
        started.append(job)
        if job == 100:
            failed.set()
            raise ModelProvenanceError("machine.disk", "full")
        failed.wait()
        for _ in range(2000):
            time.sleep(0.01)
            crew.advance(1)

    start = time.monotonic()
    with pytest.raises(ModelProvenanceError, match="full"):
        Crew(work).run([100, 99, 98, *range(50)], lambda job: job)
    assert time.monotonic() - start < 15
    assert len(started) <= 4


def test_at_least_one_core_and_not_too_many_are_used() -> None:
    """Memory is bounded by the number of threads."""
    assert 1 <= cores() <= 16


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "machine.disk"),
        (errno.EDQUOT, "machine.disk"),
        (errno.EFBIG, "machine.disk"),
        (errno.EACCES, "machine.permission"),
        (errno.EROFS, "machine.permission"),
        (errno.EIO, "machine.io"),
    ],
)
def test_what_the_system_says_becomes_one_of_our_errors(number: int, code: str) -> None:
    """With the path, escaped, and the system's own words."""
    error = failure(OSError(number, os.strerror(number)), "a\x1bb", doing="write")
    assert (error.code, error.location) == (code, r"a\x1bb")
    assert os.strerror(number) in error.message


def test_a_file_appears_whole_with_the_permissions_of_the_umask(tmp_path: Path) -> None:
    """Before `publish` nothing has the name; afterwards it is there, readable as the umask says."""
    mask = os.umask(0o027)
    try:
        with PublishedFile(tmp_path / "x") as file:
            file.write(b"abc")
            assert not (tmp_path / "x").exists()
            file.publish()
    finally:
        os.umask(mask)
    assert (tmp_path / "x").read_bytes() == b"abc"
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["x"]


def test_a_file_that_is_not_published_is_removed(tmp_path: Path) -> None:
    """Whatever ends the block; discarding twice is fine."""
    with PublishedFile(tmp_path / "x") as file:
        file.write(b"abc")
    file.discard()
    assert names(tmp_path) == []


def test_a_target_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    """Nothing is left behind."""
    (tmp_path / "x" / "y").mkdir(parents=True)
    with PublishedFile(tmp_path / "x") as file, pytest.raises(ModelProvenanceError) as caught:
        file.publish()
    assert caught.value.code == "machine.io"
    assert names(tmp_path) == ["x"]
