"""How long it takes to describe models: a large vocabulary, many files, many gigabytes.

    .venv/bin/python bench/sbom.py                 # the peer `gguf` is among requirements/dev.txt

Headers are read and nothing else: the 700 GB are sparse files, whose digests are taken as given, since hashing is what
`bench/release.py` measures. Each row is the median of three runs.
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from model_provenance.describe.sbom.build import SbomRequest, build_sboms
from model_provenance.domain.digest import Digest
from model_provenance.domain.facts import ModelFacts
from model_provenance.domain.files import ModelFile
from model_provenance.domain.package import Layout, Package
from model_provenance.flows.describe import inspect_model
from model_provenance.flows.sbom_verify import NOBODY
from model_provenance.formats.oms import files_digest, model_digest
from model_provenance.pack.walk import walk

TOKENS, MERGES = 128_256, 280_147
FILES = 20_000
SHARDS, SHARD_BYTES = 175, 4_000_000_000
RUNS = 3


def main() -> None:
    """Make the models in a temporary folder, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default=sys.executable, help="the Python that has the package `gguf`")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-sbom-") as name:
        folder = Path(name)
        rows = [
            *_vocabulary(folder / "gguf", arguments.peer),
            *_many_files(folder / "files"),
            *_sharded(folder / "shards"),
        ]
    width = max(len(label) for label, _ in rows)
    for label, seconds in rows:
        print(
            f"{label:<{width}}  {seconds:8.3f} s"
            if isinstance(seconds, float)
            else f"{label:<{width}}  NOT MEASURED: {seconds}"
        )


def _vocabulary(folder: Path, python: str) -> list[tuple[str, float | str]]:
    """A GGUF header as large as Llama 3's: 128 k tokens and their merges."""
    folder.mkdir()
    model = folder / "model.gguf"
    model.write_bytes(_gguf())
    return [
        (f"GGUF header with {TOKENS} tokens: inspect", _timed(lambda: _inspected(folder))),
        (f"GGUF header with {TOKENS} tokens: the gguf package (with its import)", _peer(python, model)),
    ]


def _peer(python: str, model: Path) -> float | str:
    """Seconds that the package `gguf` takes, or why it could not be asked: never "not installed" for another failure."""
    command = [python, "-I", "-c", f"import gguf; gguf.GGUFReader({str(model)!r})"]
    imported = subprocess.run([python, "-I", "-c", "import gguf"], check=False, capture_output=True, text=True)
    if imported.returncode != 0:
        return f"{python} cannot import it ({(imported.stderr.strip() or 'no reason given').splitlines()[-1]})"
    begin = time.perf_counter()
    read = subprocess.run(command, check=False, capture_output=True, text=True)
    if read.returncode != 0:
        return f"it failed ({(read.stderr.strip() or 'no reason given').splitlines()[-1]})"
    return time.perf_counter() - begin


def _many_files(folder: Path) -> list[tuple[str, float | str]]:
    """Thousands of small files."""
    for number in range(FILES):
        path = folder / f"part-{number % 100:02}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x80\x04N.")
    facts = _inspected(folder)
    rows: list[tuple[str, float | str]] = [(f"{FILES} files: inspect", _timed(lambda: _inspected(folder)))]
    request = _request(folder, facts)
    for name in ("spdx-json", "spdx3-json", "cyclonedx-json", "cyclonedx-json@1.7"):
        rows.append((f"{FILES} files: write {name}", _timed(partial(_written, request, name))))  # noqa: PERF401
    return rows


def _sharded(folder: Path) -> list[tuple[str, float | str]]:
    """A model of hundreds of gigabytes: headers at the front of sparse files."""
    folder.mkdir()
    shape = [SHARD_BYTES // 4, 2]
    weight_map = {}
    for number in range(1, SHARDS + 1):
        name = f"model-{number:05}-of-{SHARDS:05}.safetensors"
        weight_map[f"layer.{number}"] = name
        tensor = {"dtype": "BF16", "shape": shape, "data_offsets": [0, SHARD_BYTES]}
        header = json.dumps({f"layer.{number}": tensor}).encode()
        with (folder / name).open("wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            file.truncate(8 + len(header) + SHARD_BYTES)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
    size = SHARDS * SHARD_BYTES / 1e9
    facts = _inspected(folder)
    request = _request(folder, facts)
    return [
        (f"{size:.0f} GB in {SHARDS} sparse shards: inspect", _timed(lambda: _inspected(folder))),
        (f"{size:.0f} GB in {SHARDS} sparse shards: write spdx3-json", _timed(lambda: _written(request, "spdx3-json"))),
    ]


def _inspected(folder: Path) -> ModelFacts:
    return inspect_model(folder, ignore=(), allow_symlinks=False)


def _written(request: SbomRequest, format: str) -> None:
    build_sboms(replace(request, formats=(format,)))


def _request(folder: Path, facts: ModelFacts) -> SbomRequest:
    """The facts with a digest of each file's name in place of its contents."""
    with walk(folder) as inventory:
        files = tuple(ModelFile(e.path, e.size, Digest.of(e.path.encode()), e.role) for e in inventory.entries)
    names = files_digest(files)
    package = Package(Layout.LAYERS, files, model_digest(files), names, Digest.of(str(names).encode()))
    return SbomRequest("bench", "1", package, facts, NOBODY, {})


def _timed(work: Callable[[], object], runs: int = RUNS) -> float:
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return median(times)


def _gguf() -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    def strings(key: str, values: list[str]) -> bytes:
        return text(key) + struct.pack("<IIQ", 9, 8, len(values)) + b"".join(text(value) for value in values)

    pairs = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        strings("tokenizer.ggml.tokens", [f"token{number}" for number in range(TOKENS)]),
        strings("tokenizer.ggml.merges", [f"a{number} b{number}" for number in range(MERGES)]),
    ]
    tensor = text("w") + struct.pack("<IQIQ", 1, 8, 0, 0)
    head = struct.pack("<4sIQQ", b"GGUF", 3, 1, len(pairs)) + b"".join(pairs) + tensor
    return head + bytes(-len(head) % 32) + bytes(32)


if __name__ == "__main__":
    main()
