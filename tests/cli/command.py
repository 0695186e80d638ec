"""The program as a person runs it: in this process for speed, in a process of its own where signals and limits matter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from model_provenance.formats.report import SCHEMA
from model_provenance.formats.schema_check import load_schema

SOURCE = Path(__file__).parents[2] / "src"
#: Statuses that `docs/errors.md` documents.
DOCUMENTED = {0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23}


@dataclass(frozen=True)
class Outcome:
    """What a person sees of one run."""

    status: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert self.status in DOCUMENTED, self
        assert self.status != 1, f"a defect of ours: {self}"
        assert "Traceback" not in self.out + self.err, self
        if f'"schema": "{SCHEMA}"' in self.out:
            # Whatever `verify` and `pull` print for programs, in any test, is as the published schema says.
            found = Draft202012Validator(load_schema("verification.v1")).iter_errors(json.loads(self.out))
            assert [error.message for error in found] == [], self

    def refused(self, status: int, code: str, *says: str) -> None:
        """Refused with this status and code, with something to do, and with every one of the words `says`."""
        assert (self.status, f"error {code} " in self.err) == (status, True), self
        assert "\n  fix " in self.err, self
        for words in says:
            assert words in self.err, self
        assert not [c for c in self.err if not c.isprintable() and c != "\n"], self

    def failed(self, status: int, code: str, *says: str) -> None:
        """A verdict with this status and a finding of this code, with something to do, and with the words `says`."""
        assert (self.status, self.out.split(" ")[0]) == (status, "FAIL" if status < 15 else "ERROR"), self
        assert f"failed {code} " in self.out or f"error {code} " in self.out, self
        assert "\n  fix " in self.out, self
        for words in says:
            assert words in self.out, self


Cli = Callable[..., Outcome]


def write_model(folder: Path) -> Path:
    """A small model with weights, configuration, tokenizer and card."""
    folder.mkdir(parents=True)
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(range(16)))
    (folder / "config.json").write_text('{"architectures": ["BertModel"], "model_type": "bert"}')
    (folder / "tokenizer.json").write_text('{"model": {"type": "WordPiece", "vocab": {"a": 0}}}')
    (folder / "README.md").write_text("---\nlicense: apache-2.0\ndatasets: [snli]\n---\n# MiniLM\n")
    return folder


def plain_environment(home: Path) -> dict[str, str]:
    """The environment of a person at a machine: no CI, no identity, no settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "COSIGN_PASSWORD": "",
        "GIT_CEILING_DIRECTORIES": str(home),
    }


def program(
    *words: str | Path, cwd: Path, before: Sequence[str] = (), env: Mapping[str, str] | None = None, **more: Any
) -> subprocess.Popen[str]:
    """Start the program in a process of its own; `before` are words of a program that starts it."""
    # A program that may write little must not leave half a compiled module for the next one.
    python = {"PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {**plain_environment(cwd), **python, **(env or {})}
    command = [*before, sys.executable, "-m", "model_provenance", *map(str, words)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=cwd, env=environment, text=True, **{**pipes, **more})


def ended(process: subprocess.Popen[str]) -> Outcome:
    """What came out of a started program."""
    out, err = process.communicate(timeout=300)
    return Outcome(process.returncode, out, err)


def tree(folder: Path, *, without: Path | None = None) -> dict[str, bytes | None]:
    """Everything below a folder, hidden or not, but what lies in `without`."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if without is None or (path != without and without not in path.parents)
    }
