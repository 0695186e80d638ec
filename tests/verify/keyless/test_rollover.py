"""A private Sigstore renews its keys: for a while the trusted root holds the old and the new ones side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from model_provenance.domain.verification import Trust
from model_provenance.testing.sigstore_sim import SigstoreSim

PARTS = ("certificateAuthorities", "tlogs", "ctlogs", "timestampAuthorities")


@pytest.fixture(scope="module")
def renewed(keyless: Any) -> Iterator[Any]:
    """The same Sigstore with every key new: authority, both logs, certificate log, timestamp authority."""
    with SigstoreSim() as sim:
        yield type(keyless)(sim)


@pytest.fixture(scope="module")
def both(api: Any, keyless: Any, renewed: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """A draft, signed before and after."""
    draft = api.Draft(run=keyless.default_run)
    return draft, keyless.sign(draft.statements), renewed.sign(draft.statements)


def merged(keyless: Any, renewed: Any, *parts: str) -> Trust:
    """The new root, with the old entries of `parts` beside the new ones."""
    old, new = json.loads(keyless.sim.trusted_root), json.loads(renewed.sim.trusted_root)
    for part in parts:
        new[part] = [*new[part], *old[part]]
    return Trust(json.dumps(new).encode(), "custom")


def test_old_and_new_releases_verify_while_both_are_trusted(
    api: Any, keyless: Any, renewed: Any, both: Any, judge_keyless: Callable[..., Any]
) -> None:
    """Two authorities, logs and timestamp authorities, valid at the same time."""
    draft, before, after = both
    trust = merged(keyless, renewed, *PARTS)
    for bundles in (before, after):
        assert api.failures(judge_keyless(bundles, draft.directory, trust=trust)) == set()


def test_each_is_refused_where_only_the_other_is_trusted(
    api: Any, keyless: Any, renewed: Any, both: Any, judge_keyless: Callable[..., Any]
) -> None:
    """The new keys do not sign for the old ones."""
    draft, before, after = both
    assert "log.unknown" in api.failures(judge_keyless(before, draft.directory, trust=renewed.trust))
    assert "log.unknown" in api.failures(judge_keyless(after, draft.directory, trust=keyless.trust))


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        ("certificateAuthorities", "certificate.chain"),
        ("tlogs", "log.unknown"),
        ("ctlogs", "sct.unknown_log"),
        ("timestampAuthorities", "timestamp.invalid"),
    ],
)
def test_an_old_release_needs_every_old_key(
    api: Any, keyless: Any, renewed: Any, both: Any, judge_keyless: Callable[..., Any], missing: str, code: str
) -> None:
    """Each by its own finding."""
    draft, before, after = both
    trust = merged(keyless, renewed, *(part for part in PARTS if part != missing))
    assert code in api.failures(judge_keyless(before, draft.directory, trust=trust))
    assert api.failures(judge_keyless(after, draft.directory, trust=trust)) == set()


def test_keys_that_have_ended_still_hold_for_what_they_signed(
    api: Any, keyless: Any, renewed: Any, both: Any, judge_keyless: Callable[..., Any]
) -> None:
    """An end after the signature is no reason to refuse; an end before it is."""
    draft, before, _ = both
    root = json.loads(merged(keyless, renewed, *PARTS).trusted_root or b"")

    def ended(end: str) -> Trust:
        for part in ("certificateAuthorities", "timestampAuthorities"):
            root[part][-1]["validFor"]["end"] = end
        return Trust(json.dumps(root).encode(), "custom")

    assert api.failures(judge_keyless(before, draft.directory, trust=ended("2099-01-01T00:00:00Z"))) == set()
    found = api.failures(judge_keyless(before, draft.directory, trust=ended("2020-01-01T00:00:00Z")))
    assert found & {"certificate.chain", "timestamp.unknown_authority"}
