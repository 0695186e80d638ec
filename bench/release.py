"""`release` without a registry, against its peers and the machine's own limit, in one run.

    make bench                                  # 2.1 GB in 4 shards
    .venv/bin/python bench/release.py --gigabytes 8 --runs 3 --no-shell
    .venv/bin/python bench/release.py --weights random    # bytes that gzip gives up on, the recipe's best case

Peers: `model_signing sign key` (hash and sign, nothing else) and the shell recipe people use today (tar.gz, sha256sum, Syft).
The limit: SHA-256 over the same bytes with two threads, once and twice per byte, measured in the same rounds. All runs are warm
(the files are in the page cache), interleaved, and given as medians.

The weights are bfloat16 numbers of a normal distribution, as trained language models hold them. What they are matters to the
recipe alone: gzip passes random bytes on at three times the speed, since it finds nothing there to compress.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import Run, median, run

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTHON = sys.executable
SHARDS = 4

_LIMIT = """
import hashlib, mmap, sys
from concurrent.futures import ThreadPoolExecutor
times, names = int(sys.argv[1]), sys.argv[2:]
def one(name):
    digests = [hashlib.sha256() for _ in range(times)]
    with open(name, 'rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        for start in range(0, len(view), 1 << 22):
            block = memoryview(view)[start:start + (1 << 22)]
            for digest in digests:
                digest.update(block)
            block.release()
    return [digest.hexdigest() for digest in digests]
with ThreadPoolExecutor(2) as pool:
    list(pool.map(one, names))
"""


def main() -> None:
    """Generate, measure, print a table and the ratios that the project promises."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=2.1, help="size of the generated model (decimal)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--weights", choices=("normal", "random"), default="normal", help="what the shards hold")
    parser.add_argument("--no-shell", action="store_true", help="leave out the shell recipe (over a minute)")
    parser.add_argument("--folder", type=Path, help="where to generate (default: a temporary folder)")
    arguments = parser.parse_args()
    base = arguments.folder or Path(tempfile.mkdtemp(prefix="model-provenance-bench."))
    try:
        size = int(arguments.gigabytes * 10**9)
        measure(base, size, arguments.runs, shell=not arguments.no_shell, weights=WEIGHTS[arguments.weights])
    finally:
        if arguments.folder is None:
            shutil.rmtree(base, ignore_errors=True)


def measure(base: Path, size: int, runs: int, *, shell: bool, weights: Callable[[int], bytes]) -> None:
    """All commands in turn, `runs` rounds after one that is not counted."""
    model = base / "model"
    # In a process of its own: what a parent held counts as the peak of the children that it starts.
    maker = multiprocessing.get_context("spawn").Process(target=generate, args=(model, size, weights))
    maker.start()
    maker.join()
    if maker.exitcode != 0:
        raise SystemExit("the model could not be generated")
    key = make_keys(base)
    commands = contenders(base, model, key)
    results: dict[str, list[Run]] = {name: [] for name in commands}
    for round_ in range(runs + 1):
        for name, command in commands.items():
            clean(base)
            outcome = run(command, cwd=base, env={**os.environ, "COSIGN_PASSWORD": ""})
            if outcome.status != 0:
                subprocess.run(command, cwd=base, env={**os.environ, "COSIGN_PASSWORD": ""}, check=False)
                raise SystemExit(f"{name} failed with status {outcome.status}")
            if round_ > 0:
                results[name].append(outcome)
    medians = {name: median(outcomes) for name, outcomes in results.items()}
    if shell:
        clean(base)
        outcome = run(["sh", "-c", shell_recipe(model)], cwd=base)
        if outcome.status != 0:
            raise SystemExit(f"the shell recipe failed with status {outcome.status}")
        medians["shell recipe (once)"] = outcome
    report(medians, sum(f.stat().st_size for f in model.iterdir()))


def contenders(base: Path, model: Path, key: Path) -> dict[str, list[str]]:
    """Name -> command. All of ours are whole releases: package, SBOMs, manifest, provenance, five signatures."""
    shards = [str(p) for p in sorted(model.glob("*.safetensors"))]
    ours = [str(BIN / "model-provenance"), "release", str(model), "--name", "bench", "--version", "1.0.0"]
    ours += ["--key", str(key), "--sbom-engine", "native", "--output", str(base / "out")]
    return {
        "limit: one SHA-256": [PYTHON, "-I", "-c", _LIMIT, "1", *shards],
        "limit: two SHA-256": [PYTHON, "-I", "-c", _LIMIT, "2", *shards],
        "model_signing sign key": [
            *(str(BIN / "model_signing"), "sign", "key", str(model)),
            *("--signature", str(base / "model.sig"), "--private_key", str(base / "plain.pem")),
        ],
        "release --layout raw": [*ours, "--layout", "raw"],
        "release --layout layers": [*ours, "--layout", "layers"],
    }


def shell_recipe(model: Path) -> str:
    """What teams script today: an archive, checksums, an SBOM by Syft."""
    syft = BIN / "syft"
    return (
        f"tar -C {model.parent} -czf out.tar.gz {model.name} && sha256sum out.tar.gz > out.sha256"
        f" && (cd {model} && find . -type f -exec sha256sum {{}} +) > files.sha256"
        f" && {syft} scan dir:{model} -q -o spdx-json=out.spdx.json"
    )


def report(medians: dict[str, Run], size: int) -> None:
    """The table, and each promise with its measured value."""
    print(f"{size / 1e9:.2f} GB in {SHARDS} shards, {os.cpu_count()} cores, warm cache, medians\n")
    print(f"{'':28}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}{'read GB':>9}{'GB/s':>8}")
    for name, r in medians.items():
        read = f"{r.read / 1e9:9.2f}" if r.read >= 0 else f"{'-':>9}"
        print(f"{name:28}{r.wall:9.2f}{r.cpu:9.2f}{r.peak / 1e6:9.0f}{read}{size / 1e9 / r.wall:8.2f}")
    raw, layers = medians["release --layout raw"], medians["release --layout layers"]
    peer, two = medians["model_signing sign key"], medians["limit: two SHA-256"]
    bound = 1.25 * two.wall + 0.5
    rows = [
        ("raw / model_signing <= 1", raw.wall / peer.wall, raw.wall <= peer.wall),
        (f"layers <= 1.25 x two-digest limit + 0.5 s = {bound:.2f} s", layers.wall, layers.wall <= bound),
        ("peak memory <= 150 MB", max(raw.peak, layers.peak) / 1e6, max(raw.peak, layers.peak) <= 150e6),
    ]
    if "shell recipe (once)" in medians:
        slow = medians["shell recipe (once)"].wall
        rows.append(("shell recipe / layers >= 100", slow / layers.wall, slow >= 100 * layers.wall))
        rows.append(("shell recipe / raw >= 100", slow / raw.wall, slow >= 100 * raw.wall))
    print()
    for text, value, holds in rows:
        print(f"{'holds ' if holds else 'MISSED'}  {text}: {value:.2f}")


def normal_weights(count: int) -> bytes:
    """`count` bytes of bfloat16 numbers around 0 with a deviation of 0.02, the usual start and, near enough, end of training."""
    import numpy as np  # noqa: PLC0415 - heavy, and other benches that take `generate` from here measure memory

    draw = np.random.default_rng()
    numbers = draw.standard_normal(count // 2, dtype=np.float32) * np.float32(0.02)
    return bytes((numbers.view(np.uint32) >> 16).astype("<u2"))


WEIGHTS: dict[str, Callable[[int], bytes]] = {"normal": normal_weights, "random": os.urandom}


def generate(folder: Path, size: int, weights: Callable[[int], bytes]) -> Path:
    """A Llama-like model: `SHARDS` safetensors files of half-precision weights, index, config, card."""
    folder.mkdir(parents=True, exist_ok=True)
    weight_map = {}
    for number in range(1, SHARDS + 1):
        name = f"model-{number:05d}-of-{SHARDS:05d}.safetensors"
        rows = size // SHARDS // 2 // 4096
        header = json.dumps(
            {f"layer.{number}.weight": {"dtype": "BF16", "shape": [rows, 4096], "data_offsets": [0, rows * 8192]}}
        )
        padded = header.encode() + b" " * (-len(header) % 8)
        weight_map[f"layer.{number}.weight"] = name
        with (folder / name).open("wb") as file:
            file.write(struct.pack("<Q", len(padded)) + padded)
            left = rows * 8192
            while left:
                block = weights(min(left, 1 << 24))
                file.write(block)
                left -= len(block)
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama"}))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A generated model\n")
    return folder


def make_keys(base: Path) -> Path:
    """One key, encrypted for us and plain for model_signing; scrypt's cost is ours to bear."""
    env = {**os.environ, "COSIGN_PASSWORD": ""}
    subprocess.run(
        [str(BIN / "model-provenance"), "keygen", "--output", str(base / "release"), "--force"],
        env=env,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    plain = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(base / "plain.pem")]
    subprocess.run(plain, check=True)
    # The same kind of key for both: plain PEM, so that neither pays for a password.
    return base / "plain.pem"


def clean(base: Path) -> None:
    """Remove what the last command wrote."""
    shutil.rmtree(base / "out", ignore_errors=True)
    for name in ("model.sig", "out.tar.gz", "out.sha256", "files.sha256", "out.spdx.json"):
        (base / name).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
