"""Licences in SPDX 3: expressions, and the texts that a `LicenseRef-` stands for."""

from __future__ import annotations

from model_provenance.domain.licenses import License
from model_provenance.formats.licenses import LIST_VERSION
from model_provenance.formats.spdx3_graph import NO_LICENSE_ASSERTION, Graph


def add_licenses(
    graph: Graph, subject: str, declared: str | None, concluded: str | None, licenses: list[License]
) -> None:
    """Exactly one of each relation, as the AI and Dataset profiles ask; where nobody says, that is what stands there."""
    for kind, expression in (("hasDeclaredLicense", declared), ("hasConcludedLicense", concluded)):
        target = add_expression(graph, expression, licenses) if expression else NO_LICENSE_ASSERTION
        graph.relate(subject, kind, [target])


def add_expression(graph: Graph, expression: str, licenses: list[License]) -> str:
    """An expression with the references in it."""
    texts = []
    for license in licenses:
        for reference, name in license.references:
            if reference in expression:
                text = graph.add(
                    "simplelicensing_SimpleLicensingText",
                    graph.id("LicenseText", reference),
                    name=name,
                    comment=", ".join(restriction.value for restriction in license.restrictions),
                    simplelicensing_licenseText=f"{name}. The text is not part of this document."
                    + (f" See {license.url}" if license.url else ""),
                )
                texts.append({"type": "DictionaryEntry", "key": reference, "value": text})
    return graph.add(
        "simplelicensing_LicenseExpression",
        graph.id("License", expression),
        simplelicensing_licenseExpression=expression,
        simplelicensing_licenseListVersion=f"{LIST_VERSION}.0",
        simplelicensing_customIdToUri=list({entry["key"]: entry for entry in texts}.values()),
    )
