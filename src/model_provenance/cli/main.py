"""The program: a group whose commands are imported only when they are asked for, and the one place that ends it."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from typing import Any

import click

import model_provenance
from model_provenance.domain.text import shown
from model_provenance.errors import Exit, ModelProvenanceError

#: Command -> module of `cli`, one line of help. Read top to bottom: the life of a release.
COMMANDS = {
    "release": "Describe, package and sign a model directory.",
    "verify": "Check a model against its evidence; refuse what does not check out.",
    "exec": "Verify a model, then start a program with the verified files.",
    "policy": "Check policies, explain what one decides, test them.",
    "revoke": "Revoke a model, a dataset or a signer, or reinstate it.",
    "status": "Publish or show a list of what is revoked.",
    "pull": "Fetch a model from a registry, verified before and after.",
    "copy": "Copy a model with its evidence to another repository.",
    "discover": "Show what is attached to a model in a registry.",
    "sign": "Write the OMS signature of a model alone.",
    "inspect": "Say what a model directory holds, without executing any of it.",
    "sbom": "Write the SBOMs of a model directory, unsigned.",
    "manifest": "Work with source manifests.",
    "keygen": "Make a signing key pair.",
    "trust": "Fetch the trust of a private Sigstore from its TUF repository.",
    "doctor": "Say what this environment lacks for a release.",
    "ci": "Run as a CI job: inputs from the environment, summary and outputs to the runner.",
}


class _Group(click.Group):
    """Lists commands without importing them: `--help` must not pay for Sigstore."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"model_provenance.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit statuses and codes: docs/errors.md. Start with `model-provenance release MODEL_DIR --name N --version V`.",
)
@click.version_option(model_provenance.__version__, prog_name="model-provenance")
def group() -> None:
    """Release, describe, sign and verify AI models."""


def main(argv: list[str] | None = None) -> None:
    """Run the program and exit with one of the documented statuses; no traceback reaches a user."""
    # CI runners stop a job with SIGTERM: end as for Ctrl-C, so that what was half-written is removed.
    signal.signal(signal.SIGTERM, _interrupted)
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: list[str]) -> int:
    """Run one command line and return its exit status."""
    as_json = _wants_json(argv)
    try:
        value: Any = group.main(args=argv, prog_name="model-provenance", standalone_mode=False)
        status = int(value) if isinstance(value, int) else int(Exit.OK)
        sys.stdout.flush()
    except ModelProvenanceError as error:
        return _fail(error, as_json=as_json)
    except click.exceptions.Abort:
        return _fail(ModelProvenanceError("usage.interrupted", "interrupted; nothing was written"), as_json=as_json)
    except click.exceptions.NoArgsIsHelpError as error:
        # Nothing was asked for: help is the answer, and still not a success.
        sys.stderr.write(f"{error.format_message()}\n")
        return int(Exit.USAGE)
    except click.ClickException as error:
        return _fail(_usage_error(error), as_json=as_json)
    except KeyboardInterrupt:
        return _fail(ModelProvenanceError("usage.interrupted", "interrupted; nothing was written"), as_json=as_json)
    except (BrokenPipeError, SystemExit):  # click turns EPIPE, and only that, into SystemExit(1)
        # The reader of our output has gone; what could not be said was not heard, so this is not a success.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.SERVICE)
    except MemoryError as error:
        return _fail(_internal(error), as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the last line of defence: an untranslated exception is our defect
        return _fail(_internal(error), as_json=as_json)
    return status


def _interrupted(number: int, frame: object) -> None:  # noqa: ARG001 - a signal handler's signature
    raise KeyboardInterrupt


def _usage_error(error: click.ClickException) -> ModelProvenanceError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "model-provenance"
    return ModelProvenanceError("usage.invalid", error.format_message(), remedy=f"See `{command} --help`.")


def _internal(error: BaseException) -> ModelProvenanceError:
    if os.environ.get("MODEL_PROVENANCE_DEBUG"):
        traceback.print_exception(error)
    return ModelProvenanceError("internal.error", f"{type(error).__name__}: {shown(str(error), 500)}")


def _wants_json(argv: list[str]) -> bool:
    return "--format=json" in argv or any(argv[i : i + 2] == ["--format", "json"] for i in range(len(argv)))


def _fail(error: ModelProvenanceError, *, as_json: bool) -> int:
    """Say what happened, why and what to do; with `--format json` the same as an object on standard output."""
    status = int(error.exit_status)
    if as_json:
        finding = {
            "id": error.code,
            "severity": "error",
            "status": "error",
            "message": error.message,
            "remedy": error.remedy,
            "location": error.location or "",
        }
        # The fields of a verdict (formats/report.py), so that who reads one needs no second way.
        nothing = {"scope": None, "signer": None, "predicate_types": [], "not_checked": ["everything"]}
        print(json.dumps({"result": "ERROR", "exit_status": status, **nothing, "findings": [finding]}, indent=2))
    from model_provenance.report.text import error_text  # noqa: PLC0415 - only when something failed

    sys.stderr.write(error_text(error, colour=sys.stderr.isatty() and "NO_COLOR" not in os.environ))
    return status


if __name__ == "__main__":
    main()
