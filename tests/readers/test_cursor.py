"""The bounded view of a file that every reader stands on."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.readers.cursor import Cursor, ReaderError

DATA = bytes(range(256)) * 1024


@given(st.lists(st.tuples(st.sampled_from(["take", "peek", "skip", "seek"]), st.integers(-5, 300_000)), max_size=20))
def test_a_cursor_is_a_slice_that_never_leaves_the_file(steps: list[tuple[str, int]]) -> None:
    """Any sequence of moves gives the bytes of the file at that place, or a ReaderError and no move."""
    cursor, at = Cursor(io.BytesIO(b"##" + DATA), len(DATA), base=2), 0
    for name, count in steps:
        try:
            result = getattr(cursor, name)(count)
        except ReaderError:
            assert cursor.position == at
            continue
        if name == "seek":
            at = count
        elif name == "peek":
            assert result == DATA[at : at + max(count, 0)]
        else:
            assert result is None or result == DATA[at : at + count]
            at += count
        assert cursor.position == at
        assert cursor.remaining == len(DATA) - at


def test_numbers_are_little_endian() -> None:
    """As every format that is read has them."""
    cursor = Cursor.over(b"\x01\x02\x00\x00\x00\x03" + bytes(7))
    assert (cursor.byte(), cursor.u32(), cursor.u64()) == (1, 2, 3)


@pytest.mark.parametrize("name", ["byte", "u32", "u64"])
def test_a_number_beyond_the_end_is_an_error(name: str) -> None:
    """No number is made up of missing bytes."""
    with pytest.raises(ReaderError, match="are left"):
        getattr(Cursor.over(b""), name)()


def test_a_limit_holds_and_is_said() -> None:
    """What lies behind the limit is not read, and the message says that it is our limit."""
    cursor = Cursor.over(DATA)
    cursor.limit(100)
    with pytest.raises(ReaderError, match="in the part that is read"):
        cursor.take(101)


def test_a_section_has_offsets_of_its_own() -> None:
    """A part of a file is a file."""
    section = Cursor.over(b"0123456789").section(3, 4)
    assert (section.size, section.take(4)) == (4, b"3456")
    with pytest.raises(ReaderError):
        section.byte()


def test_one_piece_is_bounded() -> None:
    """No reader gets more than 48 MiB at once, whatever the size of the file."""
    with pytest.raises(ReaderError, match="in one piece"):
        Cursor(io.BytesIO(), 1 << 40).take(1 << 30)


def test_lines_are_bounded() -> None:
    """A line without an end within the limit is an error."""
    cursor = Cursor.over(b"ab\ncdef")
    assert cursor.line(10) == b"ab"
    with pytest.raises(ReaderError, match="no end"):
        cursor.line(10)


def test_out_of_memory_is_an_error_of_the_file() -> None:
    """An allocation that fails is said plainly."""

    class Hungry(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise MemoryError

    with pytest.raises(ReaderError, match="not enough memory"):
        Cursor(Hungry(), 100).take(10)
