"""What holds for all tests: in CI nothing is skipped that CI could have made possible."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Generator[None, None, None]:
    """What one run of tests remembers (status lists, tree heads of logs) is neither the user's nor another worker's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


#: How the reason of a skip begins that lies in the machine: no root, no namespaces. Anything else is a missing tool.
MACHINE = "this machine"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """With `CI` set, a test that was skipped for want of a tool has failed: it was expected to run."""
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith(MACHINE):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped, and CI expects it to run: {reason}"
    return report
