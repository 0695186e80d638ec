"""Read leases (fcntl(2), `F_SETLEASE`): nobody has the file open for writing now, and who opens it later is noticed.

A lease is refused while any process has the file open for writing, a writable memory mapping included; that closes the one
gap of comparing times before and after, since a page that is mapped already is written to without a trace. A writer that
comes later waits until the lease is given back, or until the kernel's lease-break-time (45 s) is over.
"""

from __future__ import annotations

import errno
import signal
import sys
from enum import Enum

#: `F_SETSIG` of Linux; Python has no name for it.
_F_SETSIG = 10


class Lease(Enum):
    """The answer to the wish for a lease."""

    TAKEN = "taken"
    #: Somebody has the file open for writing at this moment.
    WRITER = "writer"
    #: Another user's file, or a file system without leases.
    UNAVAILABLE = "unavailable"


def take(descriptor: int) -> Lease:
    """Ask for a read lease on an open file."""
    if sys.platform != "linux":
        return Lease.UNAVAILABLE
    import fcntl  # noqa: PLC0415 - there is none on Windows

    try:
        # The default, SIGIO, ends a process that does not expect it; SIGURG is ignored where nobody asks for it.
        fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return Lease.WRITER if error.errno == errno.EAGAIN else Lease.UNAVAILABLE
    return Lease.TAKEN


def unbroken(descriptor: int) -> bool:
    """True while nobody has opened the file for writing since the lease was taken."""
    import fcntl  # noqa: PLC0415

    return fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_RDLCK


def give_back(descriptor: int) -> None:
    """Let waiting writers go on."""
    import fcntl  # noqa: PLC0415

    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
