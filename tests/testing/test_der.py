"""The DER writer against X.690's own examples, and against its reader."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.testing import der


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (der.integer(0), "020100"),
        (der.integer(127), "02017f"),
        (der.integer(128), "02020080"),
        (der.integer(-1), "0201ff"),
        (der.integer(-128), "020180"),
        (der.integer(-129), "0202ff7f"),
        (der.oid("2.999.3"), "0603883703"),
        (der.oid("1.2.840.113549"), "06062a864886f70d"),
        (der.octets(b"x" * 200), "0481c8" + "78" * 200),
        (der.utf8("é"), "0c02c3a9"),
        (der.null(), "0500"),
        (der.set_of(der.integer(2), der.integer(1)), "3106020101020102"),
    ],
)
def test_values_have_their_one_encoding(encoded: bytes, expected: str) -> None:
    """Shortest length, fewest bytes, sorted sets."""
    assert encoded.hex() == expected


def test_times_are_written_in_utc_without_fractions() -> None:
    """RFC 3161, 2.4.2: YYYYMMDDhhmmssZ."""
    berlin = timezone(timedelta(hours=1))
    when = datetime(2026, 11, 23, 8, 15, 30, 999_999, tzinfo=berlin)
    assert der.generalized_time(when) == b"\x18\x0f20261123071530Z"


@given(st.integers(-(2**70), 2**70))
def test_integers_come_back(value: int) -> None:
    """Two's complement, and never a redundant leading byte."""
    (_, body, _), rest = der.read(der.integer(value))
    assert int.from_bytes(body, "big", signed=True) == value
    assert not rest
    assert len(body) == 1 or body[:1] not in {b"\x00", b"\xff"} or (body[0] ^ body[1]) & 0x80


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_children_are_what_was_put_in(values: list[bytes]) -> None:
    """Reading a sequence gives its elements."""
    found = der.children(der.sequence(*map(der.octets, values)))
    assert [body for _, body, _ in found] == values
    assert all(tag == der.OCTET_STRING for tag, _, _ in found)


@given(st.binary(max_size=40))
def test_hostile_bytes_are_a_value_error_or_an_element(data: bytes) -> None:
    """The reader never fails in another way."""
    with contextlib.suppress(ValueError):
        der.children(data)
