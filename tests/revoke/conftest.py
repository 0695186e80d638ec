"""A status list and the keys of its revokers, as `model-provenance revoke` and `status publish` leave them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.revoke.office import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An empty list."""
    return Office(tmp_path, {name: ec.generate_private_key(ec.SECP256R1()) for name in ("first", "second", "stranger")})
