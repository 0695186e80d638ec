"""What the operating system says, in the words of our errors."""

from __future__ import annotations

import errno

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_TOO_MANY = frozenset({errno.EMFILE, errno.ENFILE})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def failure(error: OSError, path: str, *, doing: str) -> ModelProvenanceError:
    """Our error for `error`, which happened while `doing` ("read", "write", "list") something with `path`."""
    reason = error.strerror or type(error).__name__
    if error.errno in _FULL:
        code = "machine.disk"
    elif error.errno in _TOO_MANY:
        code = "machine.descriptors"
    elif error.errno in _FORBIDDEN:
        code = "machine.permission"
    else:
        code = "machine.io"
    return ModelProvenanceError(code, f"cannot {doing}: {reason}", location=shown(path, 400))
