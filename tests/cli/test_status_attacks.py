"""Attacks on the gate `revocation` from outside, by name: whoever keeps the list still, and whoever would vouch for himself."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from .command import Cli

VERIFY = ("verify", "model", "--evidence", "dist/minilm-1.0.0", "--key", "release.pub", "--name", "minilm", "--version",
          "1.0.0", "--policy", "serving.yaml", "--status-list", "list")  # fmt: skip
PUBLISH = ("status", "publish", "--status-list", "list", "--list", "acme/models", "--valid-for", "12h")


@pytest.fixture
def serving(desk: Path, shelf: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release, and a policy by which `revoker.key` may revoke."""
    monkeypatch.setenv("XDG_STATE_HOME", str(desk.with_name(f"{desk.name}-state")))
    shutil.copytree(shelf, desk / "dist")
    assert cli("keygen", "--output", "revoker").status == 0
    return allow(desk, "revoker.pub")


def allow(desk: Path, key: str) -> Path:
    """The policy, with this revoker."""
    text = "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: serving}\nspec:\n  extends: integrity\n"
    (desk / "serving.yaml").write_text(f"{text}  revocation: {{revokers: [{{key: {key}}}]}}\n")
    return desk


@pytest.mark.usefixtures("serving")
def test_a_frozen_snapshot_is_no_pass(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who keeps handing out an old list, truly signed, hides every revocation since: what is not fresh does not pass."""
    with monkeypatch.context() as past:
        two_days_ago = time.time() - 2 * 86_400
        past.setattr("model_provenance.cli.status.time.time", lambda: two_days_ago)
        assert cli(*PUBLISH, "--key", "revoker.key").status == 0
    cli(*VERIFY).failed(15, "policy.undecided", "is stale since")
    assert cli(*PUBLISH, "--key", "revoker.key").status == 0
    assert cli(*VERIFY).status == 0


def test_who_released_the_model_is_no_revoker_of_it(serving: Path, cli: Cli) -> None:
    """Also where the policy names him as one and the signer stands on the command line: he says nothing about himself."""
    allow(serving, "release.pub")
    assert cli(*PUBLISH, "--key", "release.key").status == 0
    cli(*VERIFY).failed(15, "policy.undecided", "signed by who released the model")
