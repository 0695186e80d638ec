"""Verify before load, against plain loading, the machine's own limit and a peer, in one run.

    make bench                                       # 2.1 GB in 4 shards
    .venv/bin/python bench/load.py --gigabytes 8 --runs 3

Loading is `safetensors.numpy.load_file` of every shard: all tensors in memory. A process loads once without and once with
verification, several times in turns, so that neither pays for the other's imports; whole processes are measured beside it.
The limit is one SHA-256 of every byte on all cores. The peer is `model_signing verify key`, which verifies and hands out nothing.
Files are in the page cache. `cold` is a verification that reads everything, `warm` one with a cache that knows the files.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from measure import Run, median, run
from release import _LIMIT, BIN, PYTHON, SHARDS, generate, make_keys

_INSIDE = """
import hashlib, json, mmap, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from safetensors.numpy import load_file
from model_provenance import load
base, runs = Path(sys.argv[1]), int(sys.argv[2])
model, names = base / 'model', sorted(path.name for path in (base / 'model').glob('*.safetensors'))
expected = dict(evidence=base / 'out', key=base / 'plain.pub', name='bench', version='1.0.0', policy='integrity')
def plain():
    return [load_file(model / name) for name in names]
def verified(**more):
    with load.verified(model, **expected, **more) as held:
        return [held.safetensors(name) for name in names]
def hashed(name):
    with open(model / name, 'rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return hashlib.sha256(view).digest()
def limit():
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(hashed, names))
def nothing():
    with load.verified(model, **expected, cache=base / 'cache') as held:
        return held.digest
warm = lambda: verified(cache=base / 'cache')
kinds = {'plain': plain, 'limit': limit, 'cold': verified, 'warm': warm, 'warm, no load': nothing}
times = {name: [] for name in kinds}
for round_ in range(runs + 1):
    for name, function in kinds.items():
        start = time.perf_counter()
        tensors = function()
        spent = time.perf_counter() - start
        del tensors
        if round_:
            times[name].append(spent)
print(json.dumps(times))
"""
_VERIFIED = """
import sys
from pathlib import Path
from model_provenance import load
base = Path(sys.argv[1])
expected = dict(evidence=base / 'out', key=base / 'plain.pub', name='bench', version='1.0.0', policy='integrity')
with load.verified(base / 'model', **expected, cache=base / 'cache' if len(sys.argv) > 2 else None) as held:
    tensors = [held.safetensors(name) for name in held.files if name.endswith('.safetensors')]
"""
_PLAIN = """
import sys
from safetensors.numpy import load_file
tensors = [load_file(name) for name in sys.argv[1:]]
"""


def main() -> None:
    """Generate, release, measure, print a table and the promises."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=2.1, help="size of the generated model (decimal)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to generate (default: a temporary folder)")
    arguments = parser.parse_args()
    base = arguments.folder or Path(tempfile.mkdtemp(prefix="model-provenance-bench."))
    try:
        measure(base, int(arguments.gigabytes * 10**9), arguments.runs)
    finally:
        if arguments.folder is None:
            shutil.rmtree(base, ignore_errors=True)


def measure(base: Path, size: int, runs: int) -> None:
    """Loads inside one process, then whole processes; the machine's limit among them."""
    model = generate(base / "model", size, os.urandom)
    released(base, model)
    # What was written within the last two seconds is not remembered.
    time.sleep(2.5)
    environment = {**os.environ, "XDG_STATE_HOME": str(base / "state"), "COSIGN_PASSWORD": ""}
    inside = subprocess.run(
        [PYTHON, "-c", _INSIDE, str(base), str(runs)], env=environment, check=True, stdout=subprocess.PIPE
    )
    times: dict[str, list[float]] = json.loads(inside.stdout)
    results: dict[str, list[Run]] = {name: [] for name in contenders(base, model)}
    for round_ in range(runs + 1):
        for name, command in contenders(base, model).items():
            outcome = run(command, cwd=base, env=environment)
            if round_:
                results[name].append(outcome)
    report(times, {name: median(outcomes) for name, outcomes in results.items()}, sum_of(model))


def released(base: Path, model: Path) -> None:
    """A release by a plain key, for us and for the peer."""
    key = make_keys(base)
    public = ["openssl", "ec", "-in", str(key), "-pubout", "-out", str(base / "plain.pub")]
    ours = [str(BIN / "model-provenance"), "release", str(model), "--name", "bench", "--version", "1.0.0"]
    ours += ["--key", str(key), "--sbom-engine", "native", "--output", str(base / "out")]
    theirs = [str(BIN / "model_signing"), "sign", "key", str(model), "--signature", str(base / "model.sig")]
    for command in (public, ours, [*theirs, "--private_key", str(key)]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def contenders(base: Path, model: Path) -> dict[str, list[str]]:
    """Name -> command, each a process of its own."""
    shards = [str(path) for path in sorted(model.glob("*.safetensors"))]
    expected = [
        "--evidence",
        str(base / "out"),
        "--key",
        str(base / "plain.pub"),
        "--name",
        "bench",
        "--version",
        "1.0.0",
    ]
    verify = [str(BIN / "model-provenance"), "verify", str(model), *expected, "--policy", "integrity"]
    execute = [
        str(BIN / "model-provenance"),
        "exec",
        *expected,
        "--policy",
        "integrity",
        "--cache",
        str(base / "cache"),
    ]
    load_ = [PYTHON, "-c", _PLAIN]
    return {
        "limit: one SHA-256": [PYTHON, "-I", "-c", _LIMIT, "1", *shards],
        "model_signing verify key": [
            *(str(BIN / "model_signing"), "verify", "key", str(model)),
            *("--signature", str(base / "model.sig"), "--public_key", str(base / "plain.pub")),
        ],
        "verify": verify,
        "verify --cache (warm)": [*verify, "--cache", str(base / "cache")],
        "plain load": [*load_, *shards],
        "load.verified (cold)": [PYTHON, "-c", _VERIFIED, str(base)],
        "load.verified (warm)": [PYTHON, "-c", _VERIFIED, str(base), "cache"],
        "exec --cache (warm), load": [
            *execute,
            str(model),
            "--",
            *load_,
            *(f"{{file:{Path(s).name}}}" for s in shards),
        ],
    }


def sum_of(model: Path) -> int:
    """Bytes of the model."""
    return sum(path.stat().st_size for path in model.iterdir())


def report(times: dict[str, list[float]], processes: dict[str, Run], size: int) -> None:
    """The table, and each promise with its measured value.

    Differences of a hundredth are asked for, so of the loads inside one process the fastest round counts: it is the one
    that something else on the machine has disturbed least.
    """
    print(
        f"{size / 1e9:.2f} GB in {SHARDS} shards, {os.cpu_count()} cores, page cache; medians of processes, the fastest load\n"
    )
    print(f"{'whole processes':30}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}")
    for name, one in processes.items():
        print(f"{name:30}{one.wall:9.2f}{one.cpu:9.2f}{one.peak / 1e6:9.0f}")
    print(f"\n{'inside one process':30}{'wall s':>9}")
    best = {name: min(seconds) for name, seconds in times.items()}
    for name, seconds in best.items():
        print(f"{name:30}{seconds:9.3f}")
    cold, warm = best["cold"] / (best["plain"] + best["limit"]), best["warm"] / best["plain"]
    cached = processes["verify --cache (warm)"].wall
    peer = processes["model_signing verify key"].wall + processes["plain load"].wall
    ours = processes["load.verified (cold)"].wall
    rows = [
        ("verify --cache (warm) <= 0.3 s, process start included", cached, cached <= 0.3),
        ("cold load / (plain load + one-digest limit) <= 1.05", cold, cold <= 1.05),
        ("warm load / plain load <= 1.03", warm, warm <= 1.03),
        (f"load.verified (cold) <= model_signing verify, then plain load = {peer:.2f} s", ours, ours <= peer),
    ]
    print()
    for text, value, holds in rows:
        print(f"{'holds ' if holds else 'MISSED'}  {text}: {value:.3f}")


if __name__ == "__main__":
    main()
