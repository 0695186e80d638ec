"""What holds for all tests: in CI nothing is skipped that CI could have made possible, and no example is timed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from model_provenance.formats import cosign_key

# How long an example takes says something of the machine: what code may cost is asserted where it is counted.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True, scope="session")
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Generator[None, None, None]:
    """What one run of tests remembers (status lists, tree heads of logs) is neither the user's nor another worker's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True, scope="session")
def one_derivation_for_each_password() -> Generator[None, None, None]:
    """A key of a password and a salt is derived once in a process: it takes 64 MB and a fifth of a second by design.

    The derivation is a function of its arguments; processes that tests start derive for themselves.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cosign_key, "_derived", cache(cosign_key._derived))
        yield


@pytest.fixture
def roomy(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: holes of a file there cost neither disk nor page cache."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


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
