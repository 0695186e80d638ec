"""jsonschema without its optional checkers of `format`, which our schemas do not use.

They are imported with jsonschema wherever they happen to be installed (Jupyter brings them), and one of them compiles a
grammar for a whole second: ten times what a check of a manifest takes.
"""

from __future__ import annotations

import importlib
import sys
from functools import lru_cache
from typing import Any, NamedTuple

_OPTIONAL = (
    "fqdn",
    "isoduration",
    "jsonpointer",
    "rfc3339_validator",
    "rfc3986_validator",
    "rfc3987",
    "rfc3987_syntax",
    "uri_template",
    "webcolors",
)


class Lean(NamedTuple):
    """The two modules of jsonschema that a validator of ours is made of."""

    validators: Any
    exceptions: Any


@lru_cache(maxsize=1)
def lean_jsonschema() -> Lean:
    """Import jsonschema; where nobody has yet, a copy of our own without the optional checkers.

    That copy leaves `sys.modules` again: a program that imports us and then jsonschema must get all of its checks.
    """
    if "jsonschema" in sys.modules:
        return _modules()
    absent: dict[str, Any] = {name: None for name in _OPTIONAL if name not in sys.modules}
    # None makes the import system raise ModuleNotFoundError, which jsonschema takes for "not installed".
    sys.modules.update(absent)
    try:
        return _modules()
    finally:
        for name in [n for n in sys.modules if n in absent or n == "jsonschema" or n.startswith("jsonschema.")]:
            del sys.modules[name]


def _modules() -> Lean:
    return Lean(importlib.import_module("jsonschema.validators"), importlib.import_module("jsonschema.exceptions"))
