"""The last release of a model beside this one: what a reviewer asks about a pull request first.

The earlier release is read from its evidence without being verified, and every place that shows the result says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from model_provenance.domain.difference import Difference, Snapshot, difference
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.names import Version
from model_provenance.domain.receipt import Receipt
from model_provenance.domain.text import shown
from model_provenance.domain.verification import EvidenceFiles
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.evidence import read_evidence
from model_provenance.formats.bundle import Envelope, parse_bundle
from model_provenance.formats.canonical import parse_json
from model_provenance.formats.intoto import ParsedStatement, parse
from model_provenance.formats.oms_content import parse_oms
from model_provenance.oci.access import Access
from model_provenance.oci.reference import SCHEME, Reference
from model_provenance.oci.registry import Registry
from model_provenance.oci.remote import find_model

_RELEASED = re.compile(r"v?([0-9]{1,9}(?:\.[0-9]{1,9}){1,3})")
_SBOM_LIMIT = 64 * 1024 * 1024
_PARAMETERS, _TEMPLATE = "cdx:ai-ml:model:parameter:count", "model-provenance:chat-template-digest"


def last_release(place: str, access: Access, *, but: Version) -> Snapshot | None:
    """The release in a folder, or in a registry: `oci://HOST/REPOSITORY[:TAG]`. Raises `release.compare` where that is none.

    Without a tag it is the highest version there except `but`, the one that is made now; None where there is no version.
    """
    if not place.startswith(SCHEME):
        return snapshot(read_evidence(Path(place)), place)
    reference = Reference.parse(place)
    if reference.tag is None and reference.digest is None:
        with Registry(reference, access) as registry:
            tag = highest(registry.tags(), but=but.text)
        if tag is None:
            return None
        reference = reference.with_tag(tag)
    with Registry(reference, access) as registry:
        model = find_model(registry)
    return snapshot(EvidenceFiles(model.bundles, model.documents), place)


def highest(tags: Iterable[str], *, but: str) -> str | None:
    """The tag of the highest version `1.2.3` or `v1.2.3`. Other tags, also pre-releases, are not what was released last."""
    released = [tag for tag in tags if _RELEASED.fullmatch(tag) and tag.removeprefix("v") != but.removeprefix("v")]
    return max(released, key=lambda tag: [int(part) for part in tag.removeprefix("v").split(".")], default=None)


def changes_since(last: Snapshot, receipt: Receipt) -> Difference:
    """What this release changes."""
    return difference(last, _now(receipt))


def snapshot(evidence: EvidenceFiles, where: str) -> Snapshot:
    """A release as evidence from anywhere tells it."""
    statements = {statement.predicate_type: statement for statement in _statements(evidence)}
    manifest, oms = statements.get(Predicate.MANIFEST), statements.get(Predicate.OMS)
    if manifest is None or oms is None:
        raise ModelProvenanceError(
            "release.compare", "it holds no manifest or no list of files of a release", location=shown(where, 400)
        )
    value = manifest.predicate
    facts = _declared(value) | _observed(evidence, statements)
    files = {name: f"sha256:{digest.hex}" for name, digest in parse_oms(oms).files}
    return Snapshot(str(value.get("model_name", "")), str(value.get("version", "")), files, facts)


def _now(receipt: Receipt) -> Snapshot:
    facts = _declared(receipt.manifest)
    if receipt.facts is not None:
        tokenizer = receipt.facts.tokenizer
        facts |= {
            "Parameters": _one(receipt.facts.parameters),
            "Chat template": _one(None if tokenizer is None else tokenizer.chat_template_digest),
        }
    return Snapshot(receipt.name, receipt.version, {f.path: str(f.digest) for f in receipt.package.files}, facts)


def _one(value: object) -> tuple[str, ...]:
    return (str(value),) if value else ()


def _declared(manifest: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    bases = manifest.get("merged_from") or manifest.get("fine_tuned_from")
    return {
        "Licence": _one(manifest.get("license")),
        "Datasets": _names(manifest.get("datasets"), "name"),
        "Base model": _names(bases, "model"),
        "Training commit": _one(manifest.get("training_commit")),
        "Training container": _one(manifest.get("training_container_digest")),
    }


def _names(value: Any, key: str) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [value]
    named = [entry for entry in entries if isinstance(entry, dict)]
    return tuple(
        f"{entry.get(key, '')}@{str(entry['digest'])[:19]}" if entry.get("digest") else str(entry.get(key, ""))
        for entry in named
    )


def _observed(evidence: EvidenceFiles, statements: Mapping[str, ParsedStatement]) -> dict[str, tuple[str, ...]]:
    """Parameters and chat template, from the CycloneDX document where there is one."""
    document: Any = None
    if Predicate.CYCLONEDX in statements:
        document = statements[Predicate.CYCLONEDX].predicate
    else:
        data = dict(evidence.documents).get("sbom.cdx.json")
        if data is not None:
            document = parse_json(data, what="sbom.cdx.json", limit=_SBOM_LIMIT, code="release.compare")
    found: dict[str, str] = {}
    _collect(document, found, depth=0)
    return {"Parameters": _one(found.get(_PARAMETERS)), "Chat template": _one(found.get(_TEMPLATE))}


def _collect(value: Any, found: dict[str, str], *, depth: int) -> None:
    """The model's properties, wherever this version of the format keeps them; files of it lie deeper than we look."""
    if isinstance(value, list):
        for item in value[:1000]:
            _collect(item, found, depth=depth)
    elif isinstance(value, dict):
        if isinstance(value.get("name"), str) and "value" in value:
            found.setdefault(value["name"], str(value["value"]))
        elif depth < 4:  # noqa: PLR2004 - components, model card, properties
            for key in ("metadata", "component", "components", "modelCard", "modelParameters", "properties"):
                _collect(value.get(key), found, depth=depth + 1)


def _statements(evidence: EvidenceFiles) -> list[ParsedStatement]:
    parsed = []
    for _, data in evidence.bundles:
        content = parse_bundle(data).content
        if isinstance(content, Envelope):
            parsed.append(parse(content.payload))
    return parsed
