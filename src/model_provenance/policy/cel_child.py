"""Started by `cel` as a program of its own, within limits: evaluate every rule, or only read it where there is no document.

    python -I cel_child.py FOLDER

Imports nothing of this package, so that nothing but the engine is in this process.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

INPUT, BEGUN = "input.json", "begun"
MISSING = "cel is missing"


def main() -> None:
    """Answer with a pair for each rule: its id, and a boolean or why there is none."""
    try:
        import cel  # noqa: PLC0415 - its absence is an answer
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
