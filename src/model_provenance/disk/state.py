"""Where what must survive from run to run lies: the user's state folder, which no CI job restores from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def state_folder(env: Mapping[str, str]) -> Path | None:
    """`$XDG_STATE_HOME/model-provenance`, or below `~/.local/state`; None where neither is known (XDG base directories)."""
    state, home = env.get("XDG_STATE_HOME"), env.get("HOME")
    if state and Path(state).is_absolute():
        return Path(state) / "model-provenance"
    return Path(home) / ".local/state/model-provenance" if home else None
