"""Real registries on loopback: olareg (referrers API), CNCF distribution v3 and Debian's docker-registry (fallback tag)."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from urllib.error import HTTPError
from urllib.request import urlopen

NAMES = ("olareg", "distribution", "docker-registry")
_CONFIG = """\
version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {folder}}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@dataclass
class RealRegistry:
    """One server; `host` goes before a repository."""

    name: str
    host: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(10)


def start(name: str, folder: Path, tools: ModuleType, *more: str, tls: bool = False) -> RealRegistry | None:
    """The running server; None where its program is not installed."""
    port = _free_port()
    words = _command(name, folder, port, tools)
    if words is None:
        return None
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*words, *(each.replace("PORT", str(port)) for each in more)], stdout=log, stderr=log
        )
    registry = RealRegistry(name, f"127.0.0.1:{port}", process)
    if tls:
        _listening(port)
    else:
        _answering(f"http://{registry.host}/v2/")
    return registry


def _command(name: str, folder: Path, port: int, tools: ModuleType) -> list[str] | None:
    folder.mkdir(parents=True, exist_ok=True)
    if name == "olareg":
        return [
            str(tools.program("olareg")),
            "serve",
            "--addr",
            "127.0.0.1",
            "--port",
            str(port),
            "--dir",
            str(folder / "d"),
        ]
    config = folder / "config.yml"
    config.write_text(_CONFIG.format(folder=folder / "d", port=port))
    program = str(tools.program("distribution")) if name == "distribution" else shutil.which("docker-registry")
    return None if program is None else [program, "serve", str(config)]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _answering(url: str) -> None:
    """A registry that asks for a login answers as well."""
    for _ in range(200):
        try:
            with urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except HTTPError as error:
            error.close()
            if error.code == 401:
                return
            raise
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the registry did not start")


def _listening(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the registry did not start")
