"""Files that a caller names on the command line: read once, bounded, with errors that name the option."""

from __future__ import annotations

from pathlib import Path

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError


def read_file(path: Path, *, option: str, limit: int) -> bytes:
    """The bytes of a small file given for `option`; missing, unreadable or too large is a usage error."""
    where = shown(str(path), 400)
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise ModelProvenanceError(
            "usage.invalid",
            f"the file for {option} does not exist",
            location=where,
            remedy=f"Check the path after {option}.",
        ) from error
    except IsADirectoryError as error:
        raise ModelProvenanceError(
            "usage.invalid",
            f"{option} takes a file and this is a folder",
            location=where,
            remedy=f"Give {option} a file.",
        ) from error
    except OSError as error:
        raise ModelProvenanceError("machine.permission", f"cannot read: {error.strerror}", location=where) from error
    if len(data) > limit:
        raise ModelProvenanceError(
            "usage.invalid",
            f"the file for {option} is larger than the {limit} bytes that are read",
            location=where,
            remedy=f"Check the path after {option}.",
        )
    return data
