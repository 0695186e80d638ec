"""CEL rules, evaluated by a process of their own: expressions may loop, and what loops is ended."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from model_provenance.disk.process import Limits, Runner
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical, parse_json
from model_provenance.policy import cel_child
from model_provenance.policy.hatches import Rule
from model_provenance.policy.outside import private_folder, scrubbed

SECONDS = 10.0
LIMITS = Limits(processor=5, memory=512 * 1024 * 1024)
_OUTPUT_LIMIT = 256 * 1024
_CODE = "policy.rule"


def evaluated(rules: Sequence[Rule], document: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, bool | str]:
    """By id: true, false, or in words why it is neither. Raises `policy.rule`, `policy.cel_missing` where none is known."""
    return {
        id: found if isinstance(found, bool) else str(found) for id, found in _answers(rules, document, env).items()
    }


def compiled(rules: Sequence[Rule], env: Mapping[str, str]) -> dict[str, str]:
    """By id, why an expression cannot be read; empty where all can."""
    return {id: str(found) for id, found in _answers(rules, None, env).items() if found is not True}


def _answers(
    rules: Sequence[Rule], document: Mapping[str, Any] | None, env: Mapping[str, str]
) -> dict[str, bool | str]:
    asked = {"rules": [[rule.id, rule.expression] for rule in rules], "document": document}
    with private_folder() as folder:
        (folder / cel_child.INPUT).write_bytes(_written(asked))
        command = [sys.executable, "-I", str(Path(cel_child.__file__)), str(folder)]
        runner = Runner("the evaluation of the CEL rules", _CODE, scrubbed(folder, env), folder, LIMITS)
        try:
            output = runner.run(command, seconds=SECONDS, limit=_OUTPUT_LIMIT)
        except ModelProvenanceError as error:
            # What is being evaluated stands in a file: whoever wrote ten rules wants to know which one it was.
            raise ModelProvenanceError(_CODE, f"{_begun(folder, rules)}{error.message}") from error
    return _checked(output, rules)


def _written(asked: Mapping[str, Any]) -> bytes:
    try:
        return canonical(asked)
    except ModelProvenanceError as error:
        raise ModelProvenanceError(_CODE, f"the verification cannot be handed to a rule: {error.message}") from error


def _begun(folder: Path, rules: Sequence[Rule]) -> str:
    try:
        said = (folder / cel_child.BEGUN).read_text("utf-8")
    except (OSError, ValueError):
        return ""
    return next((f"at the rule {rule.id}: " for rule in rules if rule.id == said), "")


def _checked(output: bytes, rules: Sequence[Rule]) -> dict[str, bool | str]:
    """The answers, one to each rule that was asked about; anything else is no answer at all."""
    value = parse_json(output, what="the answer about the CEL rules", limit=_OUTPUT_LIMIT, code=_CODE)
    if value == cel_child.MISSING:
        message = "CEL rules need the package common-expression-language, which is not installed"
        raise ModelProvenanceError("policy.cel_missing", message)
    if not isinstance(value, list) or len(value) != len(rules):
        raise ModelProvenanceError(_CODE, "not every CEL rule was answered")
    answers: dict[str, bool | str] = {}
    for rule, pair in zip(rules, value, strict=True):
        if not isinstance(pair, list) or len(pair) != 2 or pair[0] != rule.id or not isinstance(pair[1], (bool, str)):  # noqa: PLR2004 - a pair
            raise ModelProvenanceError(_CODE, "the answer about the CEL rules is about something else")
        answers[rule.id] = pair[1] if isinstance(pair[1], bool) else shown(pair[1], 300)
    return answers
