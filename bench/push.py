"""`release --push` into a registry that swallows everything, against `oras push`, in one run.

    .venv/bin/python bench/push.py                       # 4 GiB in 4 shards
    .venv/bin/python bench/push.py --gibibytes 16 --sparse --runs 1   # memory at a size that no cache holds

Ours is the whole release: package, SBOMs, manifest, provenance, five signatures, evidence, everything read back. `oras push`
reads twice and does nothing else. All runs are warm unless the files are sparse, interleaved, and given as medians.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from measure import Run, median, run
from release import BIN, PYTHON, generate, make_keys

HERE = Path(__file__).resolve().parent
ORAS = Path.home() / ".cache/model-provenance/interop/oras@v1.3.3/oras"
ORAS_PY = "oras==0.2.43"
_ORAS_PY = """
import sys
from oras.client import OrasClient
host, *files = sys.argv[1:]
OrasClient(insecure=True).push(target=f"{host}/bench/oras-py:1", files=files, disable_path_validation=True)
"""


def main() -> None:
    """Generate, measure, print a table and what the project promises."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gibibytes", type=float, default=4)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sparse", action="store_true", help="weights without blocks on disk: memory at any size")
    parser.add_argument("--folder", type=Path, help="where to generate (default: a temporary folder)")
    arguments = parser.parse_args()
    base = arguments.folder or Path(tempfile.mkdtemp(prefix="model-provenance-bench."))
    try:
        measure(base, int(arguments.gibibytes * 2**30), arguments.runs, sparse=arguments.sparse)
    finally:
        if arguments.folder is None:
            shutil.rmtree(base, ignore_errors=True)


def measure(base: Path, size: int, runs: int, *, sparse: bool) -> None:
    """All commands in turn, each against a registry of its own that is fresh."""
    model = generate(base / "model", 4 * 8192 if sparse else size, os.urandom)
    has_oras_py = not sparse and _install_oras_py(base / "oras-py")
    if sparse:
        for shard in model.glob("*.safetensors"):
            _grow(shard, size // 4)
    key = make_keys(base)
    results: dict[str, list[Run]] = {}
    temporary: dict[str, int] = {}
    for round_ in range(runs + 1):
        for name in ("oras push", "release --layout raw", "release --layout layers", "oras-py push"):
            if name == "oras-py push" and (not has_oras_py or round_ > 1):
                continue
            outcome, left = _once(name, base, model, key)
            if round_ > 0 or runs == 1:
                results.setdefault(name, []).append(outcome)
                temporary[name] = max(temporary.get(name, 0), left)
    report({name: median(each) for name, each in results.items()}, temporary, size)


def _once(name: str, base: Path, model: Path, key: Path) -> tuple[Run, int]:
    """One run, and the most bytes that lay in its temporary folder and its output beside the release itself."""
    scratch = base / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.rmtree(base / "out", ignore_errors=True)
    scratch.mkdir()
    sink = subprocess.Popen([PYTHON, str(HERE / "null_registry.py")], stdout=subprocess.PIPE, text=True)
    try:
        assert sink.stdout is not None
        host = sink.stdout.readline().strip()
        env = {**os.environ, "COSIGN_PASSWORD": "", "TMPDIR": str(scratch)}
        if name == "oras-py push":
            env["PYTHONPATH"] = str(base / "oras-py")
        outcome = run(_command(name, host, base, model, key), cwd=model if name.startswith("oras") else base, env=env)
    finally:
        sink.terminate()
        sink.wait()
    if outcome.status != 0:
        raise SystemExit(f"{name} failed with status {outcome.status}")
    left = sum(path.stat().st_size for path in scratch.rglob("*") if path.is_file())
    left += sum(
        path.stat().st_size for path in (base / "out").rglob("*") if path.is_file() and path.stat().st_size > 1 << 24
    )
    return outcome, left


def _command(name: str, host: str, base: Path, model: Path, key: Path) -> list[str]:
    files = sorted(path.name for path in model.iterdir())
    if name == "oras push":
        return [str(ORAS), "push", "--plain-http", "--no-tty", f"{host}/bench/oras:1", *files]
    if name == "oras-py push":
        return [PYTHON, "-c", _ORAS_PY, host, *files]
    ours = [
        str(BIN / "model-provenance"),
        "release",
        str(model),
        "--name",
        "bench",
        "--version",
        "1.0.0",
        "--key",
        str(key),
    ]
    ours += ["--sbom-engine", "native", "--output", str(base / "out"), "--push", f"{host}/bench/ours:1.0.0"]
    return [*ours, "--layout", name.rpartition(" ")[2]]


def report(medians: dict[str, Run], temporary: dict[str, int], size: int) -> None:
    """The table, and each promise with its measured value."""
    print(f"{size / 2**30:.1f} GiB in 4 shards, {os.cpu_count()} cores, registry in a process of its own, medians\n")
    print(f"{'':28}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}{'read GB':>9}{'temp B':>9}{'GB/s':>8}")
    for name, r in medians.items():
        read = f"{r.read / 1e9:9.2f}" if r.read >= 0 else f"{'-':>9}"
        print(
            f"{name:28}{r.wall:9.2f}{r.cpu:9.2f}{r.peak / 1e6:9.0f}{read}{temporary[name]:9}{size / 1e9 / r.wall:8.2f}"
        )
    raw, layers, oras = medians["release --layout raw"], medians["release --layout layers"], medians["oras push"]
    left = temporary["release --layout raw"] + temporary["release --layout layers"]
    print()
    for text, value, holds in (
        ("raw / oras push < 1", raw.wall / oras.wall, raw.wall < oras.wall),
        ("layers / oras push <= 1.15", layers.wall / oras.wall, layers.wall <= 1.15 * oras.wall),
        ("peak memory <= 150 MB", max(raw.peak, layers.peak) / 1e6, max(raw.peak, layers.peak) <= 150e6),
        ("temporary bytes = 0", left, left == 0),
    ):
        print(f"{'holds ' if holds else 'MISSED'}  {text}: {value:.2f}")


def _grow(shard: Path, size: int) -> None:
    """The same header for a larger tensor, without blocks on disk."""
    rows = size // 8192
    name = f"layer.{int(shard.name.split('-')[1])}.weight"
    header = json.dumps({name: {"dtype": "F16", "shape": [rows, 4096], "data_offsets": [0, rows * 8192]}}).encode()
    header += b" " * (-len(header) % 8)
    with shard.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + rows * 8192)


def _install_oras_py(folder: Path) -> bool:
    """Into a folder of its own: nothing of ours needs it, and it takes a minute less than an environment."""
    uv = [str(BIN / "uv"), "pip", "install", "-q", "--target", str(folder), ORAS_PY]
    installed = subprocess.run(uv, capture_output=True, check=False).returncode == 0
    if not installed:
        print(f"{ORAS_PY} cannot be installed here and is not measured")
    return installed


if __name__ == "__main__":
    main()
