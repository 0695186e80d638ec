"""What the evidence says about how to read the target, before any of it is verified.

Hints only decide what is read: ignore paths and layout. The verifier then compares what was read with what was signed, so a
lying hint can make a verification fail and never pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from model_provenance.domain.evidence import Predicate
from model_provenance.domain.files import FILES, Serialization
from model_provenance.domain.package import Layout
from model_provenance.domain.verification import EvidenceFiles
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import Envelope, parse_bundle
from model_provenance.formats.dsse import PAYLOAD_TYPE
from model_provenance.formats.intoto import ParsedStatement, parse
from model_provenance.formats.oms_older import serialization_of


@dataclass(frozen=True, slots=True)
class Hints:
    """How the signer read the model."""

    ignore: tuple[str, ...] = ()
    allow_symlinks: bool = False
    layout: Layout | None = None
    artifact: str | None = None
    serialization: Serialization = FILES


def hints(evidence: EvidenceFiles) -> Hints:
    """Hints from whatever statements can be read; a bundle that cannot is the verifier's to refuse, not ours."""
    ignore: tuple[str, ...] = ()
    allow_symlinks, layout, artifact, pieces = False, None, None, FILES
    for statement in _statements(evidence):
        if statement.predicate_type == Predicate.OMS:
            serialization = statement.predicate.get("serialization")
            if isinstance(serialization, dict):
                paths = serialization.get("ignore_paths")
                if isinstance(paths, list):
                    ignore = tuple(path for path in paths if isinstance(path, str))
                allow_symlinks = serialization.get("allow_symlinks") is True
                pieces = serialization_of(statement.predicate) or FILES
        elif statement.predicate_type == Predicate.MANIFEST:
            layout = _layout(statement.predicate.get("layout"))
            name = statement.predicate.get("artifact")
            artifact = name if isinstance(name, str) else None
    return Hints(ignore, allow_symlinks, layout, artifact, pieces)


def _statements(evidence: EvidenceFiles) -> Iterator[ParsedStatement]:
    for _, data in evidence.bundles:
        try:
            content = parse_bundle(data).content
            # Only what the verifier counts: of one release it then holds that nothing else has spoken here.
            if isinstance(content, Envelope) and content.payload_type == PAYLOAD_TYPE:
                yield parse(content.payload)
        except ModelProvenanceError:
            continue


def _layout(value: object) -> Layout | None:
    return next((layout for layout in Layout if layout.value == value), None)
