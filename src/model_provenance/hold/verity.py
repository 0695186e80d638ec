"""fs-verity (Linux, docs.kernel.org/filesystems/fsverity): a file that can never be written to again.

The kernel checks every page that is read, mapped ones included, against the digest that was fixed when fs-verity was
enabled for the file. Whoever manages the storage enables it (`fsverity enable FILE`); here it is only asked for.
"""

from __future__ import annotations

import struct
import sys

#: `FS_IOC_MEASURE_VERITY`: _IOWR('f', 134, struct fsverity_digest).
_MEASURE = 0xC0046686
_DIGEST_ROOM = 64


def has_verity(descriptor: int) -> bool:
    """True where the kernel measures the file: then its content is fixed for good."""
    if sys.platform != "linux":
        return False
    import fcntl  # noqa: PLC0415 - there is none on Windows

    try:
        fcntl.ioctl(descriptor, _MEASURE, bytearray(struct.pack("=HH", 0, _DIGEST_ROOM) + bytes(_DIGEST_ROOM)))
    except OSError:
        return False
    return True
