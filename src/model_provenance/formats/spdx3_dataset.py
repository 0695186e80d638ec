"""Datasets in SPDX 3: the `dataset_DatasetPackage` with every property that the Dataset profile has."""

from __future__ import annotations

from model_provenance.domain.sbom import DatasetEntry
from model_provenance.formats.spdx3_graph import Graph, add_agent, entries, hashes
from model_provenance.formats.spdx3_licenses import add_licenses

#: The manifest's word for "nothing in it needs care", and the one that plainly means the opposite.
_SENSITIVITY = {"none": "no", "personal data": "yes"}


def add_dataset(graph: Graph, dataset: DatasetEntry) -> str:
    """Add one dataset; what it is of kind and who made it stand there only where somebody says so."""
    notes, card = dict(dataset.notes), dataset.card
    originators = []
    if card.originator is not None:
        ref = graph.id("Originator", f"{card.originator.name} {card.originator.contact or ''}")
        originators = [add_agent(graph, ref, card.originator)]
    ref = graph.add(
        "dataset_DatasetPackage",
        graph.id("Dataset", dataset.name),
        name=dataset.name,
        software_packageVersion=dataset.version,
        software_downloadLocation=dataset.url,
        software_primaryPurpose="data",
        originatedBy=originators,
        builtTime=card.built,
        releaseTime=card.released,
        verifiedUsing=hashes(dataset.digest),
        dataset_datasetType=list(card.types) or ["noAssertion"],
        dataset_datasetSize=card.size,
        dataset_dataCollectionProcess=notes.get("provenance"),
        dataset_dataPreprocessing=list(card.preprocessing),
        dataset_anonymizationMethodUsed=list(card.anonymization),
        dataset_knownBias=list(card.known_bias),
        dataset_datasetNoise=card.noise,
        dataset_sensor=entries(card.sensors),
        dataset_confidentialityLevel=card.confidentiality,
        dataset_intendedUse=card.intended_use,
        dataset_datasetAvailability=card.availability,
        dataset_datasetUpdateMechanism=card.update_mechanism,
        dataset_hasSensitivePersonalInformation=_SENSITIVITY.get(notes.get("sensitivity", "").lower()),
        software_sourceInfo=str(dataset.origin),
        comment="; ".join(f"{name}: {value}" for name, value in dataset.notes),
    )
    license = dataset.license
    add_licenses(graph, ref, license.expression if license else None, None, [license] if license else [])
    return ref
