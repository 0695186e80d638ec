"""The other programs, each run as its users run it, with an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent


class Peers:
    """cosign, sigstore-python, sigstore-js and model_signing; every call gives the finished process."""

    def __init__(self, tools: ModuleType, home: Path) -> None:
        self._tools = tools
        self._env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "COSIGN_PASSWORD": "secret"}

    def cosign(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """sigstore-go's verifier and signer."""
        return self._run([str(self._tools.program("cosign")), *words], cwd)

    def sigstore(
        self, *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """sigstore-python's command line."""
        return self._run([str(Path(sys.executable).parent / "sigstore"), *words], cwd, env)

    def model_signing(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """The reference implementation of OMS."""
        return self._run([str(Path(sys.executable).parent / "model_signing"), *words], cwd)

    def older_model_signing(
        self, release: str, *words: str, trust_config: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A release from before 1.1, with another instance, or none, for the public Sigstore that it greets when it starts."""
        python = self._tools.older_model_signing(release) / "env" / "bin" / "python"
        env = {} if trust_config is None else {"CLIENT_TRUST_CONFIG": str(trust_config)}
        return self._run([str(python), "-I", str(HERE / "older_model_signing.py"), *words], None, env)

    def sigstore_js(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """`verify`, `attest` and `attestAction` of sigstore.js."""
        folder = self._tools.sigstore_js()
        node = folder / "node" / "bin" / "node"
        modules = {"NODE_PATH": str(folder / "node_modules")}
        return self._run([str(node), str(HERE / "sigstore.js"), *words], None, {**(env or {}), **modules})

    def _run(
        self, words: list[str], cwd: Path | None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {**self._env, **(env or {})}
        return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120)


def accepted(done: subprocess.CompletedProcess[str]) -> None:
    """The program ended with 0; else the test fails with all that it said."""
    assert done.returncode == 0, f"{' '.join(done.args[:3])} …\n{done.stdout}\n{done.stderr}"


def refused(done: subprocess.CompletedProcess[str]) -> None:
    """The program refused: a status, and no crash."""
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr, done.stderr
