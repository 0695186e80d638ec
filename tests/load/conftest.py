"""A released model, made once, copied for each test that may change it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from .models import Released, release, write_model


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release that tests copy."""
    folder = tmp_path_factory.mktemp("released")
    write_model(folder / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSIGN_PASSWORD", "")
        release(folder)
    return folder


@pytest.fixture
def released(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Released:
    """A release of one's own; the home folder is the test's, too."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("MODEL_PROVENANCE_BYPASS", raising=False)
    shutil.copytree(shelf, tmp_path / "released")
    return Released(tmp_path / "released")


@pytest.fixture
def settled(released: Released, monkeypatch: pytest.MonkeyPatch) -> Released:
    """The same, as if it had been written a while ago: what is too young is not remembered."""
    later = time.time_ns() + 3_600_000_000_000
    monkeypatch.setattr("model_provenance.flows.target.time.time_ns", lambda: later)
    assert released.model.stat().st_mtime_ns < later
    return released
