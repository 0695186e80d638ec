"""What a hook answers with."""

from __future__ import annotations

from typing import NamedTuple


class Found(NamedTuple):
    """One finding: a path, perhaps with line and column, and one sentence."""

    path: str
    message: str
