"""What the release action costs before and beside the model: a cold start, and a job with the tool installed, in one run.

    .venv/bin/python bench/action.py

Each run is the action's own script with a small model and a loopback Sigstore, as a hosted runner starts it: a new folder for
temporary files and, cold, no cache of pip or uv, so that every wheel is fetched from the package index. `signed` is the same
job with `install: never`. Medians of whole processes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Run, median, run

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from model_provenance.testing.runner_env import RunnerEnv  # noqa: E402 - from this checkout
from model_provenance.testing.sigstore_sim import SigstoreSim  # noqa: E402

#: Seconds: what the project promises.
COLD, WARM = 8.0, 1.5


def main() -> int:
    """Measure and print; 1 where a promise is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder, SigstoreSim() as sim:
        job = Job(Path(folder), sim)
        medians = {
            "cold: install by hash, inspect, sign": median([job.cold() for _ in range(runs)]),
            "installed: inspect, sign": median([job.installed() for _ in range(runs)]),
        }
    print(f"{os.cpu_count()} cores, {runs} runs each, medians\n")
    print(f"{'':38}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}")
    for name, each in medians.items():
        print(f"{name:38}{each.wall:9.2f}{each.cpu:9.2f}{each.peak / 1e6:9.0f}")
    print()
    missed = 0
    for (name, each), promise in zip(medians.items(), (COLD, WARM), strict=True):
        holds = each.wall <= promise
        missed += not holds
        print(f"{'holds ' if holds else 'MISSED'}  {name.partition(':')[0]} <= {promise} s: {each.wall:.2f}")
    return min(missed, 1)


class Job:
    """One job after another in the same checkout."""

    def __init__(self, base: Path, sim: SigstoreSim) -> None:
        self.base, self.sim, self.count = base, sim, 0
        self.repository = base / "minilm"
        model = self.repository / "model"
        model.mkdir(parents=True)
        header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
        (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
        (model / "README.md").write_text("---\nlicense: apache-2.0\ndatasets: [snli]\n---\n# MiniLM\n")
        (base / "trust.json").write_text(sim.trust_config)
        who = ["-c", "user.name=dev", "-c", "user.email=dev@example.invalid"]
        remote = ["remote", "add", "origin", "https://github.com/acme/minilm.git"]
        for words in (["init", "-q", "-b", "main"], remote, ["add", "-A"], [*who, "commit", "-q", "-m", "A model"]):
            subprocess.run(["git", *words], cwd=self.repository, check=True)
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=self.repository, check=True, capture_output=True)
        self.sha = head.stdout.decode().strip()

    def cold(self) -> Run:
        """Nothing is there but Python."""
        return self._run(MODEL_PROVENANCE_INSTALL="fresh")

    def installed(self) -> Run:
        """`install: never` with the executable of this checkout."""
        tool = Path(sys.executable).parent / "model-provenance"
        return self._run(MODEL_PROVENANCE_INSTALL="never", MODEL_PROVENANCE_TOOL_PATH=str(tool))

    def _run(self, **inputs: str) -> Run:
        self.count += 1
        runner = self.base / f"runner-{self.count}"
        variables = {"GITHUB_WORKSPACE": str(self.repository)}
        job = dict(RunnerEnv.github(self.sim, directory=runner, sha=self.sha, variables=variables))
        given = {"MODEL": "model", "TRUST_CONFIG": str(self.base / "trust.json"), "SBOM_ENGINE": "native"}
        given |= {"VERSION": f"1.0.{self.count}", "CHECK_RUN": "never"}
        job |= {f"MODEL_PROVENANCE_{name}": value for name, value in given.items()} | inputs
        # Where the index is and whom to trust is the machine's; its caches are not.
        job |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))}
        job["XDG_CACHE_HOME"] = str(runner / "cache")
        return run([str(ROOT / "tools/ci.sh"), "release"], cwd=self.repository, env=job)


if __name__ == "__main__":
    sys.exit(main())
