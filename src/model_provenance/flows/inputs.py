"""Inputs of a CI job: MODEL_PROVENANCE_* variables, typed. Empty means not given, as CI systems hand it over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no", "")
#: An input is a path, a name or a list of them.
_LIMIT = 64 * 1024


class Inputs:
    """The inputs of one job."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def text(self, name: str) -> str | None:
        """One line, stripped; None when empty."""
        value = self._raw(name).strip()
        if "\n" in value:
            raise _invalid(name, "it holds more than one line")
        return value or None

    def path(self, name: str) -> Path | None:
        """A path relative to the workspace."""
        value = self.text(name)
        return None if value is None else Path(value)

    def required_path(self, name: str) -> Path:
        """A path that must be given."""
        path = self.path(name)
        if path is None:
            raise _invalid(name, "it is missing")
        return path

    def flag(self, name: str) -> bool:
        """`true` or `false`; anything else is an error, so that a typing mistake never turns a switch."""
        value = self._raw(name).strip().lower()
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise _invalid(name, f"it is `{shown(value, 40)}`, not `true` or `false`")

    def choice(self, name: str, choices: Iterable[str], default: str) -> str:
        """One of `choices`."""
        value, known = self.text(name) or default, tuple(choices)
        if value not in known:
            raise _invalid(name, f"it is `{shown(value, 40)}`, none of {', '.join(known)}")
        return value

    def lines(self, name: str) -> tuple[str, ...]:
        """One value a line; empty lines do not count."""
        return tuple(line.strip() for line in self._raw(name).splitlines() if line.strip())

    def _raw(self, name: str) -> str:
        value = self._env.get("MODEL_PROVENANCE_" + name.upper().replace("-", "_"), "")
        if len(value) > _LIMIT:
            raise _invalid(name, f"it is longer than {_LIMIT} characters")
        return value


def _invalid(name: str, why: str) -> ModelProvenanceError:
    return ModelProvenanceError("ci.input", f"the input `{name}` is not valid: {why}")
