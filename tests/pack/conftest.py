"""Models on disk for the tests of packing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Files = Mapping[str, bytes]
MakeModel = Callable[..., Path]

SMALL = {"config.json": b'{"model_type": "bert"}', "LICENSE": b"MIT", "model.safetensors": b"\x00" * 3000}


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Writes files below a fresh folder and returns it; without arguments a small model."""

    def make(files: Files = SMALL, name: str = "model") -> Path:
        root = tmp_path / name
        root.mkdir()
        for path, data in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return root

    return make
