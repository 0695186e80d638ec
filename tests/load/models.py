"""Models that real loaders load: safetensors, GGUF and ONNX, with weights big enough not to be copied into memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.keys import write_pair
from tests.readers.onnx_files import message, number

from model_provenance.cli.main import run
from model_provenance.hold.holder import SMALL

#: Elements of the one weight: a little more than what is copied into sealed memory.
COUNT = SMALL // 4 + 1024
BIG = "model.safetensors"


@dataclass(frozen=True)
class Released:
    """A released model, and what `verified` is told about it."""

    folder: Path

    @property
    def model(self) -> Path:
        """The model directory."""
        return self.folder / "model"

    @property
    def expected(self) -> dict[str, Any]:
        """Arguments of `load.verified`."""
        evidence = self.folder / "dist"
        return {"evidence": evidence, "key": self.folder / "release.pub", "name": "tiny", "version": "1.0.0"}

    def words(self) -> list[str]:
        """The same as options."""
        pairs = self.expected.items()
        return [word for name, value in pairs for word in (f"--{name}", str(value))]


def open_files() -> list[str]:
    """What this process has open."""
    return sorted(str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())


def write_model(folder: Path) -> Path:
    """Weights, configuration, licence; the weights count from 0."""
    folder.mkdir(parents=True)
    (folder / BIG).write_bytes(safetensors_file(COUNT))
    (folder / "config.json").write_text('{"architectures": ["BertModel"], "model_type": "bert"}')
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# tiny\n")
    return folder


def release(folder: Path) -> Released:
    """Release `folder/model` by a new key."""
    write_pair(folder / "release")
    words = ["release", str(folder / "model"), "--name", "tiny", "--version", "1.0.0", "--sbom-engine", "native"]
    assert run([*words, "--key", str(folder / "release.key"), "--output", str(folder / "dist")]) == 0
    return Released(folder)


def safetensors_file(count: int, *, first: int = 0) -> bytes:
    """One float32 tensor `w`, all zero but the first element."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [count], "data_offsets": [0, count * 4]}}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + first.to_bytes(4, "little") + bytes(count * 4 - 4)


def onnx_file(weights: bytes, *, beside: str | None = None) -> bytes:
    """`y = x + w` for four floats; the weights inside, or in the file `beside`."""
    tensor = number(1, 4) + number(2, 1) + message(8, "w")
    if beside is None:
        tensor += message(9, weights)
    else:
        tensor += message(13, message(1, "location") + message(2, beside)) + number(14, 1)
    node = message(1, "x") + message(1, "w") + message(2, "y") + message(4, "Add")
    graph = message(1, node) + message(2, "g") + message(5, tensor)
    graph += message(11, _floats("x")) + message(12, _floats("y"))
    return number(1, 8) + message(7, graph) + message(8, message(1, "") + number(2, 17))


def _floats(name: str) -> bytes:
    shape = message(1, number(1, 4))
    return message(1, name) + message(2, message(1, number(1, 1) + message(2, shape)))
