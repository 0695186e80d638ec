"""A workshop with a model and a key, and registries that stop with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.oci.registry.workshop import Workshop

from model_provenance.testing.registry_sim import RegistrySim


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A model and a key."""
    return Workshop(tmp_path)


@pytest.fixture
def registry() -> Iterator[Callable[..., RegistrySim]]:
    """Starts simulated registries that stop with the test."""
    with ExitStack() as stack:
        yield lambda profile="spec-1.1", **changes: stack.enter_context(RegistrySim(profile, **changes))
