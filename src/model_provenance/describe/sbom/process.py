"""Run a program that may be broken: bounded in time and output, with nothing inherited; then it is really gone."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_CODE = "sbom.syft_failed"
_CHUNK = 64 * 1024
_ERROR_LIMIT = 4096


def run(command: Sequence[str], *, env: Mapping[str, str], folder: Path, seconds: float, limit: int) -> bytes:
    """Standard output of `command`, at most `limit` bytes within `seconds`. Every failure is `sbom.syft_failed`."""
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            cwd=folder,
            # A group of its own, so that what it starts ends with it.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ModelProvenanceError(_CODE, f"Syft cannot be started: {shown(str(error))}") from error
    deadline = time.monotonic() + seconds
    with process:
        try:
            output, errors = _read(process, deadline, seconds, limit)
            status = process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise _too_slow(seconds) from error
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    if status != 0:
        said = shown(errors.decode("utf-8", "replace").strip())
        raise ModelProvenanceError(_CODE, f"Syft ended with status {status}: {said or 'without a word'}")
    return output


def _read(process: subprocess.Popen[bytes], deadline: float, seconds: float, limit: int) -> tuple[bytes, bytes]:
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
                raise _too_slow(seconds)
            for key, _ in ready:
                data = os.read(key.fd, _CHUNK)
                if not data:
                    selector.unregister(key.fileobj)
                elif key.data is output:
                    output += data
                elif len(errors) < _ERROR_LIMIT:
                    errors += data[: _ERROR_LIMIT - len(errors)]
            if len(output) > limit:
                raise ModelProvenanceError(_CODE, f"Syft wrote more than {limit} bytes")
    return bytes(output), bytes(errors)


def _too_slow(seconds: float) -> ModelProvenanceError:
    return ModelProvenanceError(_CODE, f"Syft did not end within {seconds:g} seconds")
