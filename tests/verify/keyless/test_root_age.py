"""A cached root of public Sigstore that nobody has refreshed for long is said; it decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from model_provenance.domain.verification import Trust
from model_provenance.verify import production_root

DAY = 24 * 3600


@pytest.fixture
def warnings(
    api: Any, keyless: Any, judge_keyless: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., set[str]]:
    """Warnings of a good release, judged with a cached root of an age."""
    draft = api.Draft(run=keyless.default_run)
    bundles = keyless.sign(draft.statements)

    def judge(age: float | None, *, now: int | None = 1_800_000_000) -> set[str]:
        monkeypatch.setattr(production_root, "production_root", keyless.sim.trusted_root.encode)
        monkeypatch.setattr(production_root, "cached_age", lambda *, now: age)
        report = judge_keyless(bundles, draft.directory, trust=Trust(None, now=now))
        assert api.failures(report) == set()
        return {finding.id for finding in report.findings if finding.severity.value == "warning"}

    return judge


def test_an_old_root_is_said(warnings: Any) -> None:
    """After thirty days; the embedded root has no age."""
    assert "trust.root_old" in warnings(31 * DAY)
    assert "trust.root_old" not in warnings(29 * DAY)
    assert "trust.root_old" not in warnings(None)


def test_without_a_clock_nothing_is_said(warnings: Any) -> None:
    """As in a signing run, which has refreshed it."""
    assert "trust.root_old" not in warnings(31 * DAY, now=None)
