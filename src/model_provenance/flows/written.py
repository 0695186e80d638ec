"""Inputs of a job that stand in a file: what is written there decides, and no variable of the same name.

Variables of a GitLab job may be set by whoever starts the pipeline, by the project, its groups, and by earlier jobs, and all
of these outrank what the included job says of itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.files import read_file

_LIMIT = 256 * 1024
_PREFIX = "MODEL_PROVENANCE_"
#: As GitLab writes variables in its files: `$NAME`, `${NAME}`, and `$$` for a dollar sign.
_VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_][A-Za-z0-9_]*)|\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<dollar>\$))")


@dataclass(frozen=True, slots=True)
class WrittenInputs:
    """A file of `name=value` lines, and the names that the job takes."""

    path: Path
    names: frozenset[str]

    def over(self, env: Mapping[str, str]) -> dict[str, str]:
        """`env` with the inputs of the file, and with no other `MODEL_PROVENANCE_` variable.

        A value may name variables of the job (`$CI_COMMIT_TAG`): then it is what they say, by the wish of who wrote it.
        """
        plain = {name: value for name, value in env.items() if not name.startswith(_PREFIX)}
        values = {name: _expanded(name, value, env) for name, value in self._read().items()}
        return plain | {_PREFIX + name.upper().replace("-", "_"): value for name, value in values.items()}

    def _read(self) -> dict[str, str]:
        data = read_file(self.path, option="--inputs", limit=_LIMIT)
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise _invalid("the file of inputs is not UTF-8") from error
        if not text.endswith("\n"):
            raise _invalid("the file of inputs ends in the middle of a line")
        found: dict[str, str] = {}
        for line in text.removesuffix("\n").split("\n"):
            name, separator, value = line.partition("=")
            if not separator:
                raise _invalid(f"`{shown(line, 40)}` in the file of inputs is no `name=value`")
            if name not in self.names:
                # What an older program leaves out in silence may be what the gate hangs on.
                raise _invalid(
                    f"this version of the tool has no input `{shown(name, 40)}`",
                    "Give template and `tool-ref` the same version; with `install: never`, renew the tool of the image.",
                )
            if name in found:
                raise _invalid(f"the input `{name}` stands twice in the file of inputs")
            found[name] = value
        return found


def _expanded(name: str, value: str, env: Mapping[str, str]) -> str:
    """The value with its variables put in, once: what they hold is not looked through for more."""

    def replaced(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        variable = found["plain"] or found["braced"]
        if not env.get(variable):
            # An expectation that became empty would be one that is not checked.
            raise _invalid(
                f"the input `{name}` names the variable {variable}, which this job does not have or which is empty",
                f"Set {variable} for this job, write the value itself, or leave the input out; `$$` is a dollar sign.",
            )
        return env[variable]

    return _VARIABLE.sub(replaced, value)


def _invalid(why: str, remedy: str | None = None) -> ModelProvenanceError:
    return ModelProvenanceError("ci.input", why, remedy=remedy)
