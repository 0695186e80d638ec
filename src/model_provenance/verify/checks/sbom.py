"""16 · Each SBOM that the manifest names is there, is the named one, and describes exactly these files, completely."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.finding import Finding, failed, passed
from model_provenance.domain.manifest import ReleasedManifest, SbomReference
from model_provenance.domain.parts import lacking, parts_of
from model_provenance.domain.roles import role_of
from model_provenance.domain.sbom import SbomBinding
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import cyclonedx_reading, spdx3_reading, spdx_reading
from model_provenance.formats.canonical import document, parse_json
from model_provenance.formats.oms_content import SignedFiles
from model_provenance.formats.sbom_executable import executable_of
from model_provenance.verify.case import Case
from model_provenance.verify.outcome import blocked, finding_of

_READERS = {
    Predicate.SPDX: spdx_reading,
    Predicate.SPDX3: spdx3_reading,
    Predicate.CYCLONEDX: cyclonedx_reading,
}
_LIMIT = 256 * 1024 * 1024


def check(case: Case) -> Sequence[Finding]:
    """Presence, digest, binding, files, completeness."""
    manifest = case.manifest.value
    if manifest is None:
        return [blocked("there is no valid manifest that names the SBOMs")]
    findings: list[Finding] = []
    licensed = "license" in manifest.value
    for reference in manifest.sboms:
        states_license, problems = _judged(case, manifest, reference)
        findings += problems
        licensed = licensed or states_license
    findings += _beside(case, manifest)
    if case.oms.value is not None:
        findings += _incomplete(case.expectation.required_parts, case.oms.value, licensed=licensed)
    else:
        findings.append(
            blocked("there is no one signed list of files, so it is not known whether the SBOM is complete")
        )
    return findings or [passed("sbom", f"{', '.join(s.name for s in manifest.sboms)}: exactly these files, complete")]


def _judged(case: Case, manifest: ReleasedManifest, reference: SbomReference) -> tuple[bool, tuple[Finding, ...]]:
    """Whether one SBOM states the licence of the model, and what is wrong with it."""
    try:
        value = _document(case, reference)
        return _states_license(value), tuple(_about(case, manifest, reference, value))
    except ModelProvenanceError as error:
        return False, (finding_of(error, location=reference.name),)


def _document(case: Case, reference: SbomReference) -> Mapping[str, Any]:
    """The SBOM from its statement, or from the document beside it where it was too large for one."""
    statement = case.statement(reference.predicate_type)
    data = case.documents.get(reference.name) if statement is None else _rendered(statement.predicate)
    if data is None:
        raise ModelProvenanceError(
            "evidence.missing", f"the SBOM {shown(reference.name)} that the manifest names is missing"
        )
    if Digest.of(data) != reference.digest or len(data) != reference.size:
        raise ModelProvenanceError("sbom.differs", "the SBOM is not the one that the manifest names")
    value = parse_json(data, what="the SBOM", limit=_LIMIT, code="sbom.malformed")
    if not isinstance(value, dict):
        raise ModelProvenanceError("sbom.malformed", "the SBOM is not an object")
    return value


def executable_files(case: Case) -> frozenset[str] | None:
    """Files that can run code when loaded, as any SBOM of a release that passed says; None where none can be asked."""
    manifest = case.manifest.value
    if manifest is None or not manifest.sboms:
        return None
    try:
        return frozenset().union(*(executable_of(_document(case, reference)) for reference in manifest.sboms))
    except ModelProvenanceError:
        return None


def _rendered(predicate: Mapping[str, Any]) -> bytes:
    try:
        return document(predicate)
    except (TypeError, ValueError) as error:
        raise ModelProvenanceError("sbom.malformed", f"the signed SBOM has no stable form: {error}") from error


def _about(
    case: Case, manifest: ReleasedManifest, reference: SbomReference, value: Mapping[str, Any]
) -> Iterator[Finding]:
    reader = _READERS.get(reference.predicate_type)
    if reader is None:
        raise ModelProvenanceError("sbom.malformed", f"SBOMs of type {shown(reference.predicate_type)} are not read")
    said = reader.binding_of(value)
    true = SbomBinding(
        manifest.model_name, manifest.version, manifest.package_digest, manifest.model_digest, manifest.files_digest
    )
    if said != true:
        yield failed("sbom.differs", "the SBOM describes another release than the manifest", location=reference.name)
    if case.oms.value is None:
        yield blocked("there is no one signed list of files to compare the SBOM with", location=reference.name)
        return
    # Compared with the signed list: that the model holds exactly those files is check 14.
    listed, signed = reader.files_of(value), {name: digest.hex for name, digest in case.oms.value.files}
    if listed != signed:
        yield failed("sbom.files", _difference(listed, signed), location=reference.name)


def _difference(listed: Mapping[str, str], here: Mapping[str, str]) -> str:
    for what, names in (
        ("does not list", here.keys() - listed.keys()),
        ("lists, and the model does not hold,", listed.keys() - here.keys()),
        ("gives another digest for", {name for name in here.keys() & listed.keys() if here[name] != listed[name]}),
    ):
        if names:
            return f"the SBOM {what} {len(names)} files, e.g. {shown(min(names))}"
    return "the SBOM lists other files"


def _beside(case: Case, manifest: ReleasedManifest) -> Iterator[Finding]:
    """What people open is what was signed."""
    for reference in manifest.sboms:
        data = case.documents.get(reference.name)
        if data is not None and Digest.of(data) != reference.digest:
            yield failed(
                "evidence.differs", "the SBOM beside the evidence is not the signed one", location=reference.name
            )


def _incomplete(required: tuple[str, ...], signed: SignedFiles, *, licensed: bool) -> Iterator[Finding]:
    """A part that the model must have and this one lacks."""
    found = parts_of(((name, role_of(name)) for name, _ in signed.files), licensed=licensed)
    for part in lacking(required, found):
        yield failed("sbom.incomplete", f"the model has no {part}, so neither has its SBOM")


def _states_license(value: Mapping[str, Any]) -> bool:
    """Whether the SBOM names a licence for the model, as the card or the manifest declares it."""
    if "@graph" in value:
        return spdx3_reading.states_license(value)
    packages, components = value.get("packages"), value.get("components")
    if isinstance(packages, list):
        declared = [p.get("licenseDeclared") for p in packages if isinstance(p, dict) and p.get("SPDXID") == _MODEL]
        return any(isinstance(text, str) and text not in ("NOASSERTION", "NONE", "") for text in declared)
    if isinstance(components, list):
        models = [c for c in components if isinstance(c, dict) and c.get("type") == "machine-learning-model"]
        return any(bool(model.get("licenses")) for model in models)
    return False


_MODEL = spdx_reading.MODEL_REF
