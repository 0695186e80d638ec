"""Packages and OCI layouts for tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Bundle, Predicate
from model_provenance.domain.package import Layout, Package
from model_provenance.oci.layout import LayoutSink, finish_layout
from model_provenance.pack.read import read
from model_provenance.pack.walk import walk

FILES: Mapping[str, bytes] = {
    "config.json": b'{"model_type": "bert"}',
    "model-1.safetensors": b"1" * 70_000,
    "model-2.safetensors": b"2" * 70_000,
    "sub/LICENSE": b"MIT",
}
BUNDLES = (
    Bundle("oms", Predicate.OMS, b'{"bundle": "oms"}', b"{}"),
    Bundle("provenance", Predicate.PROVENANCE, b'{"bundle": "provenance"}', b"{}"),
)


@dataclass(frozen=True)
class Made:
    """A layout folder with the package in it."""

    path: Path
    package: Package

    @property
    def table(self) -> dict[str, Any]:
        """`index.json`."""
        return dict(json.loads((self.path / "index.json").read_bytes()))

    def write_table(self, value: object) -> None:
        """Replace `index.json`."""
        (self.path / "index.json").write_text(json.dumps(value))

    def blob(self, digest: Digest | str) -> Path:
        """Where a blob lies."""
        return self.path / "blobs" / "sha256" / str(digest).removeprefix("sha256:")

    def add(self, value: object) -> dict[str, Any]:
        """Store a document and return what a descriptor of it needs."""
        data = json.dumps(value).encode() if not isinstance(value, bytes) else value
        self.blob(Digest.of(data)).write_bytes(data)
        return {"digest": str(Digest.of(data)), "size": len(data)}


MakeLayout = Callable[..., Made]


@pytest.fixture
def make_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeLayout:
    """Packs files into a layout folder; files from 64 KiB on have a layer of their own."""
    monkeypatch.setattr("model_provenance.pack.plan.OWN_LAYER_SIZE", 64 * 1024)

    def make(
        files: Mapping[str, bytes] = FILES,
        *,
        layout: Layout = Layout.LAYERS,
        tag: str = "1.0.0",
        bundles: tuple[Bundle, ...] = BUNDLES,
        into: Path | None = None,
    ) -> Made:
        count = len(list(tmp_path.iterdir()))
        root, path = tmp_path / f"model{count}", into or tmp_path / f"layout{count}"
        for name, data in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        with walk(root) as inventory:
            package = read(inventory, layout=layout, sink=LayoutSink(path))
        finish_layout(path, package, tag=tag, bundles=bundles)
        return Made(path, package)

    return make
