"""Verifying needs no network: proved where there is none, not even loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from tests.interop.releasing import PUSH, Job, Released

_CONNECT = """
import socket
for family, address in ((socket.AF_INET, ("127.0.0.1", 9)), (socket.AF_INET, ("192.0.2.1", 443))):
    with socket.socket(family) as s:
        s.settimeout(5)
        try:
            s.connect(address)
        except OSError as error:
            assert error.errno == 101, error  # network is unreachable
        else:
            raise SystemExit("connected")
"""


def alone(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a network namespace of its own, in which nothing is up, loopback included."""
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    words = ["unshare", "--net", *command]
    return subprocess.run(words, env=env, capture_output=True, text=True, check=False)


def test_nothing_is_reachable_there() -> None:
    """No route: else the next tests would prove nothing."""
    done = alone(sys.executable, "-I", "-c", _CONNECT)
    assert done.returncode == 0, done.stderr


@pytest.mark.matrix("runs", "verify without any route, {target}", "servers")
@pytest.mark.parametrize("target", ["directory", "bundle"])
def test_a_release_verifies_without_any_route(on_servers: Callable[[Job], Released], target: str) -> None:
    """A release made with real servers, and one of its bundles, by trusted root and signer."""
    made = on_servers(PUSH)
    words = ["verify", str(made.model), "--trusted-root", str(made.root), "--signer", PUSH.signer, "--format", "json"]
    what = {
        "directory": ["--evidence", str(made.folder), "--name", "minilm", "--version", "1.0.0"],
        "bundle": ["--bundle", str(made.bundle("oms"))],
    }
    done = alone(sys.executable, "-I", "-m", "model_provenance", *words, *what[target])
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["result"] == "PASS"


def test_the_public_root_needs_no_route_either(on_servers: Callable[[Job], Released]) -> None:
    """Without an option the embedded production root decides, and refuses what a private instance signed."""
    made = on_servers(PUSH)
    words = [
        "verify",
        str(made.model),
        "--bundle",
        str(made.bundle("oms")),
        "--signer",
        PUSH.signer,
        "--format",
        "json",
    ]
    done = alone(sys.executable, "-I", "-m", "model_provenance", *words)
    report = json.loads(done.stdout)
    assert report["result"] == "FAIL", report
    assert "log.unknown" in {finding["id"] for finding in report["findings"]}
