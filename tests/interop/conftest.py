"""The real Sigstore, the peers' programs, and the rule: in CI nothing here may be skipped."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.interop.desk import Desk, make_desk
from tests.interop.matrix import Matrix, versions
from tests.interop.namespace import VARIABLE
from tests.interop.peers import Peers
from tests.interop.releasing import Job, Released, release
from tests.interop.stack import Stack

from model_provenance.testing.sigstore_sim import SigstoreSim

ROOT = Path(__file__).resolve().parents[2]
MATRIX = pytest.StashKey[Matrix]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs `make interop`."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.interop)


def missing(reason: str) -> None:
    """A part is not there: an error in CI; elsewhere a skip that says why and what to do."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}\nrun `make interop`", pytrace=False)
    pytest.skip(f"{reason}; run `make interop`")


def load_tools() -> ModuleType:
    """tools/interop_tools.py as a module."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        return importlib.import_module("interop_tools")
    finally:
        sys.path.remove(str(ROOT / "tools"))


@pytest.fixture(scope="session")
def tools() -> ModuleType:
    """Where the programs lie; all of them are there."""
    module = load_tools()
    absent = [n for n in (*module.VERSIONS["go"], *module.VERSIONS["module"]) if not module.program(n).is_file()]
    if absent or not (module.sigstore_js() / "done").exists():
        missing(f"not built: {', '.join(absent) or 'sigstore-js'}")
    return module


@pytest.fixture(scope="session")
def stack(tools: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The servers, in this process's own namespace."""
    state = os.environ.get(VARIABLE, "not started by `make interop`")
    if state != "inside":
        missing(state)
    servers = Stack(tmp_path_factory.mktemp("stack"), tools.program)
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


@pytest.fixture(scope="session")
def sim() -> Iterator[SigstoreSim]:
    """What the tests of everywhere else use, with Rekor v2 as the servers have it."""
    with SigstoreSim(rekor_version=2) as simulator:
        yield simulator


@pytest.fixture
def desk(stack: Stack, tmp_path: Path) -> Desk:
    """A desk on the real servers."""
    return make_desk(stack, tmp_path)


@pytest.fixture(scope="session", params=["servers", "simulator"])
def sigstore(request: pytest.FixtureRequest) -> Any:
    """Either; a scenario that says the same of both shows that the simulator is like the servers."""
    return request.getfixturevalue({"servers": "stack", "simulator": "sim"}[request.param])


@pytest.fixture(scope="session")
def released(sigstore: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Job], Released]:
    """The release of a job, made once for each Sigstore."""
    return _once(sigstore, tmp_path_factory)


@pytest.fixture(scope="session")
def on_servers(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Job], Released]:
    """The release of a job on the real servers, made once."""
    return _once(stack, tmp_path_factory)


def _once(sigstore: Any, folders: pytest.TempPathFactory) -> Callable[[Job], Released]:
    made: dict[str, Released] = {}

    def get(job: Job) -> Released:
        if job.name not in made:
            made[job.name] = release(sigstore, folders.mktemp("release"), job)
        return made[job.name]

    return get


@pytest.fixture(scope="session")
def peers(tools: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Peers:
    """The other programs."""
    return Peers(tools, tmp_path_factory.mktemp("home"))


def pytest_configure(config: pytest.Config) -> None:
    """The marker of matrix rows, and where they are collected."""
    config.addinivalue_line("markers", "matrix(part, first, second): a row of docs/interop.md")
    config.stash[MATRIX] = Matrix()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a test that ran into its row; one that could not start is a row that does not hold."""
    report = yield
    mark = item.get_closest_marker("matrix")
    if mark is not None and (report.when == "call" or report.failed):
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        item.config.stash[MATRIX].add(mark, parameters, passed=report.passed)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Print the matrix; write the page when all tests of this folder ran and passed."""
    matrix = config.stash[MATRIX]
    if not matrix.rows:
        return
    terminalreporter.write_line(matrix.tables())
    whole = config.getoption("markexpr") == "interop" and not config.getoption("keyword")
    if exitstatus == 0 and whole and not terminalreporter.stats.get("skipped"):
        matrix.write(versions(load_tools()))
