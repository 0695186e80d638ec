"""Many files, huge files, little memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.pack.conftest import MakeModel

from model_provenance.domain.package import Layout
from model_provenance.formats.tar import END
from model_provenance.pack.observe import observe_archive
from model_provenance.pack.read import read
from model_provenance.pack.refuse import check_model
from model_provenance.pack.walk import walk

#: Reads a model in a process of its own and prints the package digest and the megabytes that the read took.
SCRIPT = """
import resource, sys
from pathlib import Path
from model_provenance.domain.package import Layout
from model_provenance.pack.read import read
from model_provenance.pack.walk import walk
with walk(Path(sys.argv[1])) as inventory:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    package = read(inventory, layout=Layout(sys.argv[2]))
    print(package.package_digest.hex, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def measured(root: Path, layout: Layout) -> tuple[str, int]:
    """Package digest and growth of the resident set, in MiB."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(root), layout.value], capture_output=True, text=True, check=True, env=env
    )
    digest, grown = done.stdout.split()
    return digest, int(grown)


def test_ten_thousand_files_take_a_moment(make_model: MakeModel) -> None:
    """Listed, checked, packed and read back in processor seconds that a person does not notice."""
    root = make_model({f"d{i % 50}/{i}.json": b"%d" % i for i in range(10_000)})
    start = time.process_time()
    with walk(root) as inventory:
        check_model(inventory)
        package = read(inventory, layout=Layout.TAR, archive=root.parent / "m.tar")
    observed = observe_archive(root.parent / "m.tar")
    assert observed.files == package.files
    assert len(package.files) == 10_000
    assert time.process_time() - start < 5


@pytest.mark.parametrize("layout", [Layout.LAYERS, Layout.RAW, Layout.TAR_ZST])
def test_memory_does_not_grow_with_the_model(tmp_path: Path, layout: Layout) -> None:
    """A file of 300 MB takes a few buffers, not its size."""
    root = tmp_path / "m"
    root.mkdir()
    with (root / "model.gguf").open("wb") as file:
        file.truncate(300 * 10**6)
    _, grown = measured(root, layout)
    assert grown <= 20


@pytest.mark.slow
def test_a_sparse_file_of_9_gib_is_one_layer_with_its_content_at_512(roomy: Path) -> None:
    """Beyond 8 GiB sizes are base-256; digests are those of the whole file, memory stays flat."""
    size = 9 * 2**30
    with (roomy / "model.gguf").open("wb") as file:
        file.truncate(size)
    with walk(roomy) as inventory:
        package = read(inventory, layout=Layout.LAYERS)
    (layer,) = package.layers
    assert dict(layer.annotations)["dev.model-provenance.content.offset"] == "512"
    assert layer.size == 512 + size + len(END)
    assert package.files[0].size == size
    # Made once with `head -c 9663676416 /dev/zero | sha256sum`, and the same between header and end of a tar.
    assert package.files[0].digest.hex == "cfbee1b311082090f6417b1026f9f83b2b3db46bc20ec64dff238d202c3782a6"
    assert layer.digest.hex == "69d2646025ed9be68651707958b6bc4996c3fed39f9bdc31af423de4b1d77bf4"
