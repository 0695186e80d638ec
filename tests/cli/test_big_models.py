"""Models with many files and with very large ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .command import Cli, ended, program

COUNT = 10_000


def test_ten_thousand_files_are_released_and_verified(desk: Path, release: Cli, verify: Cli) -> None:
    """A folder of many small files is a model like others; every one of them is signed."""
    for folder in range(100):
        (desk / f"model/{folder}").mkdir()
        for number in range(COUNT // 100):
            (desk / f"model/{folder}/{number}.txt").write_text(f"{folder} {number}")

    assert release().status == 0
    assert json.loads((desk / "dist/minilm-1.0.0/receipt.json").read_bytes())["files"] == COUNT + 4
    assert verify().status == 0


@pytest.mark.slow
def test_a_file_beyond_the_limits_of_tar_is_released(desk: Path, roomy: Path) -> None:
    """9 GiB in one sparse file: beyond the 8 GiB that a plain tar header can say."""
    size = 9 << 30
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    with (roomy / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)
    named = ("--name", "big", "--version", "1.0.0", "--sbom-engine", "native")

    assert ended(program("release", roomy, *named, "--key", "release.key", cwd=desk)).status == 0

    receipt = json.loads((desk / "dist/big-1.0.0/receipt.json").read_bytes())
    assert receipt["bytes"] == (roomy / "model.safetensors").stat().st_size
