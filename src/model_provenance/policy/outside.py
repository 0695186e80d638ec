"""What rules in other languages are run with: the document that they look at, and the programs of this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from model_provenance.domain.text import shown
from model_provenance.domain.verification import Report
from model_provenance.errors import ModelProvenanceError


@dataclass(frozen=True, slots=True)
class Programs:
    """Where an `opa` may come from: `given` is `--opa`; else the PATH of `env`, but for what lies in `untrusted`."""

    env: Mapping[str, str] = field(default_factory=dict)
    given: Path | None = None
    #: What is decided about, its evidence, and where the command was started.
    untrusted: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Outside:
    """The verification as `verify --format json` prints it is what rules look at; `programs` may evaluate them."""

    report: Report
    programs: Programs


@contextmanager
def private_folder() -> Iterator[Path]:
    """Where rules are evaluated: nobody else writes there, and no configuration lies there."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="model-provenance-rules-", ignore_cleanup_errors=True)
    except OSError as error:
        message = f"there is no place for temporary files: {shown(str(error))}"
        raise ModelProvenanceError("policy.undecided", message) from error
    with folder as name:
        yield Path(name)


def scrubbed(folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Nothing of this process's environment: tokens and proxies are nothing that a rule may see or use.

    But for where a Python that is built with a shared library finds it; it was found there for this process, too.
    """
    own = {"HOME": str(folder), "TMPDIR": str(folder), "XDG_CONFIG_HOME": str(folder), "PATH": "", "LC_ALL": "C.UTF-8"}
    return own | {name: env[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in env}
