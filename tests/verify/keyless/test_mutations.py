"""Every field of a keyless bundle matters: dropped, changed or lengthened, it is refused, unless nobody vouches for it."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_provenance.domain.result import Result
from model_provenance.domain.verification import Expectation
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import parse_bundle
from model_provenance.formats.identity import parse_signer
from model_provenance.verify.bundle import verify_bundle

ENTRY = ("verificationMaterial", "tlogEntries", 0)
STAMPS = ("verificationMaterial", "timestampVerificationData")
#: What may be left out: with the log's promise no timestamp is needed; an entry without a promise has no time.
FREE: dict[int, set[tuple[str | int, ...]]] = {
    1: {STAMPS, (*STAMPS, "rfc3161Timestamps"), (*STAMPS, "rfc3161Timestamps", 0)},
    2: {(*ENTRY, "integratedTime")},
}


def paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield (*at, key)
        yield from paths(child, (*at, key))


def variants(value: object) -> Iterator[object]:
    """Other values in place of one."""
    if not isinstance(value, str):
        return
    if value.isdigit():
        yield str(int(value) + 1)
        return
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        yield value + "x"
        yield "x" + value
        return
    # The last third of a time-stamp holds its signature; its middle may hold certificates that are not needed.
    for position in (len(raw) // 2, len(raw) - 1):
        flipped = bytearray(raw)
        flipped[position] ^= 1
        yield base64.b64encode(bytes(flipped)).decode()
    yield base64.b64encode(raw + b"\0").decode()


@pytest.fixture(scope="session")
def passes(api: Any, keyless: Any) -> Any:
    """Whether a bundle of the default run verifies."""
    draft, expectation = api.Draft(run=keyless.default_run), Expectation(parse_signer(api.SIGNER))

    def judge(data: bytes) -> bool:
        return verify_bundle(data, draft.directory, expectation, keyless.trust).result is Result.PASS

    return judge


@pytest.fixture(scope="session")
def good(api: Any, forge: Any, keyless: Any) -> Any:
    """A good bundle for each version of the log."""
    payload = api.Draft(run=keyless.default_run).statements[0].payload
    signing = forge.certify(keyless.default_run.claims())
    return {rekor: forge.bundle(payload, signing, rekor=rekor) for rekor in (1, 2)}


@pytest.mark.parametrize("rekor", [1, 2])
def test_no_single_change_of_a_bundle_passes(passes: Any, good: Any, rekor: Any) -> None:
    """Drop each part; change each value; the few that may change are listed above, and nothing else."""
    bundle, tried = good[rekor], 0
    survivors: set[tuple[str | int, ...]] = set()
    assert passes(json.dumps(bundle).encode())
    for path in paths(bundle):
        *parents, last = path
        for change in ("drop", *variants(_at(bundle, path))):
            mutant = copy.deepcopy(bundle)
            holder = _at(mutant, tuple(parents))
            if change == "drop":
                del holder[last]
            else:
                holder[last] = change
            tried += 1
            if passes(json.dumps(mutant).encode()):
                survivors.add(path)
    assert survivors <= FREE[rekor]
    assert tried > 60


def _at(value: Any, path: Any) -> Any:
    for key in path:
        value = value[key]
    return value


@settings(max_examples=80)
@given(position=st.integers(0), bit=st.integers(0, 7), rekor=st.sampled_from([1, 2]))
def test_no_flipped_bit_of_a_bundle_file_passes(passes: Any, good: Any, position: Any, bit: Any, rekor: Any) -> None:
    """Anywhere in the file: either it is read as exactly the same bundle, or it is refused."""
    data = bytearray(json.dumps(good[rekor]).encode())
    data[position % len(data)] ^= 1 << bit
    try:
        same = parse_bundle(bytes(data)) == parse_bundle(json.dumps(good[rekor]).encode())
    except ModelProvenanceError:
        same = False
    if not same and _authenticated(bytes(data), good[rekor]):
        assert not passes(bytes(data))


def _authenticated(data: bytes, bundle: Any) -> bool:
    """False where only bytes of the time-stamp differ: its CMS wrapping holds a few that nobody signs."""
    try:
        mutant = json.loads(data)
    except ValueError:
        return True
    if not isinstance(mutant, dict) or not isinstance(mutant.get("verificationMaterial"), dict):
        return True
    original = copy.deepcopy(bundle)
    for value in (mutant, original):
        value["verificationMaterial"].pop("timestampVerificationData", None)
        value["verificationMaterial"].get("tlogEntries", [{}])[0].pop("integratedTime", None)
    return bool(mutant != original)
