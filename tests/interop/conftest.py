"""The real Sigstore, the peers' programs, and the rule: in CI nothing here may be skipped."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.interop.namespace import VARIABLE
from tests.interop.releasing import Job, Released, release
from tests.interop.stack import Stack

from model_provenance.testing.sigstore_sim import SigstoreSim

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.fixture(scope="session")
def tools() -> ModuleType:
    """tools/interop_tools.py, with all that it builds."""
    spec = importlib.util.spec_from_file_location("interop_tools", ROOT / "tools" / "interop_tools.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
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


@pytest.fixture(scope="session", params=["servers", "simulator"])
def sigstore(request: pytest.FixtureRequest) -> Any:
    """Either; a scenario that says the same of both shows that the simulator is like the servers."""
    return request.getfixturevalue({"servers": "stack", "simulator": "sim"}[request.param])


@pytest.fixture(scope="session")
def released(sigstore: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Job], Released]:
    """The release of a job, made once for each Sigstore."""
    made: dict[str, Released] = {}

    def get(job: Job) -> Released:
        if job.name not in made:
            made[job.name] = release(sigstore, tmp_path_factory.mktemp("release"), job)
        return made[job.name]

    return get
