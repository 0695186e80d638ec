"""Modules of Rego, evaluated by an `opa` of the machine: one that may be trusted, without network, clock or environment."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_provenance.disk.failure import failure
from model_provenance.disk.process import Limits, Runner
from model_provenance.disk.programs import digest, in_ci, is_executable, on_path
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical
from model_provenance.formats.rego import OUTPUT_LIMIT, PACKAGE, RegoAnswer, answer_of, capabilities
from model_provenance.policy.hatches import Module
from model_provenance.policy.outside import Programs, private_folder, scrubbed

SECONDS = 10.0
LIMITS = Limits(processor=10, memory=1024 * 1024 * 1024)
_CODE = "policy.rego"
#: Before ours, so that it is opa that says where it was.
_OWN_SECONDS = 8
_MODULE = ("--capabilities", "capabilities.json", "--data", "module.rego")
#: With 2 it prints errors where an answer would stand.
_STATUSES = (0, 2)


def evaluated(module: Module, document: Mapping[str, Any], programs: Programs) -> RegoAnswer:
    """What the module says about the document. Raises `policy.rego`, `policy.opa_missing`, `policy.opa_unknown`."""
    with private_folder() as folder:
        (folder / "input.json").write_bytes(canonical(document))
        runner, opa = _prepared(module, programs, folder)
        words = (
            "--format",
            "json",
            "--timeout",
            f"{_OWN_SECONDS}s",
            "--strict-builtin-errors",
            "--input",
            "input.json",
        )
        output = runner.run(
            [opa, "eval", *words, *_MODULE, f"data.{PACKAGE}"], seconds=SECONDS, limit=OUTPUT_LIMIT, statuses=_STATUSES
        )
    return answer_of(output)


def refuse_unreadable(module: Module, programs: Programs) -> None:
    """Raises `policy.rego` for a module that does not compile, or asks for what it does not get."""
    with private_folder() as folder:
        runner, opa = _prepared(module, programs, folder)
        command = [opa, "check", "--capabilities", "capabilities.json", "module.rego"]
        runner.run(command, seconds=SECONDS, limit=OUTPUT_LIMIT)


def _prepared(module: Module, programs: Programs, folder: Path) -> tuple[Runner, str]:
    """The module's pinned bytes and what it may use, in the folder; how to run which `opa`."""
    opa = str(_program(module, programs, folder))
    runner = Runner(f"opa, over the module {module.id},", _CODE, scrubbed(folder, programs.env), folder, LIMITS)
    (folder / "module.rego").write_bytes(module.source)
    current = runner.run([opa, "capabilities", "--current"], seconds=SECONDS, limit=8 * OUTPUT_LIMIT)
    (folder / "capabilities.json").write_bytes(capabilities(current))
    return runner, opa


def _program(module: Module, programs: Programs, folder: Path) -> Path:
    """The `opa` that may be run: the given one, else one from PATH; in CI that one only with a digest that the policy names.

    Where the policy names digests no other is run, and it is the copy whose digest was taken that is run.
    """
    found = programs.given
    if found is not None and not is_executable(found):
        raise ModelProvenanceError("policy.opa_missing", f"{shown(str(found))} is not an executable file")
    if found is None:
        found = on_path("opa", programs.env, outside=programs.untrusted)
        if found is None:
            raise ModelProvenanceError(
                "policy.opa_missing", "the policy has a module of Rego, and no opa was found on PATH"
            )
        if in_ci(programs.env) and module.opa is None:
            message = f"{shown(str(found))} is not run in CI, since the policy names no digest that it must have"
            raise ModelProvenanceError("policy.opa_unknown", message)
    if module.opa is None:
        return found.absolute()
    copied = folder / "opa"
    try:
        shutil.copyfile(found, copied)
        copied.chmod(0o700)
    except OSError as error:
        raise failure(error, str(copied), doing="write") from error
    value = digest(copied)
    if value not in {pinned.hex for pinned in module.opa}:
        message = f"{shown(str(found))} has the digest sha256:{value}, which the policy does not name"
        raise ModelProvenanceError("policy.opa_unknown", message)
    return copied
