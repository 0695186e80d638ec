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

    (desk / "model/57/91.txt").write_text("57 92")
    outcome = verify()
    assert outcome.status == 11
    assert "files.changed model/57/91.txt" in outcome.out or "57/91.txt" in outcome.out


@pytest.mark.slow
def test_a_file_beyond_the_limits_of_tar_is_released(desk: Path) -> None:
    """9 GiB in one sparse file: beyond the 8 GiB that a plain tar header can say."""
    size = 9 << 30
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    weights = desk / "model/model.safetensors"
    with weights.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)
    words = (
        "release",
        "model",
        "--name",
        "big",
        "--version",
        "1.0.0",
        "--key",
        "release.key",
        "--sbom-engine",
        "native",
    )

    assert ended(program(*words, cwd=desk)).status == 0

    receipt = json.loads((desk / "dist/big-1.0.0/receipt.json").read_bytes())
    assert receipt["bytes"] == sum(path.stat().st_size for path in (desk / "model").iterdir())
