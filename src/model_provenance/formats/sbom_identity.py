"""Names of documents, derived from what they say: equal facts have one name, different facts never share it."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://model-provenance.dev/sbom")


def identity(value: Any) -> str:
    """A version-5 UUID of a JSON value that does not hold its own name yet."""
    data = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return str(uuid.uuid5(_NAMESPACE, hashlib.sha256(data.encode()).hexdigest()))
