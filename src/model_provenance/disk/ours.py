"""What tells a folder that a run of ours finished from anybody's: a document in it that says our schema."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from model_provenance.disk.opening import open_file
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import receipt, spool
from model_provenance.formats.canonical import parse_json

_SCHEMAS = {receipt.NAME: receipt.SCHEMA, spool.NAME: spool.SCHEMA}
#: A receipt is a few kilobytes a statement; anything larger is not ours.
_LIMIT = 16 * 1024 * 1024


def own_document(folder: int, name: str) -> dict[str, Any] | None:
    """The receipt or spool `name` in the folder of this descriptor; None unless it is a file that says our schema."""
    try:
        descriptor, _ = open_file(folder, [name.encode()])
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(_LIMIT + 1)
    except OSError:
        return None
    with suppress(ModelProvenanceError):
        value = parse_json(data, what=name, limit=_LIMIT, code="release.output")
        if isinstance(value, dict) and value.get("schema") == _SCHEMAS[name]:
            return value
    return None


def empty_or_ours(folder: int) -> bool:
    """Whether it holds nothing, a release, or one that waits to be signed. Raises OSError."""
    return not os.listdir(folder) or any(own_document(folder, name) is not None for name in _SCHEMAS)
