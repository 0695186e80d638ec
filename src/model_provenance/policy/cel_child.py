"""Started by `cel` as a program of its own, within limits: evaluate every rule, or only read it where there is no document.

    python -I cel_child.py FOLDER

Imports nothing of this package, so that nothing but the engine is in this process.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

INPUT, BEGUN = "input.json", "begun"
MISSING = "cel is missing"


def main() -> None:
    """Answer with a pair for each rule: its id, and a boolean or why there is none."""
    try:
        cel = _engine()
    except ImportError:
        print(json.dumps(MISSING))  # noqa: T201 - standard output is how this program answers
        return
    folder = Path(sys.argv[1])
    asked = json.loads((folder / INPUT).read_text("utf-8"))
    answers = []
    for id_, expression in asked["rules"]:
        (folder / BEGUN).write_text(id_, "utf-8")
        answers.append([id_, _answer(cel, expression, asked["document"])])
    print(json.dumps(answers))  # noqa: T201


def _engine() -> Any:
    """The compiled engine alone: its package brings a command line along, whose import takes longer than any rule."""
    found = importlib.util.find_spec("cel")
    places = () if found is None else found.submodule_search_locations or ()
    for path in (Path(place) / f"cel{suffix}" for place in places for suffix in importlib.machinery.EXTENSION_SUFFIXES):
        spec = importlib.util.spec_from_file_location("cel", path) if path.is_file() else None
        if spec is not None and spec.loader is not None:
            engine = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(engine)
            return engine
    return importlib.import_module("cel")


def _answer(cel: Any, expression: str, document: dict[str, Any] | None) -> bool | str:
    try:
        if document is None:
            cel.compile(expression)
            return True
        value = cel.evaluate(expression, document)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong, the rule has no value
        return f"there is no member {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
    return value if isinstance(value, bool) else f"its value is {type(value).__name__}, neither true nor false"


if __name__ == "__main__":
    main()
