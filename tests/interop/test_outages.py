"""Each server down in turn: nothing is published, `--sign-later` keeps what there is, and a later run completes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.interop.releasing import PUSH, Released, command, repository
from tests.interop.stack import Stack

from model_provenance.testing.runner_env import RunnerEnv


@pytest.fixture(params=["fulcio", "ctlog", "rekor-tiles", "timestamp-server"])
def down(request: pytest.FixtureRequest, stack: Stack) -> Iterator[str]:
    """A server that is stopped, and runs again afterwards."""
    stack.stop_server(request.param)
    yield request.param
    if not stack.is_running(request.param):
        stack.restart_server(request.param)


@pytest.mark.matrix("runs", "{down} down: release --sign-later, then sign --spool", "servers")
def test_a_release_survives_an_outage(stack: Stack, down: str, tmp_path: Path) -> None:
    """23 while it lasts, with nothing under the release's name; SIGNED by the next job, and it verifies."""
    commit = repository(tmp_path)
    place = tmp_path / "minilm"
    (tmp_path / "trust-config.json").write_text(stack.trust_config)
    (tmp_path / "root.json").write_text(stack.trusted_root)
    config = ["--trust-config", str(tmp_path / "trust-config.json")]
    words = ["release", "model", "--name", "minilm", "--version", "1.0.0", "--sbom-engine", "native", "--sign-later"]
    first = RunnerEnv.github(stack, directory=tmp_path / "first", sha=commit, run_id="16300000001")
    done = command([*words, *config], cwd=place, env=first)
    assert done.returncode == 23, done.stdout + done.stderr
    assert not (place / "dist" / "minilm-1.0.0").exists()
    stack.restart_server(down)
    second = RunnerEnv.github(stack, directory=tmp_path / "second", sha=commit, run_id="16300000002")
    done = command(["sign", "--spool", "dist/minilm-1.0.0.unsigned", *config], cwd=place, env=second)
    assert done.returncode == 0, done.stderr
    made = Released(place / "dist" / "minilm-1.0.0", place / "model", tmp_path / "root.json", PUSH, second)
    report = made.verify()
    assert report["result"] == "PASS", report["findings"]
