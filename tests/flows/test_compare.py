"""Which release another one is compared with."""

from __future__ import annotations

import pytest

from model_provenance.flows.compare import highest


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["1.9.0", "1.10.0", "1.2.0"], "1.10.0"),
        (["v1.0.0", "0.9"], "v1.0.0"),
        (["2.0.0", "1.0.0"], "1.0.0"),
        (["v2.0.0", "1.0.0"], "1.0.0"),
        (["latest", "2.0.0-rc1", "0.0.0-abcdef012345", "sha256-aa.sig"], None),
        ([], None),
    ],
)
def test_the_last_release_is_the_highest_version_but_this_one(tags: list[str], found: str | None) -> None:
    """Numbers are compared as numbers; pre-releases, versions of commits and moving tags are not released versions."""
    assert highest(tags, but="2.0.0") == found
