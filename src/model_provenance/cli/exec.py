"""`exec`: verify, then become the program that serves the model, with the verified files open."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from model_provenance.cli.console import plain_progress, progress
from model_provenance.cli.decorate import options
from model_provenance.cli.expected import SCHEME, verify_request
from model_provenance.cli.status_options import seconds_of
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

if TYPE_CHECKING:
    from model_provenance.flows.held import Held
    from model_provenance.flows.load import LoadRequest

_PLACE = re.compile(r"\{dir\}|\{file:([^{}]+)\}")
#: What the program finds in its environment.
_GIVEN = "MODEL_PROVENANCE_LOADED_"


@click.command(
    "exec",
    short_help="Verify a model, then start a program with the verified files.",
    context_settings={"allow_interspersed_args": False},
)
@click.argument("target", metavar="TARGET", type=str)
@click.argument("words", metavar="-- CMD…", nargs=-1, required=True, type=click.UNPROCESSED)
@options("exec", required=("policy",))
def command(target: str, words: tuple[str, ...], **given: Any) -> int:
    """Verify TARGET as `verify` does, under a policy; then become CMD, with the verified files open.

    In CMD, {dir} is a private folder with the verified files and {file:NAME} one of them. Both lead to the open files that
    were hashed, whatever lies under their names later; --memory and --toctou say how well they are protected from being
    written to. CMD finds MODEL_PROVENANCE_LOADED_DIR, _RESULT, _DIGEST and _TOCTOU in its environment.

    Options stand before TARGET. What does not verify ends with the status of `verify`, and nothing is started.

    Example: model-provenance exec --policy policy.yaml --evidence dist/minilm-1.0.0 model/ -- llama-server -m {dir}/model.gguf
    """
    program = _program(words, target)
    request = _request(target, given)
    from model_provenance.flows.load import RefusedError, hold  # noqa: PLC0415 - loaded when used
    from model_provenance.report.text import report_text  # noqa: PLC0415

    start = time.perf_counter()
    shown_progress = progress("reading") if sys.stderr.isatty() else plain_progress()
    try:
        with shown_progress as advance:
            held = hold(request, advance)
    except RefusedError as error:
        seconds = time.perf_counter() - start
        click.echo(report_text(error.report, target=target, colour=False, seconds=seconds), nl=False, err=True)
        click.echo(f"\nNothing was started: {shown(program[0])}", err=True)
        return error.report.exit_status
    try:
        _say(held, request, target, time.perf_counter() - start)
        _become(held, program)
    finally:
        held.close()


def _program(words: Sequence[str], target: str) -> list[str]:
    """CMD; refused before anything is read if it cannot be started, or opens the model by its name."""
    if words[0] != "--" or len(words) == 1:
        raise ModelProvenanceError(
            "usage.invalid",
            "the program to start stands behind `--`, and options before the target",
            remedy="model-provenance exec OPTIONS TARGET -- CMD…",
        )
    if target.startswith(SCHEME):
        raise ModelProvenanceError(
            "load.target", "a model in a registry has no files to open", location=shown(target, 400)
        )
    program = list(words[1:])
    if shutil.which(program[0]) is None:
        raise ModelProvenanceError("load.command", f"there is no program {shown(program[0])} to start")
    model = Path(os.path.realpath(target))
    for word in [shutil.which(program[0]) or "", *program[1:]]:
        for part in {word, word.partition("=")[2]} - {""}:
            place = Path(os.path.realpath(part))
            if not _PLACE.search(part) and (place == model or model in place.parents):
                raise ModelProvenanceError(
                    "load.name", f"{shown(word)} is opened by its name, and not what was verified"
                )
    return program


def _request(target: str, given: dict[str, Any]) -> LoadRequest:
    from model_provenance.flows.load import BYPASS, LoadRequest, protection  # noqa: PLC0415 - loaded when used

    return LoadRequest(
        verify_request(target, given),
        memory=given["memory"],
        at_least=protection(given["toctou"]),
        status_grace=0 if given["status_grace"] == "none" else seconds_of(given["status_grace"]),
        receipt=given["receipt"],
        bypass=os.environ.get(BYPASS) or None,
    )


def _say(held: Held, request: LoadRequest, target: str, seconds: float) -> None:
    from model_provenance.domain.holding import TOCTOU_MEANING  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.load import BYPASS  # noqa: PLC0415
    from model_provenance.report.text import error_text, report_text  # noqa: PLC0415

    if held.report is not None:
        click.echo(report_text(held.report, target=target, colour=False, seconds=seconds), nl=False, err=True)
    elif held.problem is not None:
        click.echo(error_text(held.problem, colour=False), nl=False, err=True)
    if held.bypassed:
        click.echo(f"\nBYPASSED {shown(target, 400)}: it is started although it was not verified", err=True)
        click.echo(f"  {BYPASS} says: {shown(request.bypass or '', 400)}", err=True)
    click.echo(f"  toctou   {held.toctou.value}: {TOCTOU_MEANING[held.toctou]}", err=True)


def _become(held: Held, program: list[str]) -> NoReturn:
    """Does not return: the program takes this process's place, and inherits the open files."""
    needs_folder = any("{dir}" in word for word in program) or not any(_PLACE.search(word) for word in program)
    folder = str(held.directory()) if needs_folder else ""

    def place(match: re.Match[str]) -> str:
        return folder if match[1] is None else held.path(match[1])

    words = [program[0], *(_PLACE.sub(place, word) for word in program[1:])]
    digest = None if held.report is None or held.report.verified is None else held.report.verified.model_digest
    given = {"DIR": folder, "RESULT": held.result.value, "DIGEST": str(digest or ""), "TOCTOU": held.toctou.value}
    held.hand_over()
    # Python ignores these, and what is ignored stays so in the program that comes next.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    sys.stdout.flush()
    sys.stderr.flush()
    environment = {**os.environ, **{_GIVEN + name: value for name, value in given.items()}}
    try:
        os.execvpe(words[0], words, environment)  # noqa: S606 - a program of the caller's, without a shell
    except OSError as error:
        message = f"{shown(words[0])} cannot be started: {error.strerror}"
        raise ModelProvenanceError("load.command", message) from error
