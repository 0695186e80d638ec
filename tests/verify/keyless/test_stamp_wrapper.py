"""A time-stamp has no byte that somebody else may change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from model_provenance.errors import ModelProvenanceError
from model_provenance.testing.sigstore_sim import SigstoreSim
from model_provenance.verify.stamp_wrapper import check_wrapper
from model_provenance.verify.timestamps import stamped_at
from model_provenance.verify.trusted_root import TrustedRoot, parse

SIGNATURE = b"a signature"


@pytest.fixture(scope="module")
def stamp() -> Iterator[tuple[bytes, TrustedRoot]]:
    """A stamp over a signature, by an authority with its certificates inside, and the root that trusts it."""
    with SigstoreSim() as sim:
        query = TimestampRequestBuilder().data(SIGNATURE).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True).build()
        answer = requests.post(f"{sim.url}/api/v1/timestamp", data=query.as_bytes(), timeout=10)
        assert answer.status_code == 200
        yield answer.content, parse(sim.trusted_root.encode())


def test_the_stamp_itself_is_accepted(stamp: tuple[bytes, TrustedRoot]) -> None:
    """So that a refusal of a changed one means something."""
    response, root = stamp

    assert stamped_at(response, SIGNATURE, root).year > 2000


def test_no_bit_of_a_stamp_may_change(stamp: tuple[bytes, TrustedRoot]) -> None:
    """Signed or not: a flipped bit anywhere in the response is `timestamp.invalid`, and nothing else is raised."""
    response, root = stamp
    accepted = [position for position in range(len(response)) if _accepted(response, position, root)]

    assert accepted == []


def _accepted(response: bytes, position: int, root: TrustedRoot) -> bool:
    changed = bytearray(response)
    changed[position] ^= 1 << (position % 8)
    try:
        stamped_at(bytes(changed), SIGNATURE, root)
    except ModelProvenanceError as error:
        return error.code != "timestamp.invalid"
    return True


@pytest.mark.parametrize(
    "response", [b"", b"\x30", b"\x30\x80", b"\x30\x00", b"\x30\x84\xff\xff\xff\xff", b"\x02\x01\x00" * 3]
)
def test_what_is_no_stamp_is_refused(response: bytes) -> None:
    """Bytes that are not DER, or not of a response, are refused and never crash."""
    with pytest.raises(ModelProvenanceError, match="malformed"):
        check_wrapper(response)
