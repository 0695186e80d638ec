"""The program `model-provenance-hook NAME [FILES...]`: one line a finding, silence when there is none.

0: nothing found. 1: something found, or fixed. Anything else: the check could not be made (docs/errors.md).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Sequence

from model_provenance.domain.text import shown
from model_provenance.errors import Exit, ModelProvenanceError
from model_provenance.hooks.found import Found

_MODULES = {
    "model-manifest": "model_manifest",
    "model-manifest-fresh": "manifest_fresh",
    "model-sbom-fresh": "sbom_fresh",
    "no-executable-pickle": "executable_pickle",
    "large-file-needs-checksum": "large_file",
    "lfs-pointer-intact": "lfs_pointer",
}


def main() -> None:
    """Run the hook that the first argument names."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one hook and return the status."""
    name = arguments[0] if arguments else ""
    if name not in _MODULES:
        sys.stderr.write(f"usage: model-provenance-hook NAME [FILES...]\nNAME is one of {', '.join(_MODULES)}\n")
        return int(Exit.USAGE)
    try:
        module = importlib.import_module(f"model_provenance.hooks.{_MODULES[name]}")
        findings: Iterable[Found] = module.check(arguments[1:])
        lines = sorted(f"{shown(path, 1000)}: {shown(message, 4000)}" for path, message in findings)
    except ModelProvenanceError as error:
        sys.stderr.write(f"error: {error}\n{error.remedy}\n")
        return int(error.exit_status)
    except OSError as error:
        sys.stderr.write(f"error: {shown(str(error.filename or ''))}: {error.strerror}\n")
        return int(Exit.SERVICE)
    for line in lines:
        print(line)  # noqa: T201 - the answer
    return 1 if lines else 0
