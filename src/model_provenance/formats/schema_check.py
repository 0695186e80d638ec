"""JSON Schema (Draft 2020-12) with our forms of text as a keyword, and findings that a person can act on.

jsonschema takes 0.1 s to import, so it is imported by the first check, not with this module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from model_provenance.domain.text import shown
from model_provenance.formats.lean_jsonschema import lean_jsonschema
from model_provenance.formats.manifest_forms import FORMS

#: More findings than a person reads; a hostile file could make millions.
FINDINGS_LIMIT = 100
_KEY_LIMIT = 80
#: What people write for a key of ours, beside misspellings.
_OTHER_WORDS = {
    "base": "fine_tuned_from",
    "basemodel": "fine_tuned_from",
    "checksum": "digest",
    "commit": "training_commit",
    "container": "training_container_digest",
    "hash": "digest",
    "id": "name",
    "name": "model_name",
    "sha256": "digest",
}
_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "nothing (null)",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}


class SchemaProblem(NamedTuple):
    """One thing that is wrong at `path`; `key` says that the key itself is meant, not its value."""

    path: tuple[str | int, ...]
    key: bool
    code: str
    message: str
    remedy: str = ""


def schema_problems(value: Any, schema: str) -> list[SchemaProblem]:
    """What `formats/schemas/<schema>.json` and its forms find wrong with `value`, at most `FINDINGS_LIMIT`."""
    problems: list[SchemaProblem] = []
    for error in _validator(schema).iter_errors(value):
        for problem in _explained(error):
            if len(problems) == FINDINGS_LIMIT:
                return problems
            problems.append(problem)
    return problems


def load_schema(schema: str) -> dict[str, Any]:
    """The schema document `formats/schemas/<schema>.json`."""
    text = files("model_provenance.formats").joinpath("schemas").joinpath(f"{schema}.json").read_bytes()
    value: dict[str, Any] = json.loads(text)
    return value


@lru_cache(maxsize=4)
def _validator(schema: str) -> Any:
    validators, exceptions = lean_jsonschema()

    def x_form(_validator: Any, form: str, instance: Any, _schema: Any) -> Iterator[Exception]:
        problem = FORMS[form](instance) if isinstance(instance, str) else None
        if problem is not None:
            yield exceptions.ValidationError("\0".join(problem))

    def pattern(_validator: Any, expression: str, instance: Any, schema: Any) -> Iterator[Exception]:
        # Python's `$` also matches before a final newline; our patterns are anchored (a test holds that), so the whole
        # text has to match. Where there is a form, the form says more.
        if isinstance(instance, str) and "x-form" not in schema and not re.fullmatch(expression, instance):
            yield exceptions.ValidationError("")

    def required(_validator: Any, names: list[str], instance: Any, _schema: Any) -> Iterator[Exception]:
        # jsonschema reports each missing key by itself; people want them in one line.
        missing = [name for name in names if name not in instance] if isinstance(instance, dict) else []
        if missing:
            yield exceptions.ValidationError(", ".join(f"`{name}`" for name in missing))

    keywords = {"x-form": x_form, "pattern": pattern, "required": required}
    return validators.extend(validators.Draft202012Validator, keywords)(load_schema(schema))


def _explained(error: Any) -> Iterator[SchemaProblem]:
    path, keyword, schema, instance = tuple(error.absolute_path), error.validator, error.schema, error.instance
    where = _where(path)
    if keyword == "additionalProperties":
        yield from _unknown_keys(path, where, instance, schema)
    elif keyword == "required":
        yield SchemaProblem(path, False, "manifest.missing_key", f"{where} lacks {error.message}")
    elif keyword == "x-form":
        code, message, remedy = error.message.split("\0")
        yield SchemaProblem(path, False, code, f"{where}: {message}", remedy)
    elif keyword == "type":
        yield _wrong_type(path, where, instance, schema["type"])
    else:
        yield SchemaProblem(
            path, False, "manifest.value", f"{where} {_limit(keyword, error.validator_value, instance)}"
        )


def _unknown_keys(
    path: tuple[str | int, ...], where: str, instance: Mapping[str, Any], schema: Mapping[str, Any]
) -> Iterator[SchemaProblem]:
    known = schema.get("properties", {})
    for key in instance:
        if key not in known:
            meant = _meant(key, list(known))
            remedy = f"Did you mean `{meant}`?" if meant else "The keys here are: " + ", ".join(known) + "."
            message = f"{where} has no key `{shown(key, _KEY_LIMIT)}`"
            yield SchemaProblem((*path, key), True, "manifest.unknown_key", message, remedy)


def _meant(key: str, known: list[str]) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - only for a misspelling

    plain = re.sub(r"[-_ ]", "", key[:_KEY_LIMIT]).lower()
    other = _OTHER_WORDS.get(plain)
    if other in known:
        return other
    spellings = {name.replace("_", ""): name for name in known}
    close = get_close_matches(plain, list(spellings), 1)
    return spellings[close[0]] if close else None


def _wrong_type(path: tuple[str | int, ...], where: str, instance: Any, expected: str | list[str]) -> SchemaProblem:
    names = [expected] if isinstance(expected, str) else expected
    wanted = " or ".join(_TYPES[name] for name in names)
    remedy = ""
    if "string" in names and isinstance(instance, (int, float)):
        remedy = "Put it in quotes."
    elif "array" in names:
        remedy = "Write a list, also for a single entry."
    message = f"{where} is {_type_of(instance)} and should be {wanted}"
    return SchemaProblem(path, False, "manifest.type", message, remedy)


def _type_of(value: Any) -> str:
    kinds = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"))
    return _TYPES[next((name for kind, name in kinds if isinstance(value, kind)), "null")]


def _limit(keyword: str, limit: Any, instance: Any) -> str:
    if keyword == "enum":
        return "is not one of " + ", ".join(f"`{choice}`" for choice in limit)
    if keyword == "const":
        return f"is not `{limit}`"
    if keyword in ("minLength", "minItems") and not instance:
        return "is empty"
    if keyword in ("maxLength", "maxItems", "maxProperties"):
        return f"is longer than {limit}"
    if keyword in ("minLength", "minItems"):
        return f"is shorter than {limit}"
    if keyword in ("minimum", "maximum"):
        return f"is {'less' if keyword == 'minimum' else 'more'} than {limit}"
    return "lists something twice" if keyword == "uniqueItems" else "does not have the right form"


def _where(path: tuple[str | int, ...]) -> str:
    """`datasets[2].digest` in backquotes; the document itself has a name of its own."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{shown(part, _KEY_LIMIT)}"
    return f"`{text.removeprefix('.')}`" if text else "the manifest"
