"""Run a program that may be broken: bounded in time, output and memory, with nothing inherited; then it is really gone."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_CHUNK = 64 * 1024
_ERROR_LIMIT = 4096
_LIMITED = Path(__file__).with_name("limited.py")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the system itself takes from a program that wants more: processor time in seconds, memory in bytes."""

    processor: int
    memory: int


@dataclass(frozen=True, slots=True)
class Runner:
    """How a program is run, and how its failures are told: all of them carry `code` and speak of `name`."""

    name: str
    code: str
    env: Mapping[str, str]
    folder: Path
    limits: Limits | None = None

    def run(self, command: Sequence[str], *, seconds: float, limit: int, statuses: Sequence[int] = (0,)) -> bytes:
        """Standard output of `command`: at most `limit` bytes within `seconds`, ended with one of `statuses`.

        Raises `code` for everything else.
        """
        try:
            process = subprocess.Popen(
                [*self._limited(), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(self.env),
                cwd=self.folder,
                # A group of its own, so that what it starts ends with it.
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise self._failed(f"cannot be started: {shown(str(error))}") from error
        deadline = time.monotonic() + seconds
        with process:
            try:
                output, errors = self._read(process, deadline, seconds, limit)
                status = process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired as error:
                raise self._too_slow(seconds) from error
            finally:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
        # With another status than 0 it must at least have said something.
        if status not in statuses or (status != 0 and not output):
            said = shown(errors.decode("utf-8", "replace").strip())
            raise self._failed(f"ended with status {status}{self._hint(status)}: {said or 'without a word'}")
        return output

    def _limited(self) -> tuple[str, ...]:
        """What is started first: it takes the limits upon itself and becomes the program."""
        if self.limits is None:
            return ()
        numbers = str(self.limits.processor), str(self.limits.memory)
        return (sys.executable, "-I", "-S", str(_LIMITED), *numbers)

    def _read(
        self, process: subprocess.Popen[bytes], deadline: float, seconds: float, limit: int
    ) -> tuple[bytes, bytes]:
        """Both streams until they end; standard error only as far as a message needs it."""
        assert process.stdout is not None  # noqa: S101 - both are PIPE
        assert process.stderr is not None  # noqa: S101
        output, errors = bytearray(), bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, output)
            selector.register(process.stderr, selectors.EVENT_READ, errors)
            while selector.get_map():
                left = deadline - time.monotonic()
                ready = selector.select(left) if left > 0 else []
                if not ready and time.monotonic() >= deadline:
                    raise self._too_slow(seconds)
                for key, _ in ready:
                    data = os.read(key.fd, _CHUNK)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.data is output:
                        output += data
                    elif len(errors) < _ERROR_LIMIT:
                        errors += data[: _ERROR_LIMIT - len(errors)]
                if len(output) > limit:
                    raise self._failed(f"wrote more than {limit} bytes")
        return bytes(output), bytes(errors)

    def _hint(self, status: int) -> str:
        """A program that a limit ended has a signal, and mostly no word about it."""
        ended = self.limits is not None and -status in (signal.SIGXCPU, signal.SIGKILL, signal.SIGABRT)
        return " (it wanted more time or memory than it gets)" if ended else ""

    def _too_slow(self, seconds: float) -> ModelProvenanceError:
        return self._failed(f"did not end within {seconds:g} seconds")

    def _failed(self, what: str) -> ModelProvenanceError:
        return ModelProvenanceError(self.code, f"{self.name} {what}")
