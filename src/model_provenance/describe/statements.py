"""Everything that a release signs, in the order of signing; the provenance comes last and names the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model_provenance.describe.provenance import provenance
from model_provenance.describe.subjects import subjects
from model_provenance.domain.context import Context
from model_provenance.domain.evidence import SBOM_STATEMENT_LIMIT, Predicate, SbomDocument, Statement
from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.domain.manifest import ReleasedManifest
from model_provenance.domain.names import ModelName
from model_provenance.domain.package import Package
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import document, parse_json
from model_provenance.formats.intoto import statement
from model_provenance.formats.oms import oms_statement
from model_provenance.formats.test_result import result_predicate

#: Predicate type -> name of the statement, hence of its bundle file.
_SBOM_NAMES = {Predicate.SPDX: "spdx", Predicate.SPDX3: "spdx3", Predicate.CYCLONEDX: "cyclonedx"}


@dataclass(frozen=True, slots=True)
class StatementOptions:
    """Options of the release that statements record."""

    #: The user's own ignored paths, relative to the model.
    ignore: tuple[str, ...] = ()
    allow_symlinks: bool = False
    #: As given: `auto`, `native` or `syft`.
    sbom_engine: str = "auto"


def build_statements(
    *,
    package: Package,
    manifest: ReleasedManifest,
    sboms: Sequence[SbomDocument],
    context: Context,
    options: StatementOptions,
    tool_version: str,
) -> tuple[Statement, ...]:
    """The unsigned statements `oms`, `manifest`, `spdx`, `spdx3`, `cyclonedx` (as asked for), `test-result`, `provenance`.

    There is a test result exactly where the manifest names evaluations. An SBOM over `SBOM_STATEMENT_LIMIT` has no statement
    of its own: the manifest holds its digest (`unsigned_sboms` says so).
    """
    about = subjects(package)
    others = [
        oms_statement(
            package.files,
            subject_name=ModelName(manifest.model_name).last,
            ignored=options.ignore,
            allow_symlinks=options.allow_symlinks,
        ),
        Statement("manifest", Predicate.MANIFEST, statement(about, Predicate.MANIFEST, manifest.value)),
    ]
    for sbom in sboms:
        if len(sbom.data) <= SBOM_STATEMENT_LIMIT:
            payload = statement(about, sbom.predicate_type, _predicate(sbom))
            others.append(Statement(_SBOM_NAMES[sbom.predicate_type], sbom.predicate_type, payload))
    tested = result_predicate(manifest)
    if tested is not None:
        payload = statement(about, Predicate.TEST_RESULT, tested)
        others.append(Statement("test-result", Predicate.TEST_RESULT, payload))
    last = provenance(
        manifest=manifest,
        package=package,
        context=context,
        options={
            "layout": package.layout.value,
            "allowSymlinks": options.allow_symlinks,
            "ignorePaths": sorted(set(options.ignore)),
            "sbomEngine": options.sbom_engine,
        },
        others=others,
        tool_version=tool_version,
    )
    return (*others, last)


def unsigned_sboms(sboms: Sequence[SbomDocument]) -> tuple[Finding, ...]:
    """One finding for each SBOM that is too large for a statement of its own."""
    return tuple(
        Finding(
            "statement.sbom_unsigned",
            Severity.INFO,
            Status.SKIPPED,
            f"{sbom.file_name} is {len(sbom.data)} bytes, so the manifest vouches for it and no statement of its own",
            location=sbom.file_name,
        )
        for sbom in sboms
        if len(sbom.data) > SBOM_STATEMENT_LIMIT
    )


def _predicate(sbom: SbomDocument) -> dict[str, object]:
    """The SBOM's own object. Its file has to follow from it again, or the digest in the manifest proves nothing."""
    value = parse_json(sbom.data, what=sbom.file_name, limit=SBOM_STATEMENT_LIMIT, code="internal.error")
    if not isinstance(value, dict) or document(value) != sbom.data:
        raise ModelProvenanceError("internal.error", f"{sbom.file_name} is not in our stable form of JSON")
    return value
