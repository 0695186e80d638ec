"""Renew the hash-locked requirement files; universal over the supported Pythons and platforms."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
UV = Path(sys.executable).parent / "uv"
COMMON = [
    *("pip", "compile", "-q", "--upgrade", "--universal", "--python-version", "3.10"),
    *("--generate-hashes", "--no-header", "--no-annotate"),
]


def compile_(target: str, *sources: str) -> None:
    """One locked file from its sources."""
    subprocess.run([str(UV), *COMMON, *sources, "-o", target], check=True, cwd=REQUIREMENTS)


if __name__ == "__main__":
    compile_("uv.txt", "uv.in")
    compile_("runtime.txt", "../distribution/pyproject.toml", "runtime.in")
    compile_("demo.txt", "demo.in", "--no-deps")
    compile_("older-model-signing.txt", "older-model-signing.in")
    compile_("dev.txt", "-c", "runtime.txt", "../distribution/pyproject.toml", "runtime.in", "dev.in")
