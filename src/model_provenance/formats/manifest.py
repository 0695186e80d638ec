"""The model manifest as people write it and as a release signs it (spec/manifest-v1.md): bytes to values, findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from model_provenance.domain.finding import Finding, failed
from model_provenance.domain.text import shown
from model_provenance.errors import CODES, ModelProvenanceError
from model_provenance.formats.commits import unresolved
from model_provenance.formats.load_located import load_located
from model_provenance.formats.located import Located
from model_provenance.formats.manifest_rules import (
    float_problems,
    plain,
    relation_problems,
    released_problems,
    text_problems,
)
from model_provenance.formats.schema_check import FINDINGS_LIMIT, SchemaProblem, schema_problems

if TYPE_CHECKING:
    from model_provenance.domain.manifest import ReleasedManifest, SourceManifest

SOURCE_SCHEMA = "https://model-provenance.dev/schemas/source-manifest/v1"
RELEASED_SCHEMA = "https://model-provenance.dev/schemas/manifest/v1"
#: Bytes of a released manifest: a source manifest, and what a release adds.
RELEASED_LIMIT = 8_000_000
_DEPTH_LIMIT = 40
_SHOWN_FINDINGS = 10


def check_source(
    data: bytes,
    file_name: str,
    *,
    resolve_commit: Callable[[str], str | None] | None = None,
    shallow: Callable[[], bool] = lambda: False,
) -> tuple[Finding, ...]:
    """Everything that is wrong with a source manifest, in the order of the file; empty when nothing is.

    `file_name` decides between JSON and YAML and stands in the locations. A manifest that says of itself that it is a
    released one is checked as such. `resolve_commit` gives the full id of a commit that the checkout holds, `shallow`
    says that its history is cut off; without them only the form of the training commit is checked.
    """
    document, findings = _read(data, file_name)
    commit = document.value.get("training_commit") if isinstance(document.value, dict) else None
    if resolve_commit is None or not isinstance(commit, str):
        return findings
    return findings + unresolved(
        commit, resolve=resolve_commit, shallow=shallow, location=document.location(("training_commit",))
    )


def load_source(data: bytes, file_name: str) -> SourceManifest:
    """Read a source manifest; raises `manifest.source_invalid` with every finding in its message."""
    from model_provenance.domain.manifest import SourceManifest  # noqa: PLC0415 - 15 ms that a check does without

    document, findings = _read(data, file_name)
    if findings:
        check = f"`model-provenance manifest check {shown(file_name, 400)}` says for each what to write."
        remedy = findings[0].remedy if len(findings) == 1 else check
        raise ModelProvenanceError("manifest.source_invalid", _listed(findings), remedy=remedy)
    if _is_released(document.value):
        message = "this is the manifest of a release, not a source manifest"
        remedy = "Give the file that people write; a release completes it."
        raise ModelProvenanceError("manifest.source_invalid", message, remedy=remedy, location=document.file_name)
    value = {key: plain(child) for key, child in document.value.items() if key not in ("$schema", "schema")}
    places = {key: document.location((key,), key=True) for key in document.value}
    return SourceManifest(value, document.file_name, places)


def parse_released(data: bytes) -> ReleasedManifest:
    """Read the manifest of a release, strictly; raises `manifest.invalid` with the first thing that is wrong."""
    from model_provenance.formats.canonical import parse_json  # noqa: PLC0415 - a check does without

    value = parse_json(data, what="the manifest", limit=RELEASED_LIMIT, code="manifest.invalid", depth=_DEPTH_LIMIT)
    return released(value)


def released(value: Any) -> ReleasedManifest:
    """The manifest of a release from its JSON value, e.g. a statement's predicate; raises `manifest.invalid`."""
    from model_provenance.domain.manifest import ReleasedManifest  # noqa: PLC0415 - a check does without
    from model_provenance.formats.canonical import document  # noqa: PLC0415

    problem = next(iter(_released_problems(value)), None)
    if problem is not None:
        raise ModelProvenanceError("manifest.invalid", f"the signed manifest is not valid: {problem.message}")
    return ReleasedManifest(value, document(value))


def _read(data: bytes, file_name: str) -> tuple[Located, tuple[Finding, ...]]:
    """The document (empty where it cannot be parsed) and everything that is wrong with it."""
    try:
        document = load_located(data, file_name)
    except ModelProvenanceError as error:
        finding = failed(error.code, error.message, remedy=error.remedy, location=error.location or "")
        return Located(file_name), (finding,)
    value = document.value
    problems = _released_problems(value) if _is_released(value) else _source_problems(value)
    findings = document.problems + [
        failed(
            p.code, p.message, remedy=p.remedy or CODES[p.code].remedy, location=document.location(p.path, key=p.key)
        )
        for p in islice(problems, FINDINGS_LIMIT)
    ]
    return document, tuple(sorted(findings, key=_in_file_order)[:FINDINGS_LIMIT])


def _source_problems(value: Any) -> Iterable[SchemaProblem]:
    yield from schema_problems(value, "source-manifest.v1")
    yield from text_problems(value)
    if isinstance(value, dict):
        yield from relation_problems(value)


def _released_problems(value: Any) -> Iterable[SchemaProblem]:
    of_schema = schema_problems(value, "manifest.v1")
    yield from of_schema
    yield from float_problems(value)
    yield from text_problems(value)
    if not of_schema:
        yield from relation_problems(value)
        yield from released_problems(value)


def _is_released(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("schema") == RELEASED_SCHEMA


def _in_file_order(finding: Finding) -> tuple[int, int]:
    _, _, rest = finding.location.rpartition(":")
    line = finding.location.rpartition(":")[0].rpartition(":")[2]
    return (int(line), int(rest)) if line.isdigit() and rest.isdigit() else (0, 0)


def _listed(findings: tuple[Finding, ...]) -> str:
    lines = [f"{finding.location}: {finding.message}" for finding in findings[:_SHOWN_FINDINGS]]
    if len(findings) > _SHOWN_FINDINGS:
        lines.append(f"and {len(findings) - _SHOWN_FINDINGS} more")
    if len(lines) == 1:
        return lines[0]
    return "\n".join([f"the source manifest has {len(findings)} problems:", *(f"  {line}" for line in lines)])
