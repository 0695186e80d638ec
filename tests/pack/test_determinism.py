"""Same bytes, same digest: golden digests, and runs under other users' settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.pack.conftest import MakeModel

from model_provenance.domain.package import Layout
from model_provenance.pack.read import read
from model_provenance.pack.walk import walk

FILES = {
    "config.json": b"{}",
    "B.txt": b"b",
    "a b.txt": b"ab",
    "é/ü.json": b"1",
    "sub/deep/" + "n" * 120: b"x" * 600,
    "model.safetensors": bytes(range(256)) * 8,
    "empty": b"",
}
#: Digests that must never move: a release of the same files under a later version of this tool has the same digest.
GOLDEN = {
    "model": "54609fcef5ec8df3193e350509706a69d18ebfe85041c6b1b3e3e320d28c658b",
    "files": "85d297fe3d95eda38d41734e45759a89c26bebcb7a49570c5367af51e7e64740",
    "layers": "4fe43e25d3e896770f3279db11949da6e39b8c17e84ccecf9730a84c6afef588",
    "raw": "f4923fa5f922c9236e9fe9806afd916a82d001fc9627ad3bb63c31adb0d51bea",
    "tar": "c2ecbc6c269bf61dc128ba8253a02f86904fc22c70d774fd2a3ec7ea582949c4",
}

SCRIPT = """
import json, sys
from pathlib import Path
from model_provenance.domain.package import Layout
from model_provenance.pack.read import read
from model_provenance.pack.walk import walk
with walk(Path(sys.argv[1])) as inventory:
    print(json.dumps({layout.value: str(read(inventory, layout=layout).package_digest) for layout in Layout}))
"""


def digests(root: Path) -> dict[str, str]:
    """The package digest in every layout."""
    with walk(root) as inventory:
        return {layout.value: str(read(inventory, layout=layout).package_digest) for layout in Layout}


def test_these_files_have_these_digests_for_ever(make_model: MakeModel) -> None:
    """Model digest, files digest, model index of both layouts, and the plain tar."""
    with walk(make_model(FILES)) as inventory:
        packages = {layout: read(inventory, layout=layout) for layout in (Layout.LAYERS, Layout.RAW, Layout.TAR)}
    found = {layout.value: package.package_digest.hex for layout, package in packages.items()}
    found["model"] = packages[Layout.RAW].model_digest.hex
    found["files"] = packages[Layout.RAW].files_digest.hex
    assert found == GOLDEN


@pytest.mark.parametrize(
    ("umask", "env"),
    [
        (0o000, {"TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8", "LC_ALL": "C"}),
        (0o077, {"TZ": "America/St_Johns", "LC_ALL": "POSIX", "PYTHONHASHSEED": "7", "USER": "somebody"}),
        (0o027, {"LC_ALL": "de_DE.ISO-8859-1", "PYTHONUTF8": "0", "SOURCE_DATE_EPOCH": "1"}),
    ],
)
def test_no_setting_of_the_machine_moves_a_digest(make_model: MakeModel, umask: int, env: dict[str, str]) -> None:
    """Umask, time zone, locale, hash seed, and the modes, times and owners of the files."""
    expected = digests(make_model(FILES))
    mask = os.umask(umask)
    try:
        other = make_model(dict(reversed(FILES.items())), "copy")
    finally:
        os.umask(mask)
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
        if path.is_file():
            path.chmod(0o755)
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **env}
    command = f'umask {umask:o}; exec "{sys.executable}" -c "$0" "$1"'
    done = subprocess.run(
        ["sh", "-c", command, SCRIPT, str(other)], capture_output=True, text=True, check=True, env=clean
    )
    assert json.loads(done.stdout) == expected


def test_a_copy_elsewhere_is_the_same_model(make_model: MakeModel, tmp_path: Path) -> None:
    """Neither the path nor the name of the folder is in any digest."""
    root = make_model(FILES)
    shutil.copytree(root, tmp_path / "x" / "another name")
    assert digests(tmp_path / "x" / "another name") == digests(root)


def test_a_renamed_file_moves_the_package_but_not_the_model_digest(make_model: MakeModel) -> None:
    """The OMS root covers contents only; package digest and files digest cover names."""
    with walk(make_model({"a": b"1", "b": b"2"}, "one")) as one, walk(make_model({"a": b"1", "c": b"2"}, "two")) as two:
        first, second = read(one, layout=Layout.LAYERS), read(two, layout=Layout.LAYERS)
    assert first.model_digest == second.model_digest
    assert first.files_digest != second.files_digest
    assert first.package_digest != second.package_digest
