"""What is handed on, in SPDX 3: the archive or the model index, as BSI TR-03183-2 asks of a deployable component."""

from __future__ import annotations

from model_provenance.domain.sbom import SbomFacts
from model_provenance.formats.spdx3_graph import Graph, hashes
from model_provenance.formats.spdx3_reading import DISTRIBUTION_REF


def add_distribution(graph: Graph, facts: SbomFacts, model: str) -> None:
    """Name, digests and kind of the one artifact (BSI TR-03183-2 v2.1.0, 5.2.2 and 8.1: structured, archive, executable)."""
    made = facts.distribution
    if made is None:
        return
    kinds = ["archive", "container"] if made.is_archive else ["container"]
    if any(file.executable for file in facts.files):
        kinds.append("executable")
    digests = hashes(made.digest)
    if made.sha512:
        digests.append({"type": "Hash", "algorithm": "sha512", "hashValue": made.sha512})
    what = "the archive" if made.is_archive else "the model index, which names each blob by its SHA-256"
    ref = graph.add(
        "software_File",
        graph.id(DISTRIBUTION_REF),
        name=made.file_name,
        verifiedUsing=digests,
        software_primaryPurpose="archive" if made.is_archive else "manifest",
        software_additionalPurpose=kinds,
        software_fileKind="file",
        comment=f"what is handed on: {what}",
    )
    graph.relate(model, "hasDistributionArtifact", [ref])
