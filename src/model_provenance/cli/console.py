"""What the commands share with a terminal: colours, passwords, progress."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from model_provenance.errors import ModelProvenanceError


def colour() -> bool:
    """Colours only where a person sees them, and never against their wish (no-color.org)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def password() -> bytes:
    """The password of an existing key: COSIGN_PASSWORD, else a prompt where there is a terminal."""
    given = os.environ.get("COSIGN_PASSWORD")
    if given is not None:
        return os.fsencode(given)
    if not sys.stdin.isatty():
        raise ModelProvenanceError("key.password_missing", "the key is encrypted and no password was given")
    return str(click.prompt("Password of the key", hide_input=True, default="", show_default=False, err=True)).encode()


def new_password() -> bytes:
    """The password of a new key, asked twice; an empty one only when COSIGN_PASSWORD is set to nothing on purpose."""
    given = os.environ.get("COSIGN_PASSWORD")
    if given is not None:
        return os.fsencode(given)
    if not sys.stdin.isatty():
        raise ModelProvenanceError(
            "key.password_missing", "a new key needs a password and there is no terminal to ask at"
        )
    text: str = click.prompt("Password for the new key", hide_input=True, confirmation_prompt=True, err=True)
    return text.encode()


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A function `(bytes done now, bytes in all)`: a bar for the person who watches.

    Rich is imported only here.
    """
    from rich.console import Console  # noqa: PLC0415 - 60 ms that only a watched run pays
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, advance=done, total=total)


@contextmanager
def plain_progress() -> Iterator[Callable[[int, int], None]]:
    """A line every ten seconds of long work, for logs that nobody can rewrite."""
    done, next_line = 0, time.monotonic() + 10

    def advance(step: int, total: int) -> None:
        nonlocal done, next_line
        done += step
        if time.monotonic() >= next_line:
            next_line += 10
            sys.stderr.write(f"read {done / 1e9:.1f} of {total / 1e9:.1f} GB\n")

    yield advance
