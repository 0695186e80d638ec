"""Models with many files and with very large ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .command import Cli, ended, program
from .conftest import NAMED

COUNT = 10_000


def test_ten_thousand_files_are_released_and_verified(desk: Path, release: Cli, verify: Cli, cli: Cli) -> None:
    """A folder of many small files is a model like others; every one of them is signed, and read back from the archive."""
    for folder in range(100):
        (desk / f"model/{folder}").mkdir()
        for number in range(COUNT // 100):
            (desk / f"model/{folder}/{number}.txt").write_text(f"{folder} {number}")

    assert release("--layout", "tar").status == 0
    assert json.loads((desk / "dist/minilm-1.0.0/receipt.json").read_bytes())["files"] == COUNT + 4
    assert verify().status == 0
    assert cli("verify", "dist/minilm-1.0.0", "--key", "release.pub", *NAMED).status == 0


@pytest.mark.slow
def test_a_file_beyond_the_limits_of_tar_is_released(desk: Path, roomy: Path) -> None:
    """9 GiB in one sparse file, beyond the 8 GiB that a plain tar header can say: digests are those of the whole file."""
    size = 9 << 30
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    with (roomy / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)
    named = ("--name", "big", "--version", "1.0.0", "--sbom-engine", "native")

    assert ended(program("release", roomy, *named, "--key", "release.key", cwd=desk)).status == 0

    receipt = json.loads((desk / "dist/big-1.0.0/receipt.json").read_bytes())
    assert receipt["bytes"] == (roomy / "model.safetensors").stat().st_size
    # As sha256sum says of such a file.
    digest = "e14554875937b36670bd4ef9809f7fe5a803613d057653c5e0cc3fd5b97a5c63"
    assert (desk / "dist/big-1.0.0/MODEL.SHA256SUMS").read_text() == f"{digest}  model.safetensors\n"
    # Of one layer, whose header says the size in base-256: the same on every machine.
    assert receipt["package_digest"] == "sha256:83290d841f4b4d4338bc880dcf78565ddc823468c75447844fdb4274dc0c4dfe"
