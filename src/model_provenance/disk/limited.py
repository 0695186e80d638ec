"""Started by `process.Runner` as a program of its own: limit this process, then become the one that was asked for.

    python -I -S limited.py SECONDS BYTES PROGRAM ARGUMENT…

Limits are set here rather than between fork and exec, where Python code of a process with threads is not safe.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys


def main() -> None:
    """Take on the limits; where a system has none of memory, those of time are left."""
    seconds, memory, *command = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
    # Of what is written to, not of what is merely reserved: programs made with Go reserve far more than they use.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
    os.execv(command[0], command)  # noqa: S606 - no shell, and a path that the caller chose


if __name__ == "__main__":
    main()
