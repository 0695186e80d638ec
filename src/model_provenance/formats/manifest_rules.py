"""Rules of a manifest that a schema cannot express: about all texts, and about how values stand to each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from model_provenance.domain.names import ModelName, Version, release_stem
from model_provenance.domain.text import shown
from model_provenance.formats import evaluations
from model_provenance.formats.located import WrittenNumber
from model_provenance.formats.manifest_forms import dataset_name, line, moment, secret
from model_provenance.formats.schema_check import SchemaProblem

#: Control characters except tab and newline, lone surrogates, and what turns the direction of a text: shown in a
#: terminal or a log they would say something else than what is signed (CVE-2021-42574).
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: What SPDX and people write where nobody is known.
_NO_NAMES = frozenset({"", "-", "N/A", "NOASSERTION", "NONE", "NULL", "UNKNOWN"})
_ARCHIVES = ("tar", "tar.gz", "tar.zst")


def text_problems(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[SchemaProblem]:
    """Texts and keys anywhere that cannot be shown or encoded safely; the loader of `value` has bounded its depth."""
    if isinstance(value, str):
        match = _UNSAFE.search(value)
        if match:
            message = f"a text holds the character U+{ord(match[0]):04X}"
            yield SchemaProblem(path, False, "manifest.text", message)
    elif isinstance(value, dict):
        for key, child in value.items():
            match = _UNSAFE.search(key)
            if match:
                message = f"the key `{shown(key, 80)}` holds the character U+{ord(match[0]):04X}"
                yield SchemaProblem((*path, key), True, "manifest.text", message)
            yield from text_problems(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from text_problems(child, (*path, index))


def float_problems(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[SchemaProblem]:
    """Numbers with a fraction, which a released manifest never holds (JSON Schema counts 1.0 as an integer)."""
    if isinstance(value, float):
        yield SchemaProblem(path, False, "manifest.number", "a number has a fraction or an exponent")
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from float_problems(child, (*path, key))


def relation_problems(value: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    """Entries that exclude each other. Values of the wrong type are the schema's to report."""
    yield from _twice(value, "datasets", "name", "manifest.dataset_twice")
    yield from _twice(value, "sboms", "name", "manifest.value")
    yield from _dataset_names(value)
    yield from _base_names(value)
    yield from _nobody(value)
    yield from _released_before_built(value)
    if "fine_tuned_from" in value and "merged_from" in value:
        message = (
            "`merged_from` stands beside `fine_tuned_from`: a model was made from one model or merged from several"
        )
        yield SchemaProblem(("merged_from",), True, "manifest.value", message)
    yield from _evaluations(value, evaluations.problems)


def _evaluations(
    value: Mapping[str, Any], rule: Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]
) -> Iterator[SchemaProblem]:
    """What a rule of `formats.evaluations` says of each test. Entries without a name are the schema's to report."""
    tests = plain(value.get("tests"))
    for index, test in enumerate(tests if isinstance(tests, list) else ()):
        if isinstance(test, dict) and isinstance(test.get("name"), str):
            for key, why in rule(test):
                yield SchemaProblem(
                    ("tests", index, key), False, "manifest.value", f"`{shown(test['name'], 80)}`: {why}"
                )


def released_problems(value: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    """How the fields of a released manifest depend on each other; `value` is valid against the schema."""
    if value["sbom"] not in {entry["name"] for entry in value["sboms"]}:
        yield SchemaProblem(("sbom",), False, "manifest.value", "`sbom` is not one of `sboms`")
    expected = artifact_name(ModelName(value["model_name"]), Version(value["version"]), value["layout"])
    if value["artifact"] != expected:
        yield SchemaProblem(("artifact",), False, "manifest.value", f"`artifact` is not `{expected}`")
    for key in value:
        if key not in ("schema", "known", "tool") and value["known"].get(key, "unknown") == "unknown":
            yield SchemaProblem(("known",), False, "manifest.value", f"`known` does not say how `{key}` is known")
    yield from _evaluations(value, evaluations.released_problems)


def artifact_name(name: ModelName, version: Version, layout: str) -> str:
    """File name of the archive, or `NAME:VERSION` of an OCI layout, with `-` for each `/`."""
    return f"{release_stem(name, version)}.{layout}" if layout in _ARCHIVES else f"{name.file_stem}:{version}"


def plain(value: Any) -> Any:
    """The same values with each written number as its text: what a released manifest holds."""
    if isinstance(value, WrittenNumber):
        return value.text
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    return [plain(child) for child in value] if isinstance(value, list) else value


def _dataset_names(value: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    """What `text_problems` and the schema leave to a name."""
    datasets = value.get("datasets")
    for index, entry in enumerate(datasets if isinstance(datasets, list) else ()):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or _UNSAFE.search(name) or line(name) is not None:
            continue  # reported there
        if (fault := dataset_name(name)) is not None:
            yield SchemaProblem(("datasets", index, "name"), False, fault.code, fault.message, fault.remedy)


def _base_names(value: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    """A base model may be named by an address, as long as nobody's password is in it."""
    for field in ("fine_tuned_from", "merged_from"):
        held = value.get(field)
        for index, entry in enumerate(held if isinstance(held, list) else [held]):
            name = entry.get("model") if isinstance(entry, dict) else None
            if isinstance(name, str) and (fault := secret(name)) is not None:
                path = (field, index, "model") if isinstance(held, list) else (field, "model")
                yield SchemaProblem(path, False, fault.code, fault.message, fault.remedy)


def _nobody(value: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    """SBOM formats have words for "nobody says": as a name they would turn a gap into a claim."""
    datasets = value.get("datasets")
    agents: list[tuple[tuple[str | int, ...], Any]] = [(("supplier",), value.get("supplier"))]
    for index, entry in enumerate(datasets if isinstance(datasets, list) else ()):
        if isinstance(entry, dict):
            agents.append((("datasets", index, "originated_by"), entry.get("originated_by")))
    for path, agent in agents:
        name = agent.get("name") if isinstance(agent, dict) else None
        if isinstance(name, str) and name.strip().upper() in _NO_NAMES:
            message = f"`{shown(name, 40)}` is the name of nobody"
            yield SchemaProblem((*path, "name"), False, "manifest.value", message, "Leave out who is not known.")


def _released_before_built(value: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    datasets = value.get("datasets")
    for index, entry in enumerate(datasets if isinstance(datasets, list) else ()):
        built, released = (entry.get(name) if isinstance(entry, dict) else None for name in ("built", "released"))
        # Of a day and a time only the days compare.
        if not isinstance(built, str) or not isinstance(released, str) or moment(built) or moment(released):
            continue  # absent, or what the schema reports
        if released[:10] < built[:10]:
            message = (
                f"`datasets[{index}]` was released ({shown(released, 30)}) before it was built ({shown(built, 30)})"
            )
            yield SchemaProblem(
                ("datasets", index, "released"), False, "manifest.date", message, "Correct one of the two."
            )


def _twice(value: Mapping[str, Any], field: str, key: str, code: str) -> Iterator[SchemaProblem]:
    entries = value.get(field)
    seen: set[str] = set()
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = entry.get(key) if isinstance(entry, dict) else None
        if isinstance(name, str):
            if name in seen:
                yield SchemaProblem(
                    (field, index, key), False, code, f"`{shown(name, 80)}` is listed twice in `{field}`"
                )
            seen.add(name)
